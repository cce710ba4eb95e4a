"""What the rules cannot read in a mail and must be told."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """What is known of a mailing besides its bytes."""

    advertising: bool = False
    """It advertises (Korean network act, article 50). A subject with 광고 at its start says so as well."""
    sender_name: str = ""
    """Who sends it, as an advertising mail must name them; "" where it is not known."""
    postal_address: str = ""
    """Where the sender can be reached; "" where it is not known."""
    phone: str = ""
    """The sender's telephone number; "" where it is not known."""
    plain_text: str | None = None
    """The plain part beside the HTML part; `check_mail` fills it in."""

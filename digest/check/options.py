"""What the rules cannot read in a mail and must be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


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
    targets: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Where links lead in the end whose clicks are counted, by the address that stands in the mail."""

    def target_of(self, address: str) -> str:
        """Where a link leads in the end."""
        return self.targets.get(address, address)

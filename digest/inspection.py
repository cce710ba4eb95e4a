"""The email-safe contract on what readers would get: every group's message, written for a reader, checked whole."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from digest.check.contract import check_mail
from digest.check.finding import Finding, Severity
from digest.check.options import CheckOptions
from digest.deliver.letters import Letterhead, Reader, counted_targets, write_message
from digest.settings import NewsletterSettings, SiteSettings
from digest.store.groups import VariantKey

_TOLD = 3
"""How many findings a reason names; the check itself lists them all."""


def inspect_letters(
    letterhead: Letterhead, reader: Reader, *, on_checked: Callable[[], None] = lambda: None
) -> Mapping[VariantKey, tuple[Finding, ...]]:
    """What the contract finds in the message of each group of readers, as written for one reader.

    Args:
        letterhead: the messages.
        reader: whom they are written for.
        on_checked: called after each message; a check takes about 0.1 s, and there may be hundreds of groups.
    """
    options = replace(options_for(letterhead.site, letterhead.newsletter), targets=counted_targets(letterhead, reader))
    found = {}
    for key in letterhead.bodies:
        found[VariantKey.parse(key)] = check_mail(write_message(letterhead, key, reader).content, options)
        on_checked()
    return found


def options_for(site: SiteSettings, newsletter: NewsletterSettings) -> CheckOptions:
    """What the rules must be told about a newsletter."""
    return CheckOptions(
        advertising=newsletter.advertising,
        sender_name=newsletter.mailbox.display_name or site.name,
        postal_address=site.postal_address,
        phone=site.phone,
    )


def errors_in(found: Mapping[VariantKey, tuple[Finding, ...]]) -> tuple[Finding, ...]:
    """The errors of all groups, each once."""
    errors = (finding for findings in found.values() for finding in findings if finding.severity is Severity.ERROR)
    return tuple({(finding.rule, finding.message): finding for finding in errors}.values())


def summarise(errors: tuple[Finding, ...]) -> str:
    """Errors as one line: "2 errors: IMG-SRC: …; LNK-HREF: …"."""
    told = "; ".join(f"{finding.rule}: {finding.message}" for finding in errors[:_TOLD])
    more = f"; and {len(errors) - _TOLD} more" if len(errors) > _TOLD else ""
    return f"{len(errors)} error{'s' * (len(errors) != 1)}: {told}{more}"

"""The email-safe contract: every rule, and the two questions that can be asked of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from digest.check import (
    characters,
    contrast,
    headers,
    hidden,
    images,
    korean,
    law,
    layout,
    links,
    markup,
    message,
    size,
    styles,
    text,
    tree,
)
from digest.check.document import HtmlDocument, parse_html
from digest.check.finding import Finding, Part, Rule, Severity
from digest.check.levels import LEVELS
from digest.check.mail import MOST_READ, Mail, open_mail
from digest.check.options import CheckOptions
from digest.check.repeats import merge_repeats

HtmlFamily = Callable[[HtmlDocument, CheckOptions], Iterator[Finding]]
"""A family of rules on the HTML part alone."""
MailFamily = Callable[[Mail, CheckOptions], Iterator[Finding]]
"""A family of rules on the whole mail."""

MAIL_FAMILIES: tuple[MailFamily, ...] = (
    size.check_size,
    message.check_message,
    headers.check_headers,
    text.check_text,
    characters.check_header_characters,
    characters.check_plain_characters,
    law.check_advertising,
)
HTML_FAMILIES: tuple[HtmlFamily, ...] = (
    markup.check_markup,
    tree.check_tree,
    characters.check_characters,
    styles.check_styles,
    layout.check_layout,
    images.check_images,
    links.check_links,
    law.check_law,
    contrast.check_contrast,
    korean.check_korean,
    hidden.check_hidden,
)
_MODULES = (
    *(size, message, headers, text, markup, tree, characters, styles),
    *(layout, images, links, law, contrast, korean, hidden),
)
_ORDER = tuple(LEVELS)
RULES: Mapping[str, Rule] = {
    rule.id: rule
    for rule in sorted((rule for module in _MODULES for rule in module.RULES), key=lambda rule: _ORDER.index(rule.id))
}
"""Every rule by its id, in the contract's order."""
_PARTS = tuple(Part)
_DEFAULTS = CheckOptions()


def check_mail(content: bytes, options: CheckOptions = _DEFAULTS) -> tuple[Finding, ...]:
    """Every breach of the contract in a mail, errors first; () where there is none.

    Any bytes can be checked, junk among them.
    """
    mail = open_mail(content)
    found = [finding for family in MAIL_FAMILIES for finding in family(mail, options)]
    if mail.html is not None:
        found += _check_document(mail.html, replace(options, plain_text=mail.text))
    return _in_order(found)


def check_html(source: str, options: CheckOptions = _DEFAULTS) -> tuple[Finding, ...]:
    """Every breach that can be seen in an HTML part alone, errors first; any text can be checked."""
    found = list(size.check_source_size(source))
    if len(source) <= MOST_READ:
        found += _check_document(parse_html(source), options)
    return _in_order(found)


def _check_document(document: HtmlDocument, options: CheckOptions) -> list[Finding]:
    return [finding for family in HTML_FAMILIES for finding in family(document, options)]


def _in_order(found: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(merge_repeats(found), key=_place))


def _place(finding: Finding) -> tuple[bool, int, int]:
    return finding.severity is Severity.WARNING, _PARTS.index(finding.part), finding.line or 0

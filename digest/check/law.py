"""Rules of law: a way to leave in every mail, and what Korean law asks of advertising."""

import re
from collections.abc import Iterator

from digest.check.document import HtmlDocument
from digest.check.fields import Fields
from digest.check.finding import Finding, Part, Rule, error
from digest.check.headers import decode_words, read_subject
from digest.check.mail import Mail
from digest.check.options import CheckOptions
from digest.check.unsubscribe import ENGLISH, KOREAN, find_unsubscribe_links
from digest.check.visible import visible_text

RULES = (
    Rule(
        id="LNK-UNSUB",
        title="The body has an https link that says it unsubscribes",
        why="Korean, European and American law ask for it, and readers who do not find it press Spam.",
        fix='Put `<a href="https://…">수신거부</a>` or `Unsubscribe` into the footer.',
    ),
    Rule(
        id="AD-KR",
        title="Advertising: subject begins (광고); sender, address, phone, and a free way out in Korean and English",
        why="The Korean network act, article 50, and its decree ask for all of it, and fine what lacks any.",
        fix="Set `advertising = true`, and the site's postal_address and phone; keep the footer of the template.",
    ),
)
LABEL = "(광고)"
_LIKE_THE_LABEL = re.compile(r"\s*[(（\[\[【〔<〈《「]\s*광\W{0,3}고\s*(?:성\s*정보\s*)?[)）\]\]】〕>〉》」]")
_PHONE = re.compile(r"(?<!\d)(?:\+82[-\s]?\d{1,2}|0\d{1,2}|1\d{3})[-.)\s]{0,2}\d{3,4}(?:[-.\s]?\d{4})?(?!\d)")
_ADDRESS = re.compile(r"[가-힣]{1,10}(?:시|도|군|구)\s[가-힣0-9\s]{1,40}(?:로|길|동|읍|면|리|가)\s?\d")


def check_law(document: HtmlDocument, _options: CheckOptions) -> Iterator[Finding]:
    """Whether readers can leave."""
    links = list(find_unsubscribe_links(document))
    if not any(link.get("href", "").strip().lower().startswith("https://") for link in links):
        if links:
            yield document.error("LNK-UNSUB", "the unsubscribe link is not https", links[0], links[0].get("href", ""))
        else:
            message = "no link says that it unsubscribes (수신거부, Unsubscribe)"
            yield error("LNK-UNSUB", message, part=Part.HTML)


def check_advertising(mail: Mail, options: CheckOptions) -> Iterator[Finding]:
    """What advertising needs, where a mail is marked as that."""
    subject = read_subject(mail.fields)
    if not options.advertising and not _LIKE_THE_LABEL.match(subject):
        return
    if not subject.startswith(LABEL):
        line = next((field.line for field in mail.fields.named("subject")), None)
        yield error("AD-KR", f"the subject of advertising begins {LABEL}, found {subject[:20]!r}", line=line)
    if mail.html is not None:
        yield from _check_footer(mail.html, mail.fields, options)


def _check_footer(document: HtmlDocument, fields: Fields, options: CheckOptions) -> Iterator[Finding]:
    text = visible_text(document)
    sender = options.sender_name or _display_name(fields)
    wanted = {
        "the sender's name": not sender or _holds(text, sender),
        "the sender's address": _holds(text, options.postal_address)
        if options.postal_address
        else _ADDRESS.search(text),
        "the sender's phone": _holds_phone(text, options.phone),
        "a way out in Korean (수신거부)": KOREAN.search(text),
        "a way out in English (unsubscribe)": ENGLISH.search(text),
    }
    for what, is_there in wanted.items():
        if not is_there:
            yield error("AD-KR", f"advertising must hold {what}", part=Part.HTML)


def _display_name(fields: Fields) -> str:
    return decode_words(fields.value("from").partition("<")[0]).strip().strip('"')


def _holds(text: str, wanted: str) -> bool:
    return "".join(wanted.split()) in "".join(text.split())


def _holds_phone(text: str, phone: str) -> bool:
    """Whether it is there, however it is grouped; where none is known, whether any is."""
    return _digits(phone) in _digits(text) if phone else bool(_PHONE.search(text))


def _digits(text: str) -> str:
    return re.sub(r"[^\d+]", "", text)

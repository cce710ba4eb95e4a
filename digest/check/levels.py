"""What of each rule stops a scheduled send, and what is only told: the contract's thresholds, in words."""

from collections.abc import Mapping
from dataclasses import dataclass

from digest.check.finding import Severity


@dataclass(frozen=True, kw_only=True)
class Levels:
    """The two severities of one rule."""

    error: str = ""
    """What is an error; "" where nothing is."""
    warning: str = ""
    """What is a warning; "" where nothing is."""

    @property
    def severities(self) -> frozenset[Severity]:
        """Those that the rule's findings can have."""
        words = {Severity.ERROR: self.error, Severity.WARNING: self.warning}
        return frozenset(severity for severity, what in words.items() if what)


_ALWAYS = Levels(error="always")
_TOLD = Levels(warning="always")
LEVELS: Mapping[str, Levels] = {
    "SIZE-CLIP": Levels(error="from 102,400 bytes on", warning="from 92,160 bytes on"),
    "SIZE-STYLE": Levels(error="over 16,384 bytes", warning="over 8,192 bytes"),
    "MSG-LINE": _ALWAYS,
    "MSG-HDR": _ALWAYS,
    "MSG-2047": _ALWAYS,
    "MSG-SUBJ": Levels(error="empty, or a placeholder", warning="over 70 columns"),
    "MSG-UNSUB": _ALWAYS,
    "MSG-ALT": _ALWAYS,
    "MSG-CHARSET": _ALWAYS,
    "MSG-CTE": _ALWAYS,
    "TXT-BODY": _ALWAYS,
    "TXT-LINKS": _ALWAYS,
    "TXT-LINE": Levels(error="over 998 octets", warning="over 100 columns without format=flowed"),
    "DOC-TYPE": _ALWAYS,
    "DOC-LANG": Levels(error="no lang, no such language, or another script", warning="no dir, or lang not repeated"),
    "DOC-META": Levels(error="no charset, or no title", warning="no viewport"),
    "DOC-SCHEME": _TOLD,
    "DOC-TREE": _ALWAYS,
    "CHR-BAD": _ALWAYS,
    "CHR-NFC": _ALWAYS,
    "PH-LEFT": _ALWAYS,
    "EL-FORBID": _ALWAYS,
    "ATTR-JS": _ALWAYS,
    "CSS-FORBID": _ALWAYS,
    "CSS-AVOID": _TOLD,
    "CSS-PARSE": _ALWAYS,
    "CSS-NEST": _ALWAYS,
    "CSS-COLOR": _ALWAYS,
    "CSS-EXT": Levels(error="@import, or a url() that is not https", warning="@font-face"),
    "CSS-IMP": Levels(error="not !important in @media", warning="!important in a style attribute"),
    "LAY-MSO": _ALWAYS,
    "LAY-ROLE": Levels(error="no role=presentation", warning="no cellpadding, cellspacing or border of 0"),
    "LAY-WIDTH": _ALWAYS,
    "LAY-FLUID": _TOLD,
    "LAY-GHOST": Levels(error="around a div", warning="around a table"),
    "LAY-PAD": Levels(error="on div, p, headings, table and the like", warning="on lists"),
    "BTN": _TOLD,
    "IMG-ALT": _ALWAYS,
    "IMG-DIM": _ALWAYS,
    "IMG-SRC": _ALWAYS,
    "IMG-FMT": _ALWAYS,
    "IMG-ONLY": Levels(error="under 60 characters", warning="under 200 characters beside images"),
    "LNK-HREF": Levels(error="relative, or wrongly encoded", warning="http, or `#`"),
    "LNK-TEXT": Levels(error="no text", warning="더보기, here, read more alone"),
    "LNK-SHORT": _ALWAYS,
    "LNK-SPOOF": _ALWAYS,
    "LNK-UTM": _ALWAYS,
    "LNK-PII": _TOLD,
    "LNK-UNSUB": _ALWAYS,
    "A11Y-H1": _ALWAYS,
    "A11Y-SIZE": Levels(error="under 10 px", warning="under 12 px"),
    "A11Y-CONTRAST": _ALWAYS,
    "A11Y-DARK": _ALWAYS,
    "FONT-STACK": _ALWAYS,
    "KO-BREAK": _TOLD,
    "KO-LEAD": _TOLD,
    "PRE-HEAD": Levels(
        error="no hidden preheader before all other text", warning="under 20 or over 140 characters, or no mso-hide"
    ),
    "HID-TEXT": _TOLD,
    "SRC-COMMENT": _TOLD,
    "AD-KR": _ALWAYS,
}
"""By the id of the rule, in the order in which the documentation lists them: from the mail to its last detail."""

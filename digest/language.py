"""What an issue says besides its articles: words, numbers and dates of one locale.

Words come from gettext catalogues, read as they are written (`.po`): a locale is there as soon as a file
`<folder>/<locale>/LC_MESSAGES/digest.po` is. Numbers and dates come from CLDR, by way of Babel.
"""

import datetime as dt
import functools
import itertools
import re
from io import BytesIO
from pathlib import Path
from typing import Literal

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from babel.numbers import format_decimal
from babel.support import Translations

from digest.errors import SettingsError

PACKAGED_LOCALES = Path(__file__).parent / "locales"
"""The catalogues that come with `digest`."""
Direction = Literal["ltr", "rtl"]
_CATALOGUE = Path("LC_MESSAGES", "digest.po")
_THIN_SPACES = dict.fromkeys(map(ord, "\u2009\u200a\u202f\xa0"), " ")
"""CLDR's typographic spaces: monospaced plain text shows them as full ones or as boxes."""


class Language:
    """The words, numbers and dates of one locale. Get one from `load_language`."""

    def __init__(self, locale: Locale, translations: Translations) -> None:
        self._locale = locale
        self._translations = translations

    @property
    def code(self) -> str:
        """BCP 47 tag ("ko", "en-GB")."""
        return str(self._locale).replace("_", "-")

    @property
    def own_name(self) -> str:
        """What its speakers call it ("한국어", "English")."""
        return str(self._locale.get_display_name(self._locale)).capitalize()

    @property
    def direction(self) -> Direction:
        """Which way its script runs."""
        return direction_of(self.code) or "ltr"

    def gettext(self, message: str) -> str:
        """The message in this language, or as it is where the catalogue lacks it."""
        return str(self._translations.ugettext(message))

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """The form of the message that goes with `number`."""
        return str(self._translations.ungettext(singular, plural, number))

    def pgettext(self, context: str, message: str) -> str:
        """The message in this language, told from its homonyms by `context`."""
        return str(self._translations.pgettext(context, message))

    def number(self, number: int) -> str:
        """184220 as "184,220"."""
        return format_decimal(number, locale=self._locale)

    def date(self, day: dt.date, style: Literal["long", "short"] = "long") -> str:
        """A day: long "2019년 4월 8일" ("April 8, 2019"); short, with its weekday, "4월 3일 (수)" ("Wed, Apr 3")."""
        if style == "short":
            return _plain(format_skeleton("MMMEd", day, locale=self._locale))
        return _plain(format_date(day, "long", locale=self._locale))

    def date_range(self, first: dt.date, last: dt.date) -> str:
        """Whole days, both included: "2019년 4월 1일 ~ 7일", "April 1 – 7, 2019"; one day as `date` has it."""
        if first == last:
            return self.date(first)
        patterns = self._locale.interval_formats["yMMMd"][_greatest_difference(first, last)]
        days = zip((first, last), patterns, strict=True)
        # CLDR has intervals with short month names only; a range stands alone, so it spells them out.
        written = [format_date(day, pattern.replace("MMM", "MMMM"), self._locale) for day, pattern in days]
        return re.sub(r"\s*~\s*", " ~ ", _plain("".join(written)))

    def moment(self, moment: dt.datetime) -> str:
        """A local moment: "4월 3일 (수) 14:20"; at exactly 00:00 the day only.

        Sources that know no time of day say midnight, and an invented time is worse than none.
        """
        day = self.date(moment.date(), "short")
        if moment.time() == dt.time():
            return day
        # Translators: how a time of day is written, as a CLDR pattern ("h:mm a" for "2:20 PM").
        pattern = self.pgettext("time of day, CLDR pattern", "HH:mm")
        clock = format_time(moment.time(), pattern, locale=self._locale)
        return _plain(str(self._locale.datetime_formats["medium"]).replace("{1}", day).replace("{0}", clock))


@functools.cache
def load_language(code: str, extra: Path | None = None) -> Language:
    """The language of a locale ("ko", "en-GB"); its catalogue may be that of the language alone ("en").

    Args:
        code: a BCP 47 tag or POSIX locale name.
        extra: a folder of further catalogues; its messages win over the packaged ones.

    Raises:
        SettingsError: no such locale, no catalogue for it, or one that cannot be read.
    """
    try:
        locale = Locale.parse(code.replace("_", "-"), sep="-")
    except (UnknownLocaleError, ValueError, TypeError) as error:
        raise _unknown(code, extra) from error
    found = [file for folder in _folders(extra) for file in _catalogues(folder, str(locale))]
    if not found:
        raise _unknown(code, extra)
    catalogues = [_read_catalogue(file) for file in found]
    for catalogue, fallback in itertools.pairwise(catalogues):
        catalogue.add_fallback(fallback)
    return Language(locale, catalogues[0])


def available_languages(extra: Path | None = None) -> tuple[str, ...]:
    """The tags of every locale that has a catalogue, in alphabetical order."""
    files = {file for folder in _folders(extra) for file in folder.glob(f"*/{_CATALOGUE}")}
    return tuple(sorted({file.parents[1].name.replace("_", "-") for file in files}))


def direction_of(tag: str) -> Direction | Literal[""]:
    """Which way the script of a language tag runs; "" where there is no such locale."""
    try:
        locale = Locale.parse(tag.replace("_", "-"), sep="-")
    except (UnknownLocaleError, ValueError, TypeError):
        return ""
    return "rtl" if locale.text_direction == "rtl" else "ltr"


def language_of_script(text: str) -> str:
    """The language that a text's script alone tells: "ko" or "ja" where most letters are theirs, else "".

    >>> [language_of_script(text) for text in ("다리 위 보행로", "夜行列車が戻る", "Night trains", "2026")]
    ['ko', 'ja', '', '']
    """
    letters = [letter for letter in text if letter.isalpha()]
    hangul = sum("\uac00" <= letter <= "\ud7a3" for letter in letters)
    kana = sum("\u3041" <= letter <= "\u30fe" for letter in letters)
    if 2 * hangul > len(letters):
        return "ko"
    # Japanese is half Chinese characters; only kana tell the two apart.
    return "ja" if kana and not hangul and 5 * kana > len(letters) else ""


def _folders(extra: Path | None) -> list[Path]:
    return [PACKAGED_LOCALES] if extra is None else [extra, PACKAGED_LOCALES]


def _catalogues(folder: Path, name: str) -> list[Path]:
    """Those of "zh_Hant_TW", "zh_Hant" and "zh" that are there, most particular first."""
    parts = name.split("_")
    names = ["_".join(parts[:length]) for length in range(len(parts), 0, -1)]
    # People name folders both ways: zh_Hant and zh-Hant.
    spellings = [spelling for name in names for spelling in dict.fromkeys((name, name.replace("_", "-")))]
    return [file for spelling in spellings if (file := folder / spelling / _CATALOGUE).is_file()]


def _read_catalogue(file: Path) -> Translations:
    compiled = BytesIO()
    # Without a Language line Babel would drop the Plural-Forms too, so the folder's name stands in for it.
    locale = file.parents[1].name.replace("-", "_")
    try:
        with file.open("rb") as source:
            write_mo(compiled, read_po(source, locale=locale, abort_invalid=True))
    except (OSError, UnicodeDecodeError, ValueError, PoFileError) as error:
        raise SettingsError(f"{file} cannot be read as a gettext catalogue: {error}") from error
    compiled.seek(0)
    return Translations(compiled)


def _greatest_difference(first: dt.date, last: dt.date) -> str:
    if first.year != last.year:
        return "y"
    return "d" if first.month == last.month else "M"


def _plain(text: str) -> str:
    return text.translate(_THIN_SPACES)


def _unknown(code: str, extra: Path | None) -> SettingsError:
    known = ", ".join(available_languages(extra))
    return SettingsError(
        f"there is no locale {code!r}; available: {known}; "
        f"add one as <workspace>/locales/<locale>/{_CATALOGUE.as_posix()}"
    )

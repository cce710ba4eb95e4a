"""Text that was read in the wrong encoding: `â€™`, `ì£¼ê°„`, `ÁÖ°£`, `二쇨컙`, `占쏙옙`."""

import re
from collections.abc import Iterator

_TAIL = "\x80-\xbf" + "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
"""What the second and later bytes of UTF-8 look like in Windows-1252 and Latin-1."""
_KS_SYLLABLE = 2
"""Bytes of a syllable that KS X 1001 has; the 8,822 rare ones take more."""
_RARE = "".join(letter for letter in map(chr, range(0xAC00, 0xD7A4)) if len(letter.encode("euc_kr")) != _KS_SYLLABLE)
"""Syllables that hardly any Korean word has. UTF-8 read as cp949 is full of them, beside Hanja."""
_HANJA = "\u3400-\u9fff\uf900-\ufaff"
_UTF8_AS_LATIN = re.compile(
    f"â€|[âå][€‚„†œšžœŒŠ˜–—ˆ¤][{_TAIL}]|ï»¿|ðŸ[{_TAIL}]|ã€|[ê-í][€‚„†‡‰‹•˜™›\x80-\x9f][{_TAIL}]|Ã[©¨¼¶±¢¤³§]"
    f"|(?:[ã-í][{_TAIL}]{{2}}){{2}}"
    # In Portuguese or Romanian capitals stand beside capitals and spaces, never beside small letters.
    f"|(?<=[a-z])Ã[{_TAIL}]|Ã[{_TAIL}](?=[a-z])"
    "|(?<![A-Za-zÀ-ÿ])Â[\xa0£§©®°±·]"
)
_UTF8_AS_KOREAN = re.compile(f"[{_HANJA}][{_RARE}]|[{_RARE}][{_HANJA}]|占쏙옙")
_KOREAN_AS_LATIN = re.compile("(?:[\xb0-\xc8][\xa1-\xfe]){3,}")
_LEAST_DIFFERENT = 4
"""A row of middle dots or degree signs is an ornament."""


def find_mojibake(text: str) -> Iterator[re.Match[str]]:
    """Every place where text was read in the wrong encoding."""
    if not text.isascii():
        yield from _UTF8_AS_LATIN.finditer(text)
        yield from _UTF8_AS_KOREAN.finditer(text)
        yield from (found for found in _KOREAN_AS_LATIN.finditer(text) if len(set(found[0])) >= _LEAST_DIFFERENT)

"""Header fields in ASCII: RFC 5322 folding and RFC 2047 encoded words.

CPython's own encoder makes encoded words of 76 characters where RFC 2047 (section 2) allows 75, and cuts between the
bytes of a character, so each word here is made to be decodable alone.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from email.headerregistry import Address

MAX_LINE = 76
"""Characters of a line that holds an encoded word (RFC 2047 section 2); others stay below it as well."""
_PREFIX, _SUFFIX = "=?utf-8?B?", "?="
_PLAIN = re.compile(r"[\x20-\x7e]*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~ ]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def encode_text(name: str, text: str) -> str:
    """An unstructured field such as Subject: its value, folded, without the line end.

    Control characters, line ends among them, become spaces: no value can begin another header.
    """
    text = _CONTROL.sub(" ", text)
    is_plain = _PLAIN.fullmatch(text) and "=?" not in text and text == text.strip()
    if is_plain and len(name) + 2 + len(text) <= MAX_LINE:
        return text
    return "\r\n ".join(_encode_words(text, first=MAX_LINE - len(name) - 2))


def encode_mailbox(name: str, mailbox: Address) -> str:
    """A field with one mailbox such as From: display name and address, folded between them where needed."""
    address = f"<{mailbox.username}@{mailbox.domain}>"
    phrase = encode_phrase(name, mailbox.display_name)
    if not phrase:
        return address[1:-1]
    last_line = phrase.rpartition("\n")[2]
    fits = len(name) + 2 + len(last_line) + 1 + len(address) <= MAX_LINE
    return f"{phrase} {address}" if fits else f"{phrase}\r\n {address}"


def encode_phrase(name: str, text: str) -> str:
    """The words before an address or an identifier: atoms, a quoted string, or else encoded words, folded.

    Spaces are collapsed and control characters are among them.
    """
    text = " ".join(_CONTROL.sub(" ", text).split())
    room = MAX_LINE - len(name) - 2
    if _PLAIN.fullmatch(text) and "=?" not in text:
        phrase = text if _ATOMS.fullmatch(text) else '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
        if len(phrase) <= room:
            return phrase
    return "\r\n ".join(_encode_words(text, first=room))


def _encode_words(text: str, *, first: int) -> Iterator[str]:
    """Encoded words of whole characters; the first one is shorter as it stands behind the field's name."""
    room = _bytes_that_fit(first)
    word = b""
    for character in text:
        encoded = character.encode("utf-8", "replace")
        if len(word) + len(encoded) > room:
            yield _to_word(word)
            word = b""
            room = _bytes_that_fit(MAX_LINE - 1)
        word += encoded
    yield _to_word(word)


def _bytes_that_fit(characters: int) -> int:
    return (characters - len(_PREFIX) - len(_SUFFIX)) // 4 * 3


def _to_word(content: bytes) -> str:
    return f"{_PREFIX}{b64encode(content).decode()}{_SUFFIX}"

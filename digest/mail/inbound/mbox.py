"""Several messages in one file, with a line "From " before each (RFC 4155)."""

import re

_BEGINS = re.compile(rb"(?:\A|(?<=\n))From [^\n]{0,200}\d{4}[^\n]{0,40}\r?\n(?=[!-9;-~]+:)")
_STUFFED = re.compile(rb"(?m)^>(>*From )")


def split_mbox(content: bytes) -> list[bytes]:
    """The messages of a mailbox; a file that does not begin as one is one message."""
    if not content.startswith(b"From "):
        return [content]
    places = [found.end() for found in _BEGINS.finditer(content)]
    begins = [found.start() for found in _BEGINS.finditer(content)]
    if not places:
        return [content.partition(b"\n")[2]]
    ends = [*begins[1:], len(content)]
    return [_STUFFED.sub(rb"\1", content[begin:end]) for begin, end in zip(places, ends, strict=True)]

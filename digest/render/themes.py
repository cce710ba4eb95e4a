"""The templates there are, as people choose and copy them: what each is, where it comes from, which blocks it has."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import jinja2

from digest.errors import RenderError
from digest.render.templates import HTML_FILE, ORIGINALS, TEXT_FILE, TemplateLibrary

SHARED = "shared"
"""The folder of what all packaged templates are made from."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_SUMMARY = re.compile(r"\s*\{#-?\s*(?:[\w-]+:\s*)?(?P<summary>.*?)\s*-?#\}", re.DOTALL)
_INHERITED = "{{ super() }}"
_LEXER = jinja2.Environment(autoescape=True)


@dataclass(frozen=True, kw_only=True)
class Theme:
    """One template of a workspace or of the package."""

    name: str
    summary: str
    """What it is, from the comment its `digest.html` begins with; "" without one."""
    is_packaged: bool
    """Whether it comes with digest."""
    own_files: tuple[str, ...]
    """Those of its files that lie in the workspace, shared ones among them: "weekly/style.css"."""
    blocks: tuple[str, ...]
    """The blocks of both parts that can be replaced one by one, as they stand on the page."""


@dataclass(frozen=True, kw_only=True)
class NewFile:
    """A file to be written into the workspace."""

    path: str
    """Below the folder of templates: "evening/digest.html"."""
    content: bytes


def list_themes(library: TemplateLibrary) -> tuple[Theme, ...]:
    """Every template with what it is, in alphabetical order.

    Raises:
        RenderError: a file of one cannot be read.
    """
    return tuple(_describe(library, name) for name in library.names())


def copy_theme(library: TemplateLibrary, name: str, new: str) -> tuple[NewFile, ...]:
    """All files of a template as another one's, the workspace's own where it has them.

    Args:
        library: where it lies.
        name: a template, or "shared" for what all are made from.
        new: what the copy will be called; the same name makes a copy that wins over the packaged template.

    Raises:
        RenderError: there is no such template, or the new name cannot be used.
    """
    _check_names(library, name, new)
    files = {
        file.relative_to(folder / name).as_posix(): file
        for folder in reversed(library.folders)
        for file in sorted((folder / name).rglob("*"))
        if file.is_file() and not file.name.startswith(".")
    }
    return tuple(NewFile(path=f"{new}/{path}", content=file.read_bytes()) for path, file in files.items())


def copy_block(library: TemplateLibrary, name: str, block: str, new: str) -> tuple[NewFile, ...]:
    """Small files that extend a template and hold one block of it, to be edited, in each part that has it.

    Raises:
        RenderError: there is no such template or block, or the new name cannot be used.
    """
    _check_names(library, name, new)
    parts = {file: _blocks(library, name, file) for file in (HTML_FILE, TEXT_FILE)}
    known = _in_order(parts)
    if block not in known:
        raise RenderError(f"template {name!r} has no block {block!r}; it has: {', '.join(known)}")
    original = f"{ORIGINALS}/{name}" if new == name else name
    return tuple(
        NewFile(path=f"{new}/{file}", content=_extension(f"{original}/{file}", block, blocks.get(block)).encode())
        for file, blocks in parts.items()
        # A template of another name needs both its files.
        if block in blocks or new != name
    )


def write_files(files: tuple[NewFile, ...], folder: Path) -> tuple[Path, ...]:
    """Write new files below a folder; all or, where one of them is there already, none.

    Raises:
        RenderError: one is there already.
    """
    targets = [folder / file.path for file in files]
    if there := next((target for target in targets if target.exists()), None):
        raise RenderError(f"{there} is there already; nothing was written. Move it away, or choose another name")
    for target, file in zip(targets, files, strict=True):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
    return tuple(targets)


def _describe(library: TemplateLibrary, name: str) -> Theme:
    packaged = library.folders[-1]
    files = library.files(name)
    return Theme(
        name=name,
        summary=_summary(files[f"{name}/{HTML_FILE}"]) or _summary(packaged / name / HTML_FILE),
        is_packaged=(packaged / name / HTML_FILE).is_file(),
        own_files=tuple(path for path, file in files.items() if not file.is_relative_to(packaged)),
        blocks=_in_order({file: _blocks(library, name, file) for file in (HTML_FILE, TEXT_FILE)}),
    )


def _summary(file: Path) -> str:
    match = _SUMMARY.match(file.read_text(encoding="utf-8")) if file.is_file() else None
    return " ".join(match["summary"].split()) if match else ""


def _in_order(parts: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(block for blocks in parts.values() for block in blocks))


def _check_names(library: TemplateLibrary, name: str, new: str) -> None:
    known = library.names()
    if name not in (*known, SHARED):
        raise RenderError(f"there is no template {name!r}; available: {', '.join(known)}")
    if name == SHARED and new != SHARED:
        raise RenderError(f"templates look for {SHARED!r} under this name only; copy it without a new one")
    if not _NAME.fullmatch(new) or (new in (SHARED, ORIGINALS) and new != name):
        raise RenderError(f"{new!r} cannot name a template; use letters, digits, - and _")


def _extension(original: str, block: str, content: str | None) -> str:
    head = f'{{% extends "{original}" %}}\n'
    if content is None:
        return head
    # A block that builds on an outer one would do so twice.
    content = _INHERITED if "super()" in content else dedent(_inherit_inner_blocks(content)).strip()
    return f"{head}{{% block {block} %}}\n{content}\n{{% endblock %}}\n"


def _inherit_inner_blocks(content: str) -> str:
    """A block without the insides of those in it, which the template may have replaced."""
    pieces: list[str] = []
    depth = position = 0
    for words, start, end in _tags(content):
        if words[0] == "block":
            pieces += [content[position:end], _INHERITED] if depth == 0 else []
            depth += 1
        elif words[0] == "endblock":
            depth -= 1
            position = start
    return "".join((*pieces, content[position:]))


def _blocks(library: TemplateLibrary, name: str, file: str) -> Mapping[str, str]:
    """The inside of each block by its name, as written; of those that several files have, the innermost."""
    files = library.files(name)
    found: dict[str, str] = {}
    path: str | None = f"{name}/{file}"
    while path is not None and path in files:
        source = files[path].read_text(encoding="utf-8")
        found = {**dict(_blocks_in(source)), **found}
        path = _extended(source, beside=path)
    return found


def _blocks_in(source: str) -> Iterator[tuple[str, str]]:
    """The blocks of a file, outer ones first."""
    spans: dict[str, tuple[int, int]] = {}
    waiting: list[str] = []
    for words, start, end in _tags(source):
        if words[0] == "block":
            waiting.append(words[1])
            spans[words[1]] = (end, end)
        elif words[0] == "endblock":
            name = waiting.pop()
            spans[name] = (spans[name][0], start)
    yield from ((name, source[start:end]) for name, (start, end) in spans.items())


def _extended(source: str, *, beside: str) -> str | None:
    names = (words[1].strip("'\"") for words, _, _ in _tags(source) if words[0] == "extends")
    name = next(names, None)
    return name if name is None or "/" in name else f"{beside.rpartition('/')[0]}/{name}"


def _tags(source: str) -> Iterator[tuple[list[str], int, int]]:
    """The words of each `{% … %}`, and where it begins and ends."""
    words: list[str] | None = None
    start = position = 0
    for _, kind, value in _LEXER.lex(source):
        position += len(value)
        if kind == "block_begin":
            words, start = [], position - len(value)
        elif kind == "block_end" and words is not None:
            yield words, start, position
            words = None
        elif words is not None and kind != "whitespace":
            words.append(value)

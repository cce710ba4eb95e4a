"""The jinja environment, built once: where templates lie and which filters and functions they have.

A template is a folder with `digest.html`, `digest.txt` and the style sheets that `digest.html` includes. Folders are
searched in order, file by file: a workspace that wants other colours keeps only `templates/weekly/style.css`.
"""

import hashlib
import posixpath
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
from jinja2.runtime import Context
from markupsafe import escape

from digest.errors import RenderError
from digest.language import Language, load_language
from digest.render.context import DigestContext
from digest.render.width import display_width, wrap

HTML_FILE = "digest.html"
TEXT_FILE = "digest.txt"
TEXT_COLUMNS = 76
"""RFC 5322 section 2.1.1 asks for 78 at most; two remain for a quoting "> "."""
_MISTAKES = (jinja2.TemplateError, TypeError, ValueError, LookupError, ArithmeticError)
"""What a template can raise while it renders."""


class TemplateLibrary:
    """Every template of a workspace and of the package."""

    def __init__(self, folders: Sequence[Path] = (), *, locales: Path | None = None) -> None:
        """Open the library.

        Args:
            folders: the workspace's own template folders, searched before the packaged one.
            locales: the workspace's own catalogues; they win over the packaged ones.

        Raises:
            RenderError: the packaged templates are not there, because the installation is damaged.
        """
        self._folders = (*folders, _packaged_folder())
        self._locales = locales
        self._environment = _build_environment(self._folders)

    def names(self) -> tuple[str, ...]:
        """The templates there are, in alphabetical order."""
        files = [file for folder in self._folders for file in folder.glob(f"*/{HTML_FILE}")]
        return tuple(sorted({file.parent.name for file in files}))

    def hash(self, name: str) -> str:
        """SHA-256 over the names and contents of a template's files, in hexadecimal: another look, another hash.

        Raises:
            RenderError: there is no such template.
        """
        total = hashlib.sha256()
        for path, file in sorted(self._files(name).items()):
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            total.update(f"{path}\0{content}\0".encode())
        return total.hexdigest()

    def language(self, locale: str) -> Language:
        """The language of a locale, with the workspace's catalogues.

        Raises:
            SettingsError: there is no such locale.
        """
        return load_language(locale, self._locales)

    def render(self, name: str, file: str, context: DigestContext) -> str:
        """One file of a template, filled.

        Raises:
            RenderError: there is no such file, or it is wrong; the message names file and line.
        """
        self._files(name)
        path = f"{name}/{file}"
        values = {field: getattr(context, field) for field in DigestContext.__dataclass_fields__}
        try:
            return self._environment.get_template(path).render(values)
        except _MISTAKES as error:
            raise RenderError(f"template {_place(error, path)}: {error}") from error

    def _files(self, name: str) -> dict[str, Path]:
        """The files of a template by their path in it; the first folder that has one wins."""
        if name not in self.names():
            raise RenderError(f"there is no template {name!r}; available: {', '.join(self.names())}")
        found: dict[str, Path] = {}
        for folder in self._folders:
            for file in (folder / name).rglob("*"):
                if file.is_file() and not file.name.startswith("."):
                    found.setdefault(file.relative_to(folder / name).as_posix(), file)
        return found


class _Environment(jinja2.Environment):
    def join_path(self, template: str, parent: str) -> str:
        """An include is looked for beside the file that includes it."""
        return posixpath.join(posixpath.dirname(parent), template)


def _packaged_folder() -> Path:
    """`digest/templates` in an installed wheel, the top-level `templates` in a checkout."""
    package = Path(__file__).parents[1]
    for folder in (package / "templates", package.parent / "templates"):
        if folder.is_dir():
            return folder
    raise RenderError(f"{package / 'templates'} is not there; install digest again")


def _build_environment(folders: Sequence[Path]) -> jinja2.Environment:
    environment = _Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=jinja2.select_autoescape(("html",), default_for_string=True),
        undefined=jinja2.StrictUndefined,
        finalize=_refuse_none,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {"_": _gettext, "gettext": _gettext, "ngettext": _ngettext}
    environment.filters |= {"wrapped": _wrapped, "underlined": _underlined, "unbroken": _unbroken}
    return environment


def _refuse_none(value: Any) -> Any:
    if value is None:
        raise jinja2.UndefinedError("a value that is not there would be printed as None; test it with {% if %}")
    return value


@jinja2.pass_context
def _gettext(context: Context, message: str, /, **values: object) -> str:
    """The message in the issue's language, with `%(name)s` replaced."""
    return _format(context, context["language"].gettext(message), values)


@jinja2.pass_context
def _ngettext(context: Context, singular: str, plural: str, number: int, /, **values: object) -> str:
    """The form of the message for `number`, with `%(name)s` replaced."""
    return _format(context, context["language"].ngettext(singular, plural, number), values)


def _format(context: Context, message: str, values: dict[str, object]) -> str:
    # Markup escapes the values; the message is text too, so "Q&A" in a catalogue is right.
    return escape(message) % values if context.eval_ctx.autoescape else message % values


def _wrapped(text: str, first: str = "", rest: str = "") -> str:
    """Lines of the plain-text part."""
    return wrap(text, TEXT_COLUMNS, first=first, rest=rest)


def _underlined(text: str, line: str = "-") -> str:
    """A heading of the plain-text part: wrapped, with a line under it."""
    lines = wrap(text, TEXT_COLUMNS)
    return f"{lines}\n{line * max(map(display_width, lines.splitlines()))}"


def _unbroken(text: str) -> str:
    """The text with spaces at which no line breaks, for short facts such as a time."""
    return text.replace(" ", "\u00a0")


def _place(error: BaseException, path: str) -> str:
    """The template line an error came from, as "weekly/digest.html, line 12"."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"{error.name or path}, line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename.endswith(path)]
    return f"{path}, line {lines[-1]}" if lines else path

"""The jinja environment, built once: where templates lie and which filters and functions they have.

A template is a folder with `digest.html` and `digest.txt`; what several have in common lies in `shared/`. Folders are
searched in order, file by file: a workspace that wants another footer keeps only the file that says so, and reaches
the original it builds on as `packaged/…`:

    {% extends "packaged/weekly/digest.html" %}
    {% block footer %}…{% endblock %}
"""

import hashlib
import posixpath
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import meta
from jinja2.runtime import Context
from markupsafe import escape

from digest.errors import RenderError
from digest.language import Language, load_language
from digest.render.context import DigestContext
from digest.render.marks import LAYOUT, Layout, Tags
from digest.render.width import TEXT_COLUMNS, display_width

HTML_FILE = "digest.html"
TEXT_FILE = "digest.txt"
ORIGINALS = "packaged"
"""Before a file's name: the one that came with digest, whatever the workspace has in its place."""
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

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where templates are looked for, the packaged ones last."""
        return self._folders

    def names(self) -> tuple[str, ...]:
        """The templates there are, in alphabetical order."""
        files = [file for folder in self._folders for file in folder.glob(f"*/{HTML_FILE}")]
        return tuple(sorted({file.parent.name for file in files} - {ORIGINALS}))

    def files(self, name: str) -> Mapping[str, Path]:
        """Every file that makes up a template, those it extends, includes and imports among them, by its name.

        Raises:
            RenderError: there is no such template, or one of its files cannot be read.
        """
        self._expect(name)
        found: dict[str, Path] = {}
        waiting = [f"{name}/{HTML_FILE}", f"{name}/{TEXT_FILE}"]
        while waiting:
            path = waiting.pop()
            if path not in found and (file := self._find(path)):
                found[path] = file
                waiting.extend(self._references(path, file))
        return dict(sorted(found.items()))

    def hash(self, name: str) -> str:
        """SHA-256 over the names and contents of a template's files, in hexadecimal: another look, another hash.

        Raises:
            RenderError: there is no such template, or one of its files cannot be read.
        """
        total = hashlib.sha256()
        for path, file in self.files(name).items():
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            total.update(f"{path}\0{content}\0".encode())
        return total.hexdigest()

    def language(self, locale: str) -> Language:
        """The language of a locale, with the workspace's catalogues.

        Raises:
            SettingsError: there is no such locale.
        """
        return load_language(locale, self._locales)

    def render(self, name: str, file: str, context: DigestContext, layout: Layout) -> str:
        """One file of a template, filled.

        Args:
            name: the template.
            file: `HTML_FILE` or `TEXT_FILE`.
            context: what it can use.
            layout: what its tags write.

        Raises:
            RenderError: there is no such file, or it is wrong; the message names file and line.
        """
        self._expect(name)
        path = f"{name}/{file}"
        values = {field: getattr(context, field) for field in DigestContext.__dataclass_fields__}
        values[LAYOUT] = layout
        try:
            return self._environment.get_template(path).render(values)
        except _MISTAKES as error:
            raise RenderError(f"template {self._place(error, path)}: {error}") from error

    def render_page(self, path: str, values: Mapping[str, Any], language: Language) -> str:
        """A file that is no issue: a page for a browser, or a notice.

        Args:
            path: within a template folder, "site/subscribe.html".
            values: what it can use, beside `language`.
            language: of its words.

        Raises:
            RenderError: there is no such file, or it is wrong; the message names file and line.
        """
        try:
            return self._environment.get_template(path).render({**values, "language": language})
        except _MISTAKES as error:
            raise RenderError(f"template {self._place(error, path)}: {error}") from error

    def _expect(self, name: str) -> None:
        if name not in self.names():
            raise RenderError(f"there is no template {name!r}; available: {', '.join(self.names())}")

    def _find(self, path: str) -> Path | None:
        """Where a file of the library lies; the first folder that has it wins."""
        own = path.removeprefix(f"{ORIGINALS}/")
        folders = self._folders if own == path else self._folders[-1:]
        return next((folder / own for folder in folders if (folder / own).is_file()), None)

    def _references(self, path: str, file: Path) -> Iterator[str]:
        """The files that one names; all there are where it makes up a name as it renders."""
        try:
            tree = self._environment.parse(file.read_text(encoding="utf-8"), path)
        except (jinja2.TemplateSyntaxError, UnicodeDecodeError) as error:
            raise RenderError(f"template {self._place(error, path)}: {error}") from error
        for name in meta.find_referenced_templates(tree):
            yield from self._environment.list_templates() if name is None else [_join(name, path)]

    def _place(self, error: BaseException, path: str) -> str:
        """The template line an error came from, as "weekly/digest.html, line 12"."""
        if isinstance(error, jinja2.TemplateSyntaxError):
            return f"{error.name or path}, line {error.lineno}"
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            for folder in self._folders:
                if Path(frame.filename).is_relative_to(folder):
                    return f"{Path(frame.filename).relative_to(folder).as_posix()}, line {frame.lineno}"
        return path


class _Environment(jinja2.Environment):
    def join_path(self, template: str, parent: str) -> str:
        return _join(template, parent)


def _join(template: str, parent: str) -> str:
    """A name with a folder counts from the top; one without lies beside the file that names it.

    Beside an original there is whatever the workspace has in its place: its `style.css` wins there too.
    """
    if "/" in template:
        return template
    return posixpath.join(posixpath.dirname(parent).removeprefix(f"{ORIGINALS}/"), template)


def _packaged_folder() -> Path:
    """`digest/templates` in an installed wheel, the top-level `templates` in a checkout."""
    package = Path(__file__).parents[1]
    for folder in (package / "templates", package.parent / "templates"):
        if folder.is_dir():
            return folder
    raise RenderError(f"{package / 'templates'} is not there; install digest again")


def _build_environment(folders: Sequence[Path]) -> jinja2.Environment:
    environment = _Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PrefixLoader({ORIGINALS: jinja2.FileSystemLoader(folders[-1])}), jinja2.FileSystemLoader(folders)]
        ),
        autoescape=jinja2.select_autoescape(("html",), default_for_string=True),
        undefined=jinja2.StrictUndefined,
        finalize=_refuse_none,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        extensions=[Tags],
    )
    environment.globals |= {"_": _gettext, "gettext": _gettext, "ngettext": _ngettext}
    environment.filters |= {"underlined": _underlined, "unbroken": _unbroken}
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


def _underlined(text: str, line: str = "-") -> str:
    """A heading of the plain-text part, with a line under it."""
    return f"{text}\n{line * min(display_width(text), TEXT_COLUMNS)}"


def _unbroken(text: str) -> str:
    """The text with spaces at which no line breaks, for short facts such as a time."""
    return text.replace(" ", "\u00a0")

"""Writes the pages of this folder that come from the program itself; `make docs` runs it, a test compares."""  # noqa: INP001 - a folder of pages, not a package

import ast
import inspect
import os
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from digest.check.contract import RULES
from digest.check.finding import Rule
from digest.check.levels import LEVELS
from digest.cli.main import cli
from digest.deliver.fault_watch import ENOUGH, WINDOW
from digest.render.context import context_fields
from digest.replies.codes import CODES, STATUSES, StatusRule
from digest.replies.kinds import CONSEQUENCES, ReplyKind
from digest.replies.rules import WORDS
from digest.settings import (
    BrandSettings,
    DeliverySettings,
    DkimSettings,
    InboundSettings,
    NewsletterSettings,
    SiteSettings,
    SourceSettings,
    WarmUpSettings,
    WebSettings,
)
from digest.workspace import create_workspace

FOLDER = Path(__file__).parent
TABLES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("[site]", SiteSettings),
    ("[brand]", BrandSettings),
    ("[source]", SourceSettings),
    ("[[newsletter]]", NewsletterSettings),
    ("[delivery]", DeliverySettings),
    ("[delivery.warm_up]", WarmUpSettings),
    ("[[delivery.dkim]]", DkimSettings),
    ("[web]", WebSettings),
    ("[inbound]", InboundSettings),
)
_MARK = "<!-- Written by docs/generate.py from the program: run `make docs` instead of editing. -->\n"
_COLUMNS = 100
_KINDS: Mapping[Any, str] = {
    str: "text",
    bool: "true or false",
    int: "whole number",
    int | None: "whole number",
    Path: "path",
    tuple[str, ...]: "list of texts",
    Mapping[str, str]: "table of texts",
    Mapping[str, float]: "table of numbers",
    float: "number",
    date: "date",
    WarmUpSettings: "table",
    tuple[DkimSettings, ...]: "list of tables",
    BrandSettings: "table",
}


def pages() -> dict[str, str]:
    """Every generated page by its file name."""
    return {
        "settings.md": _MARK + settings_page(),
        "cli.md": _MARK + cli_page(),
        "template-context.md": _MARK + context_page(),
        "checks.md": _MARK + checks_page(),
        "replies.md": _MARK + replies_page(),
    }


def settings_page() -> str:
    """Every key of `digest.toml`, and the file as `digest init` writes it."""
    parts = [_SETTINGS_HEAD]
    for title, table in TABLES:
        rows = (_setting_row(name, field) for name, field in table.model_fields.items())
        parts.append(f"## {title}\n\n{_paragraph(table)}\n\n{_table(('key', 'default', 'allowed', 'meaning'), rows)}")
    parts.append(f"{_SETTINGS_TAIL}\n```toml\n{_fresh_settings_file()}```\n")
    return "\n".join(parts)


def cli_page() -> str:
    """The help of every command."""
    parts = [_CLI_HEAD, "".join(_command_line(*item) for item in commands())]
    for path, command in commands():
        context = _context(path)
        parts.append(f"## {' '.join(path)}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def _command_line(path: tuple[str, ...], command: click.Command) -> str:
    """The command in the list at the top: its name and what it is for."""
    return f"- [{' '.join(path)}](#{'-'.join(path)}): {command.get_short_help_str(_COLUMNS)}\n"


def context_page() -> str:
    """Every name a template can use."""
    rows = ((f"`{field.path}`", f"`{field.type}`", _plain(field.help)) for field in context_fields())
    return f"{_CONTEXT_HEAD}\n{_table(('name', 'type', 'meaning'), rows)}"


def checks_page() -> str:
    """Every rule of the email-safe contract, under its id."""
    rows = ((f"[{rule.id}](#{rule.id.lower()})", _prose(rule.title)) for rule in RULES.values())
    return "\n".join((_CHECKS_HEAD, _table(("rule", "what must be true"), rows), *map(_rule_section, RULES.values())))


def replies_page() -> str:
    """What a server's reply means, what follows, and by what it is known."""
    meanings = _meanings(ReplyKind)
    kinds = ((f"`{kind}`", meanings[kind.name], _what_follows(kind), CONSEQUENCES[kind].advice) for kind in ReplyKind)
    words = ((f"`{rule.kind}`", f"{rule.code}xx"[:3] if rule.code else "any", rule.source) for rule in WORDS)
    statuses = ((f"`{rule.kind}`", _show_statuses(rule), rule.source) for rule in STATUSES)
    codes = ((f"`{kind}`", _codes_of(kind)) for kind in dict.fromkeys(CODES.values()))
    return "\n".join(
        (
            _REPLIES_HEAD.format(window=WINDOW, enough=ENOUGH),
            _table(("kind", "meaning", "what digest does", "what you do"), kinds),
            _REPLIES_WORDS,
            _table(("kind", "codes", "words of"), words),
            "Then the enhanced status code:\n",
            _table(("kind", "status", "from"), statuses),
            "Then the reply code. A 4xx that nothing above knows is `temporary`, a 5xx `permanent_unknown`.\n",
            _table(("kind", "code"), codes),
        )
    )


def _show_statuses(rule: StatusRule) -> str:
    """A pattern of status codes as people write it: x for any digit."""
    return f"`{rule.statuses.pattern.replace(chr(92) + '.', '.').replace(chr(92) + 'd', 'x')}`"


def _codes_of(kind: ReplyKind) -> str:
    return ", ".join(str(code) for code, meant in CODES.items() if meant is kind)


def _what_follows(kind: ReplyKind) -> str:
    follows = CONSEQUENCES[kind]
    told = (
        (follows.suppress, "the address is never mailed again"),
        (follows.retry, "tries again: a 4xx in this issue, a 5xx with the next"),
        (follows.counts_against_sender, "counts against the sender: when most replies are such, the issue pauses"),
    )
    return "; ".join(words for is_so, words in told if is_so) or "nothing"


def _meanings(members: type[ReplyKind]) -> dict[str, str]:
    """What the line under each member says."""
    (definition,) = ast.parse(inspect.getsource(members)).body
    assert isinstance(definition, ast.ClassDef)  # noqa: S101 - it was asked for the source of a class
    pairs = zip(definition.body, definition.body[1:], strict=False)
    return {
        ast.unparse(member.targets[0]): _plain(str(ast.literal_eval(line.value)))
        for member, line in pairs
        if isinstance(member, ast.Assign) and isinstance(line, ast.Expr)
    }


def _rule_section(rule: Rule) -> str:
    levels = LEVELS[rule.id]
    told = [f"{name}: {what}" for name, what in (("Error", levels.error), ("warning", levels.warning)) if what]
    severity = "; ".join(told).replace(": always", " always")
    severity = severity[:1].upper() + severity[1:]
    paragraphs = (f"{rule.title}.", rule.why, f"**Instead.** {rule.fix}", f"**Severity.** {severity}.")
    return f"## {rule.id}\n\n" + "\n\n".join(map(_prose, paragraphs)) + "\n"


def _prose(text: str) -> str:
    """A text with its code in backticks; what looks like a tag elsewhere is none."""
    words = text.split("`")
    words[::2] = map(_plain, words[::2])
    return "`".join(words)


def commands(path: tuple[str, ...] = ("digest",), command: click.Command = cli) -> Iterator[tuple[Any, click.Command]]:
    """Every command with its path, groups before their members: `("digest", "articles", "top")`."""
    yield path, command
    if isinstance(command, click.Group):
        for name, member in command.commands.items():
            yield from commands((*path, name), member)


def _context(path: tuple[str, ...]) -> click.Context:
    context = click.Context(cli, info_name=path[0], terminal_width=_COLUMNS)
    command: click.Command = cli
    for name in path[1:]:
        assert isinstance(command, click.Group)  # noqa: S101 - `commands` goes into groups only
        command = command.commands[name]
        context = click.Context(command, info_name=name, parent=context, terminal_width=_COLUMNS)
    return context


def _setting_row(name: str, field: FieldInfo) -> tuple[str, str, str, str]:
    default = "required" if field.is_required() else _as_toml(field.get_default(call_default_factory=True))
    return f"`{field.alias or name}`", default, _allowed(field), _plain(field.description or "")


def _as_toml(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(_as_toml, value))}]`"
    if isinstance(value, Mapping):
        return f"`{{{', '.join(f'{key} = {_as_toml(each)}' for key, each in value.items())}}}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if isinstance(value, int) else f'`"{value}"`'


def _allowed(field: FieldInfo) -> str:
    """The kind of value, and its bounds."""
    kinds = [kind for kind in get_args(field.annotation) if kind is not type(None)]
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{kind}`" for kind in kinds)
    kind = field.annotation if field.annotation in _KINDS else kinds[0]
    bounds = {name: getattr(rule, name) for rule in field.metadata for name in ("ge", "le") if hasattr(rule, name)}
    if {"ge", "le"} <= bounds.keys():
        return f"{bounds['ge']} to {bounds['le']}"
    return f"{_KINDS[kind]}, {bounds['ge']} or more" if bounds else _KINDS[kind]


def _plain(text: str) -> str:
    """Text that Markdown must not take for a tag."""
    return text.replace("<", "&lt;")


def _paragraph(table: type[BaseModel]) -> str:
    """What the table's docstring says after its own name."""
    summary = (table.__doc__ or "").strip().partition(": ")[2]
    return summary[:1].upper() + summary[1:] if summary else "One table for each newsletter."


def _table(columns: tuple[str, ...], rows: Any) -> str:
    lines = [columns, ("---",) * len(columns), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _fresh_settings_file() -> str:
    with TemporaryDirectory() as folder:
        sender = "Hanbit News <news@example.com>"
        file = create_workspace(Path(folder), name="Hanbit News", sender=sender, timezone="Asia/Seoul", locale="en")
        return file.read_text(encoding="utf-8")


_SETTINGS_HEAD = """\
# Settings

Everything is in one file, `digest.toml`, in the workspace's folder. Relative paths count from that folder.
`digest init` writes the file with comments; it is shown [at the end](#the-file-digest-init-writes).

A mistake is refused with the file, the key's path, what was found and what is allowed. A key that does not exist is
refused too, with the nearest one that does:

```text
digest: digest.toml: newsletter[1].limt is not a known setting; did you mean 'limit'?
```

Secrets can stay out of the file:

| key | variable | file |
|---|---|---|
| `delivery.password` | `DIGEST_DELIVERY_PASSWORD` | `delivery.password_file` |
| `site.secret_key` | `DIGEST_SITE_SECRET_KEY` | `site.secret_key_file` |

The variable wins over the file. `digest run` reads the settings anew at each tick.
"""
_SETTINGS_TAIL = """\
## The file digest init writes

For `digest init --name "Hanbit News" --from "Hanbit News <news@example.com>" --timezone Asia/Seoul --locale en`:
"""
_CLI_HEAD = """\
# Commands

The help of every command, as `digest COMMAND --help` prints it.

`--config` and `--debug` may stand before or after a command's name. Results go to standard output, progress and
failures to standard error. Exit codes: 0 done, 1 refused or failed, 2 the command line is wrong.
"""
_CHECKS_HEAD = """\
# Checks

The email-safe contract: what every mail of digest must hold, so that it can be read in Gmail, Outlook, Apple Mail,
Naver and Daum, with styles removed, in dark mode, without pictures, and by a screen reader.

- `digest check` holds the next issue against it, as each group of readers would get it; `digest check FILE` one
  message (`.eml`) or its HTML part (`.html`).
- An **error** stops a scheduled send before anyone is mailed: the issue is held ([sending.md](sending.md)). A
  **warning** is told. `digest check --strict` counts warnings as errors.
- `digest check --explain IMG-ALT` prints what this page says about a rule.

Which client lacks what is known from [caniemail](https://www.caniemail.com/). Naver and Daum are taken to remove every
style block, as Gmail's mobile web does.
"""
_REPLIES_HEAD = """\
# Replies of mail servers

What digest takes a server's refusal for, and what follows. `digest issues show` has every reply in the server's own
words.

An address leaves the list only for a final reply (5xx) that says the mailbox or its domain is gone. Whatever blames
the sender takes nobody off the list: when more than half of the newest {window} replies do (of at least {enough}), of
all servers or of one domain, the issue pauses, and the operator is told by mail.
"""
_REPLIES_WORDS = """\
## How a reply is read

First its words, from the top of this table to the bottom: a code such as 5.7.1 may mean anything. Addresses and links
are left out. The patterns themselves are in `digest/replies/rules.py`.

What a server says before it knows whom a message is for, in answer to `MAIL FROM` or its greeting, is not about the
reader: "user unknown" then means the sender, and counts as `relay_denied`.
"""
_CONTEXT_HEAD = """\
# Template context

Every name a template can use. `[]` follows a name that is looped over: `articles[].title` is `article.title` inside
`{% for article in articles %}`. How to write a template is in [templates.md](templates.md).
"""


def main() -> None:
    """Write the pages."""
    for name, content in pages().items():
        (FOLDER / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    os.environ.pop("COLUMNS", None)
    main()

"""`digest check`: the email-safe contract on a file, or on the issue a newsletter would send."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digest.cli.output import count_of, print_json
from digest.cli.workspace import (
    WorkspaceCommand,
    choose_newsletter,
    date_option,
    json_option,
    open_edition,
    open_workspace,
)

if TYPE_CHECKING:
    from digest.check.finding import Finding, Rule
    from digest.store.groups import VariantKey

_STDIN = "-"
_PAGES = (".html", ".htm")
_ENDINGS = (".eml", *_PAGES)
_PLACES = {"message": "line {} of the message", "html": "line {}", "text": "line {} of the plain part"}
_LEAST_SNIPPET = 6
"""Characters; fewer stand in a template by chance."""


@dataclass(frozen=True, kw_only=True)
class Discovery:
    """A finding, and what is known of it beyond the mail."""

    finding: "Finding"
    readers: tuple[str, ...] = ()
    """The groups of readers whose mail has it; empty where it is in all of them, and for a file."""
    template: str = ""
    """The line of a template it comes from, as "templates/weekly/style.css:12"; "" where that is not known."""


@click.command(cls=WorkspaceCommand)
@click.argument("what", required=False, metavar="[FILE.eml|FILE.html|NEWSLETTER]")
@date_option
@click.option("--strict", is_flag=True, help="Exit with 1 where there are warnings, too.")
@click.option(
    "--explain", "rule_id", metavar="RULE", help="Say what a rule asks for and why, such as IMG-ALT; no check."
)
@json_option
def check(what: str | None, edition: date | None, strict: bool, rule_id: str | None, as_json: bool) -> None:
    """Check a mail against the email-safe contract.

    A newsletter's issue is checked as each group of its readers would get it; without an argument, that of the only
    newsletter. A file is one message (.eml) or its HTML part (.html); - reads either from stdin. Exit code: 0 without
    errors, 1 with errors. What each rule asks for and why is in docs/checks.md.

    \b
    Example:
      digest check
      digest check weekly --date 2019-04-08 --strict
      digest check issue.eml --json
      digest check --explain IMG-ALT
    """
    if rule_id:
        _print_rule(_find_rule(rule_id), as_json=as_json)
        return
    is_file = what is not None and _names_file(what)
    if is_file and edition:
        raise click.UsageError("--date is the edition of a newsletter; a file has none")
    title, discoveries = _check_file(str(what)) if is_file else _check_newsletter(what, edition)
    if as_json:
        print_json([_to_json(discovery) for discovery in discoveries])
    else:
        _print_discoveries(title, discoveries)
    if any(strict or discovery.finding.severity == "error" for discovery in discoveries):
        raise click.exceptions.Exit(1)


def _names_file(what: str) -> bool:
    return what == _STDIN or what.lower().endswith(_ENDINGS) or Path(what).is_file()


def _check_file(name: str) -> tuple[str, list[Discovery]]:
    from digest.check.contract import check_html, check_mail

    content = sys.stdin.buffer.read() if name == _STDIN else Path(name).read_bytes()
    if name.lower().endswith(_PAGES) or (not name.lower().endswith(".eml") and _looks_like_page(content)):
        findings = check_html(content.decode("utf-8", "replace").replace("\r\n", "\n"))
    else:
        findings = check_mail(_as_it_travels(content))
    return "stdin" if name == _STDIN else name, [Discovery(finding=finding) for finding in findings]


def _looks_like_page(content: bytes) -> bool:
    return content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def _as_it_travels(content: bytes) -> bytes:
    """A message with the line ends of mail: mailboxes and editors keep it with the system's own."""
    return content if b"\r\n" in content else content.replace(b"\n", b"\r\n")


def _check_newsletter(slug: str | None, edition: date | None) -> tuple[str, list[Discovery]]:
    from digest.inspection import inspect_letters
    from digest.proof import choose_reader, make_proof

    with open_workspace() as app:
        newsletter, _timezone = choose_newsletter(app, slug)
        opened = open_edition(app, newsletter, edition or app.default_edition(newsletter))
        proof = make_proof(app.database, opened, app.workshop)
        found = inspect_letters(proof.letterhead, choose_reader(proof, None))
        files = () if proof.is_frozen else app.workshop.templates.files(newsletter.template).values()
        lines = _template_lines(files)
    groups = f" for {count_of(len(found), 'group')} of readers" if len(found) > 1 else ""
    title = f"{newsletter.slug} {opened.date}{groups}"
    return title, [replace(each, template=_locate(each.finding, lines)) for each in _by_finding(found)]


def _by_finding(found: "Mapping[VariantKey, tuple[Finding, ...]]") -> list[Discovery]:
    """Each finding once, with the groups that have it; the same fault may stand on other lines in other mails."""
    groups: dict[tuple[str, str, str], list[VariantKey]] = {}
    first: dict[tuple[str, str, str], Finding] = {}
    for key, findings in found.items():
        for finding in findings:
            fault = (finding.rule, finding.severity, finding.message)
            first.setdefault(fault, finding)
            groups.setdefault(fault, []).append(key)
    discoveries = [
        Discovery(
            finding=finding,
            readers=() if len(groups[fault]) == len(found) else tuple(_name_of(key) for key in groups[fault]),
        )
        for fault, finding in first.items()
    ]
    return sorted(discoveries, key=lambda discovery: discovery.finding.severity)


def _name_of(key: "VariantKey") -> str:
    """A group of readers in words: "en, society and economy"."""
    wishes = (key.locale, " and ".join(key.sections))
    return ", ".join(filter(None, wishes)) or "all others"


def _template_lines(files: Iterable[Path]) -> list[tuple[str, str]]:
    """Each line of a template's files without its spaces, with its place."""
    return [
        (_squeeze(line), f"{_shown(file)}:{number}")
        for file in dict.fromkeys(files)
        for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1)
    ]


def _locate(finding: "Finding", lines: list[tuple[str, str]]) -> str:
    """Where a template writes what was found; "" where no line does, or several do."""
    words = _squeeze(finding.snippet).rstrip(";")
    if finding.part != "html" or len(words) < _LEAST_SNIPPET:
        return ""
    places = [place for line, place in lines if words in line]
    return places[0] if len(places) == 1 else ""


def _squeeze(text: str) -> str:
    return "".join(text.split())


def _shown(file: Path) -> str:
    """A path as one would type it here."""
    here = Path.cwd()
    return str(file.relative_to(here)) if file.is_relative_to(here) else str(file)


def _print_discoveries(title: str, discoveries: list[Discovery]) -> None:
    errors = sum(discovery.finding.severity == "error" for discovery in discoveries)
    for discovery in discoveries:
        _print_discovery(discovery)
    if discoveries:
        click.echo()
    click.echo(f"{title}: {_count(errors, 'error')}, {_count(len(discoveries) - errors, 'warning')}")


def _count(number: int, noun: str) -> str:
    return count_of(number, noun) if number else f"no {noun}s"


def _print_discovery(discovery: Discovery) -> None:
    finding = discovery.finding
    click.echo(f"{finding.severity.upper()} {finding.rule}{_line(finding)}: {finding.message}")
    notes = (
        discovery.template,
        f"only for readers of: {'; '.join(discovery.readers)}" if discovery.readers else "",
        _page(finding.rule),
    )
    for note in filter(None, notes):
        click.echo(f"  {note}")


def _line(finding: "Finding") -> str:
    return "" if finding.line is None else f" {_PLACES[finding.part].format(finding.line)}"


def _page(rule_id: str) -> str:
    from digest.check.contract import RULES

    return RULES[rule_id].page


def _to_json(discovery: Discovery) -> dict[str, Any]:
    finding = discovery.finding
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "message": finding.message,
        "part": finding.part.value,
        "line": finding.line,
        "snippet": finding.snippet,
        "template": discovery.template or None,
        "readers": list(discovery.readers),
        "page": _page(finding.rule),
    }


def _find_rule(rule_id: str) -> "Rule":
    from difflib import get_close_matches

    from digest.check.contract import RULES

    if rule := RULES.get(rule_id.upper()):
        return rule
    near = get_close_matches(rule_id.upper(), RULES, n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(RULES)}"
    raise click.BadParameter(f"there is no rule {rule_id!r}{hint}", param_hint="--explain")


def _print_rule(rule: "Rule", *, as_json: bool) -> None:
    from digest.check.levels import LEVELS

    levels = LEVELS[rule.id]
    if as_json:
        words = {"rule": rule.id, "title": rule.title, "why": rule.why, "fix": rule.fix}
        print_json({**words, "error": levels.error, "warning": levels.warning, "page": rule.page})
        return
    click.echo(f"{rule.id}: {rule.title}\n\nWhy: {rule.why}\n\nInstead: {rule.fix}\n")
    for name, what in (("Error", levels.error), ("Warning", levels.warning)):
        if what:
            click.echo(f"{name}: {what}")
    click.echo(f"\n{rule.page}")

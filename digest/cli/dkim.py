"""`digest dkim`: the keys that sign mail: made, shown as DNS records, and checked as receivers see them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digest.cli.output import print_json
from digest.cli.workspace import WorkspaceCommand, json_option, open_workspace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from digest.app import App
    from digest.mail.dkim_check import KeyCheck
    from digest.mail.dkim_dns import NameServer
    from digest.mail.dkim_keys import SigningKey
    from digest.settings import DkimSettings

_FOLDER = "dkim"
_ED25519_SUFFIX = "-ed"
_NO_KEYS = (
    "{file} has no [[delivery.dkim]], so digest signs nothing (perhaps the relay does); `digest dkim new` makes a key"
)


class NameServerParameter(click.ParamType["NameServer"]):
    """The address of a DNS server."""

    name = "IP[:PORT]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "NameServer":
        """The server, or a usage error that says how to write one."""
        from digest.mail.dkim_dns import parse_name_server

        try:
            return parse_name_server(value)
        except ValueError:
            self.fail(f"{value!r} is no address of a DNS server; write it as 1.1.1.1 or 127.0.0.1:5353", param, ctx)


selector_option = click.option(
    "--selector", metavar="NAME", help="Of the key in dkim/NAME.pem, which digest.toml need not name yet."
)
domain_option = click.option(
    "--domain", default="", help="The domain that signs; by default that of each newsletter's sender."
)


@click.group()
def dkim() -> None:
    """Make the keys that sign mail, and check them in DNS.

    \b
    Example:
      digest dkim new
      digest dkim check
    """


@dkim.command(cls=WorkspaceCommand)
@click.option("--selector", metavar="NAME", help="What the key is called in DNS; s and the year by default.")
@domain_option
@click.option(
    "--type",
    "kind",
    type=click.Choice(["rsa", "ed25519", "both"]),
    default="rsa",
    show_default=True,
    help="Every receiver verifies rsa. An ed25519 key may stand beside it, never alone.",
)
@click.option("--bits", type=click.IntRange(2048, 4096), default=2048, show_default=True, help="Length of an RSA key.")
def new(selector: str | None, domain: str, kind: str, bits: int) -> None:
    """Make a key, and print what DNS and digest.toml need.

    The private key is written to dkim/NAME.pem in the workspace, readable by its owner only. No file is overwritten,
    and digest.toml is not touched: nothing is signed before you paste the printed lines into it.

    \b
    Example:
      digest dkim new
      digest dkim new --type both
    """
    from digest.errors import SettingsError
    from digest.mail.dkim_keys import KeyType, make_key_file

    with open_workspace() as app:
        tables = _new_tables(selector, domain, kind, year=app.clock.now().year)
        folder = app.settings.folder
        for table in tables.values():
            if (folder / table.key_file).exists():
                raise SettingsError(f"{folder / table.key_file} is there already; choose another --selector")
        for type_, table in tables.items():
            make_key_file(folder / table.key_file, KeyType(type_), bits=bits)
            click.echo(f"Wrote {table.key_file}, for its owner only: whoever reads it can sign mail as you")
        click.echo()
        _print_records(_load_keys(app, tuple(tables.values())))
    _print_next_steps(tables.values())


def _new_tables(selector: str | None, domain: str, kind: str, *, year: int) -> "dict[str, DkimSettings]":
    """What digest.toml is to hold, by type of key."""
    name = selector or f"s{year}"
    other = selector if selector and kind != "both" else name + _ED25519_SUFFIX
    names = {"rsa": name, "ed25519": other}
    selectors = names if kind == "both" else {kind: names[kind]}
    return {type_: _make_table(name, domain) for type_, name in selectors.items()}


def _make_table(selector: str, domain: str) -> "DkimSettings":
    """A key by its selector; a usage error where that cannot be a name in DNS."""
    from pydantic import ValidationError

    from digest.settings import DkimSettings

    try:
        return DkimSettings(selector=selector, key_file=Path(_FOLDER, f"{selector}.pem"), domain=domain)
    except ValidationError as error:
        problem = error.errors()[0]
        hint = str(problem["msg"]).removeprefix("Value error, ")
        raise click.BadParameter(f"{problem['input']!r}: {hint}", param_hint=f"--{problem['loc'][0]}") from error


def _print_next_steps(tables: "Iterable[DkimSettings]") -> None:
    click.echo("\nThen, once DNS has the above, add to digest.toml:\n")
    for table in tables:
        click.echo(_to_toml(table))
    click.echo("`digest dkim check --selector NAME` says whether DNS has a key before digest.toml names it;")
    click.echo("`digest dkim check` checks all that digest.toml names.")


def _to_toml(table: "DkimSettings") -> str:
    domain = f'domain = "{table.domain}"\n' if table.domain else ""
    key_file = table.key_file.as_posix()
    return f'[[delivery.dkim]]\nselector = "{table.selector}"\nkey_file = "{key_file}"\n{domain}'


@dkim.command(cls=WorkspaceCommand)
@selector_option
@domain_option
@json_option
def show(selector: str | None, domain: str, as_json: bool) -> None:
    """Print the DNS records of the keys.

    \b
    Example:
      digest dkim show
    """
    with open_workspace() as app:
        keys = _chosen_keys(app, selector, domain)
    if as_json:
        print_json([_key_to_json(key) for key in keys])
    elif keys:
        _print_records(keys)
    else:
        click.echo(_NO_KEYS.format(file=app.settings.file.name))


def _chosen_keys(app: "App", selector: str | None, domain: str) -> "list[SigningKey]":
    """The one asked for, or all that the settings name."""
    if domain and not selector:
        raise click.UsageError("--domain goes with --selector; digest.toml says which domain its keys sign for")
    tables = (_make_table(selector, domain),) if selector else app.settings.delivery.dkim
    return _load_keys(app, tables)


def _load_keys(app: "App", tables: "tuple[DkimSettings, ...]") -> "list[SigningKey]":
    """Each key once for each domain it signs for, as it has a record in each."""
    from digest.mail.dkim_keys import load_signing_key

    senders = [newsletter.mailbox.domain.lower() for newsletter in app.settings.newsletters]
    wanted = [(table, domain) for table in tables for domain in ([table.domain] if table.domain else senders)]
    return [load_signing_key(table, app.settings.file, domain) for table, domain in dict.fromkeys(wanted)]


def _print_records(keys: "list[SigningKey]") -> None:
    from digest.mail.dkim_record import record_name, record_value, zone_lines

    for number, key in enumerate(keys):
        if number:
            click.echo()
        click.echo(f"DNS record of {key.domain}, {_describe(key)}")
        name, short_name = record_name(key), record_name(key).removesuffix(f".{key.domain}")
        click.echo(f"  name   {name}   ({short_name} in a form that adds the domain itself)")
        click.echo("  type   TXT")
        click.echo(f"  value  {record_value(key)}")
        click.echo(f"or, in a zone file:\n{zone_lines(key)}")


def _describe(key: "SigningKey") -> str:
    return f"rsa with {key.bits} bits" if key.type == "rsa" else key.type


def _key_to_json(key: "SigningKey") -> dict[str, Any]:
    from digest.mail.dkim_record import record_name, record_value, zone_lines

    return {
        "selector": key.selector,
        "domain": key.domain,
        "key_type": key.type,
        "bits": key.bits,
        "name": record_name(key),
        "type": "TXT",
        "value": record_value(key),
        "zone": zone_lines(key),
    }


@dkim.command(cls=WorkspaceCommand)
@selector_option
@domain_option
@click.option("--resolver", type=NameServerParameter(), help="Ask this DNS server instead of the system's.")
@json_option
def check(selector: str | None, domain: str, resolver: "NameServer | None", as_json: bool) -> None:
    """Check that DNS has the keys, and that they fit.

    Looks up each key's record, holds it against the private key, and verifies a signed sample with it. A newsletter
    needs a key whose domain is that of its sender, or stands above or below it: otherwise DMARC takes no notice of
    the signature. Exit code: 0 where all is well, 1 where anything is wrong.

    \b
    Example:
      digest dkim check
      digest dkim check --resolver 1.1.1.1
    """
    from digest.errors import SettingsError

    with open_workspace() as app:
        keys = _chosen_keys(app, selector, domain)
        if not keys:
            raise SettingsError(_NO_KEYS.format(file=app.settings.file))
        checks = _check_keys(app, keys, resolver)
        newsletters = _check_newsletters(app, keys)
    is_good = all(each.is_good for each in checks) and all(row["aligned"] for row in newsletters)
    if as_json:
        print_json({"good": is_good, "keys": [_check_to_json(each) for each in checks], "newsletters": newsletters})
    else:
        _print_checks(checks, newsletters)
    if not is_good:
        raise click.exceptions.Exit(1)


def _check_keys(app: "App", keys: "list[SigningKey]", name_server: "NameServer | None") -> "list[KeyCheck]":
    from functools import partial

    from digest.mail.dkim_check import check_key
    from digest.mail.dkim_dns import look_up_texts

    look_up = partial(look_up_texts, name_server=name_server)
    return [check_key(key, look_up, now=app.clock.now()) for key in keys]


def _check_newsletters(app: "App", keys: "list[SigningKey]") -> list[dict[str, Any]]:
    """Whether each newsletter has a signature that speaks for its sender."""
    from digest.mail.dkim_check import is_aligned

    senders = {newsletter.slug: newsletter.mailbox.domain for newsletter in app.settings.newsletters}
    domains = sorted({key.domain for key in keys})
    return [
        {"newsletter": slug, "sender_domain": sender, "aligned": any(is_aligned(domain, sender) for domain in domains)}
        for slug, sender in senders.items()
    ]


def _check_to_json(check: "KeyCheck") -> dict[str, Any]:
    problems = [
        {"code": each.code, "warning": each.is_warning, "found": each.found, "advice": each.advice}
        for each in check.problems
    ]
    return {**_key_to_json(check.key), "published": check.published, "good": check.is_good, "problems": problems}


def _print_checks(checks: "list[KeyCheck]", newsletters: list[dict[str, Any]]) -> None:
    from digest.mail.dkim_record import record_name

    for each in checks:
        said = " published and equal; a signed sample verifies" if each.is_good else ""
        click.echo(f"{record_name(each.key)} ({_describe(each.key)}):{said}")
        for problem in each.problems:
            click.echo(f"  {'warning: ' if problem.is_warning else ''}{problem.found}; {problem.advice}")
    for row in newsletters:
        if not row["aligned"]:
            sender = row["sender_domain"]
            click.echo(f"{row['newsletter']}: is from {sender}, but no key signs for that domain, nor for one above or")
            click.echo(f"  below it, so DMARC takes no notice of the signatures; make one with --domain {sender}")

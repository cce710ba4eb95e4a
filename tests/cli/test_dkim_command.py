"""`digest dkim`: from no key to a signed newsletter, against a real DNS server on this machine."""

import stat
import tomllib
from datetime import UTC, datetime

import pytest

from command_line import digest
from name_server import serve, txt
from workspaces import settings_text

DOMAIN = "hanbit.example"


def new(site, *options):
    """Make a key, and paste what is printed into the settings."""
    answer = digest("dkim", "new", *options, config=site)
    assert answer.code == 0, answer.err
    with site.open("a", encoding="utf-8") as file:
        file.write("\n" + toml_of(answer.out))
    return answer.out


def toml_of(printed):
    lines = printed.partition("add to digest.toml:\n\n")[2].splitlines()
    return "".join(f"{line}\n" for line in lines if line.startswith("[[") or " = " in line)


def shown(site, *options):
    return digest("dkim", "show", "--json", *options, config=site).json


def published(site, *options, **changes):
    """A zone with the records of the keys, in the strings of a zone file; `changes` to the first one's value."""
    zone = {}
    for row in shown(site, *options):
        value = changes.get("value", row["value"])
        zone[row["name"]] = [txt(value[:255], value[255:])]
        changes = {}
    return zone


def check(site, zone, *options):
    with serve(zone) as address:
        return digest("dkim", "check", "--resolver", address, *options, config=site)


# new


def test_a_new_key_is_written_for_its_owner_and_its_record_and_settings_are_printed(site):
    before = site.read_text("utf-8")
    answer = digest("dkim", "new", config=site)
    selector = f"s{datetime.now(UTC).year}"
    file = site.with_name("dkim") / f"{selector}.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert site.read_text("utf-8") == before
    assert tomllib.loads(toml_of(answer.out)) == {
        "delivery": {"dkim": [{"selector": selector, "key_file": f"dkim/{selector}.pem"}]}
    }
    (row,) = shown(site, "--selector", selector)
    assert (row["name"], row["bits"]) == (f"{selector}._domainkey.{DOMAIN}", 2048)
    for part in (row["name"], row["value"], row["zone"], "type   TXT", "digest dkim check"):
        assert part in answer.out
    assert "PRIVATE" not in answer.out


@pytest.mark.parametrize(
    ("options", "selectors"),
    [
        ((), ["sYEAR"]),
        (("--type", "ed25519"), ["sYEAR-ed"]),
        (("--type", "both"), ["sYEAR", "sYEAR-ed"]),
        (("--type", "both", "--selector", "a"), ["a", "a-ed"]),
        (("--type", "ed25519", "--selector", "a.b"), ["a.b"]),
    ],
)
def test_a_selector_has_the_year_and_the_second_kind_a_name_of_its_own(site, options, selectors):
    new(site, *options)
    year = str(datetime.now(UTC).year)
    assert [row["selector"] for row in shown(site)] == [name.replace("YEAR", year) for name in selectors]


def test_no_key_is_overwritten_and_of_two_none_is_made_then(site):
    new(site, "--selector", "a-ed", "--type", "ed25519")
    file = site.with_name("dkim") / "a-ed.pem"
    before = file.read_bytes()
    for options in (("--selector", "a-ed"), ("--selector", "a", "--type", "both")):
        answer = digest("dkim", "new", *options, config=site)
        assert (answer.code, answer.out) == (1, "")
        assert answer.err == f"digest: {file} is there already; choose another --selector\n"
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["a-ed.pem"]


@pytest.mark.parametrize(
    ("option", "value"), [("--selector", "../a"), ("--selector", "a b"), ("--domain", "x"), ("--bits", "1024")]
)
def test_what_cannot_be_a_name_or_is_too_short_is_a_usage_error(site, option, value):
    answer = digest("dkim", "new", option, value, config=site)
    assert (answer.code, answer.out) == (2, "")
    assert option in answer.err
    assert not site.with_name("dkim").exists()


def test_each_domain_that_sends_has_a_record(workspace):
    newsletters = ({"slug": "a"}, {"slug": "b", "from": "B <b@other.example>"}, {"slug": "c"})
    both = workspace(settings_text(*newsletters))
    new(both, "--selector", "k")
    assert [row["domain"] for row in shown(both)] == [DOMAIN, "other.example"]


def test_a_domain_that_is_named_stands_in_the_settings(site):
    assert f'domain = "mail.{DOMAIN}"' in new(site, "--domain", f"mail.{DOMAIN}")
    assert [row["domain"] for row in shown(site)] == [f"mail.{DOMAIN}"]


# show


def test_show_prints_what_new_printed(site):
    printed = new(site, "--type", "both")
    answer = digest("dkim", "show", config=site)
    assert answer.code == 0
    assert answer.out in printed


def test_without_keys_show_says_so(site):
    answer = digest("dkim", "show", config=site)
    assert (answer.code, answer.out.partition(",")[0]) == (0, "digest.toml has no [[delivery.dkim]]")
    assert shown(site) == []


def test_a_domain_without_a_selector_is_a_usage_error(site):
    assert digest("dkim", "show", "--domain", DOMAIN, config=site).code == 2


def test_a_key_that_others_can_read_is_refused(site):
    new(site, "--selector", "a", "--type", "ed25519")
    file = site.with_name("dkim") / "a.pem"
    file.chmod(0o644)
    answer = digest("dkim", "show", config=site)
    assert answer.code == 1
    assert answer.err.endswith(f"chmod 600 {file}\n")


# check


def test_published_keys_are_good(site):
    new(site, "--type", "both", "--selector", "k")
    answer = check(site, published(site))
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == (
        f"k._domainkey.{DOMAIN} (rsa with 2048 bits): published and equal; a signed sample verifies\n"
        f"k-ed._domainkey.{DOMAIN} (ed25519): published and equal; a signed sample verifies\n"
    )


def test_a_key_can_be_checked_before_the_settings_name_it(site):
    """So that keys change without a gap."""
    digest("dkim", "new", "--selector", "next", config=site)
    zone = published(site, "--selector", "next")
    assert check(site, zone, "--selector", "next").code == 0
    assert check(site, {}, "--selector", "next").code == 1
    assert check(site, zone).code == 1


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("v=DKIM1; k=rsa; p=", "revoked"),
        ("v=DKIM1; k=rsa; p=AAAA", "syntax"),
        ("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "different_key"),
        ("hello", "syntax"),
    ],
)
def test_a_wrong_record_is_told_with_its_remedy_and_an_exit_code(site, value, code):
    new(site, "--selector", "k", "--type", "ed25519")
    zone = published(site, value=value.replace("k=rsa", "k=ed25519"))
    answer = check(site, zone, "--json")
    assert answer.code == 1
    (key,) = answer.json["keys"]
    assert (answer.json["good"], key["good"], [problem["code"] for problem in key["problems"]]) == (
        False,
        False,
        [code],
    )
    in_words = check(site, zone)
    assert in_words.code == 1
    assert f"  {key['problems'][0]['found']}; {key['problems'][0]['advice']}\n" in in_words.out


def test_one_bad_key_of_two_is_enough(site):
    new(site, "--type", "both", "--selector", "k")
    zone = published(site)
    del zone[f"k-ed._domainkey.{DOMAIN}"]
    answer = check(site, zone)
    assert answer.code == 1
    assert "a signed sample verifies\n" in answer.out
    assert "there is no TXT record; publish what `digest dkim show` prints" in answer.out


def test_an_alias_is_followed(site):
    new(site, "--selector", "k", "--type", "ed25519")
    ((name, records),) = published(site).items()
    assert check(site, {name: [("CNAME", "k.dns.example.")], "k.dns.example": records}).code == 0


def test_dns_that_fails_is_told_as_that(site):
    new(site, "--selector", "k", "--type", "ed25519")
    answer = check(site, {f"k._domainkey.{DOMAIN}": "SERVFAIL"})
    assert answer.code == 1
    assert "  the DNS server gave no usable answer (SERVFAIL); try another with --resolver" in answer.out


def test_a_newsletter_that_no_key_speaks_for_is_wrong(workspace):
    newsletters = ({"slug": "own"}, {"slug": "strange", "from": "B <b@other.example>"})
    both = workspace(settings_text(*newsletters))
    new(both, "--selector", "k", "--type", "ed25519", "--domain", DOMAIN)
    answer = check(both, published(both))
    assert answer.code == 1
    assert "strange: is from other.example, but no key signs for that domain" in answer.out
    rows = check(both, published(both), "--json").json["newsletters"]
    assert [(row["newsletter"], row["aligned"]) for row in rows] == [("own", True), ("strange", False)]


def test_without_keys_there_is_nothing_to_check(site):
    answer = digest("dkim", "check", config=site)
    assert (answer.code, answer.out) == (1, "")
    assert "has no [[delivery.dkim]]" in answer.err


def test_a_resolver_is_an_address(site):
    answer = digest("dkim", "check", "--resolver", "dns.example", config=site)
    assert answer.code == 2
    assert "write it as 1.1.1.1 or 127.0.0.1:5353" in answer.err

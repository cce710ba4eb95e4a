"""Filters find whom they say, never become SQL, and say where they are wrong."""

import contextlib
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.model import SubscriberState
from digest.store.filter_language import DEEPEST, LONGEST, MOST_TERMS, FilterError
from digest.store.filters import (
    compile_filter,
    count_people,
    find_ids,
    list_filters,
    remove_filter,
    save_filter,
)
from digest.store.secrets import hash_address
from digest.store.subscribers import Profile, get_subscriber_by_id, save_profile, take_out
from digest.store.tags import add_tags, list_tags
from workspaces import NOW

KEY = b"k" * 32
PEOPLE = [
    # address, name, locale, newsletters, sections, tags, days since they came
    ("kim@naver.com", "김하나", "ko", ("weekly",), ("economy",), ("vip",), 1),
    ("lee@naver.com", "이두리", "ko", ("weekly", "daily"), (), (), 40),
    ("grace@example.com", "Grace O'Connor", "en", ("daily",), ("tech", "economy"), ("vip", "press"), 100),
    ("amara@example.org", "", "", ("weekly",), ("society",), ("press",), 400),
]


@pytest.fixture
def people(database):
    with database.transaction():
        for address, name, locale, newsletters, sections, tags, days in PEOPLE:
            profile = Profile(
                address=address,
                name=name,
                locale=locale,
                newsletters=newsletters,
                sections=sections,
                consent_source="form" if locale else "import of members.csv",
            )
            hashed = hash_address(KEY, address)
            save_profile(database, profile, address_hash=hashed, resubscribe=False, now=NOW - timedelta(days=days))
            add_tags(database, database.value("SELECT max(id) FROM subscriber"), tags)
    take_out(database, "amara@example.org", state=SubscriberState.UNSUBSCRIBED, now=NOW)
    return database


def found(database, text):
    ids = find_ids(database, compile_filter(database, text, now=NOW))
    return "".join(get_subscriber_by_id(database, each).address[0] for each in ids)


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("", "klga"),
        ("locale=ko", "kl"),
        ("locale=KO", "kl"),
        ("locale!=ko", "ga"),
        ("locale=ko and section=economy", "k"),
        ("section=economy or section=society", "kga"),
        ("section in (economy, society)", "kga"),
        ("tag not in (vip)", "la"),
        ("not tag=vip", "la"),
        ("locale=ko or tag=press and state=active", "klg"),
        ("(locale=ko or tag=press) and state=active", "klg"),
        ("domain=naver.com", "kl"),
        ("address ~ EXAMPLE", "ga"),
        ('name ~ "O\'Con"', "g"),
        ("name='김하나'", "k"),
        ("name !~ 이", "kga"),
        ("tag ~ vi", "kg"),
        ("newsletter=daily", "lg"),
        ('section=""', "l"),
        ("section!=''", "kga"),
        ('section in (tech, "") and not tag=""', "g"),
        ('locale in (ko, "")', "kla"),
        ("tag=''", "l"),
        ("state=unsubscribed", "a"),
        ("state in (active, pending)", "klg"),
        ("source='import of members.csv'", "a"),
        ("added<30d", "k"),
        ("added>=12w", "ga"),
        ("added>1y", "a"),
        ("added<2026-01-01", "ga"),
        ("added>=2026-03-01", "k"),
        ("left<1d", "a"),
        ("mailed>1d", ""),
        ("bounces=0", "klga"),
        ("bounces>=1", ""),
        ("paused=no", "klga"),
        ("NOT paused=yes AND locale=ko", "kl"),
        ("@mine", "k"),
        ("not @mine and locale=ko", "l"),
    ],
)
def test_a_filter_finds_whom_it_says(people, text, who):
    save_filter(people, "mine", "tag=vip and locale=ko", now=NOW)
    assert found(people, text) == who
    assert sum(count_people(people, compile_filter(people, text, now=NOW)).values()) == len(who)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("local=ko", "column 1: 'local' is no field; did you mean locale?"),
        ("colour=red", "column 1: 'colour' is no field; fields: added, address"),
        ("locale", "column 7: expected one of = != ~ !~ > >= < <= or in after locale"),
        ("locale=", "column 8: expected a value, found the end"),
        ("locale=ko locale=en", "column 11: expected and, or, or the end, found 'locale'"),
        ("(locale=ko", "column 11: expected ), found the end"),
        ("locale=ko)", "column 10: expected and, or, or the end, found ')'"),
        ("locale in ko", "column 11: expected (, found 'ko'"),
        ("and locale=ko", "column 1: expected a field such as locale, found 'and'"),
        ("", None),
        ("state=sleeping", "column 1: 'sleeping' is no state; expected one of pending, active"),
        ("added=90d", "column 1: added takes > >= < <=, not ="),
        ("added>soon", "column 1: 'soon' is neither an age such as 90d"),
        ("bounces>many", "column 1: bounces is a number, found 'many'"),
        ("paused=perhaps", "column 1: paused is yes or no"),
        ("locale>ko", "column 1: locale takes = != ~ !~, not >"),
        ("inactive>90d", "column 1: inactive needs opens or clicks to be counted"),
        ("@none", "column 1: no filter is saved as 'none'; saved: none yet"),
        ('name="open', "column 6: '\"' is not understood; put quotes around a text"),
        ("(" * (DEEPEST + 1) + "locale=ko", f"more than {DEEPEST} levels"),
        ("not " * 2000 + "locale=ko", "characters; 4,000 are allowed"),
        ("x" * (LONGEST + 1), "characters; 4,000 are allowed"),
        (" or ".join(["a=1"] * 3), "'a' is no field"),
        (" or ".join(["bounces=1"] * (MOST_TERMS + 1)), f"more than {MOST_TERMS} terms"),
    ],
)
def test_a_wrong_filter_is_refused_with_its_place(people, text, words):
    if words is None:
        compile_filter(people, text, now=NOW)
        return
    with pytest.raises(FilterError) as refused:
        compile_filter(people, text, now=NOW)
    assert words in str(refused.value)


INJECTIONS = [
    "x'; DROP TABLE subscriber; --",
    "' OR 1=1 --",
    "1); DELETE FROM subscriber; --",
    "') UNION SELECT value FROM secret --",
    "%",
    "{0}",
    ":filter_0",
    "?1",
]


@pytest.mark.parametrize("value", INJECTIONS)
@pytest.mark.parametrize("field", ["address", "name", "tag", "section", "newsletter", "source", "domain", "timezone"])
@pytest.mark.parametrize("sign", ["=", "~"])
def test_a_value_is_never_more_than_a_value(people, field, sign, value):
    quote = '"' if "'" in value else "'"
    assert found(people, f"{field}{sign}{quote}{value}{quote}") == ""
    assert found(people, "") == "klga"


def test_saved_filters_are_listed_replaced_and_removed(people):
    save_filter(people, "a", "locale=ko", now=NOW)
    save_filter(people, "b", "@a and tag=vip", now=NOW)
    assert found(people, "@b") == "k"
    save_filter(people, "a", "locale=en", now=NOW)
    assert found(people, "@b") == "g"
    assert list_filters(people) == {"a": "locale=en", "b": "@a and tag=vip"}
    assert (remove_filter(people, "b"), remove_filter(people, "b")) == (True, False)


def test_saved_filters_do_not_go_round_in_circles(people):
    save_filter(people, "a", "locale=ko", now=NOW)
    save_filter(people, "b", "@a", now=NOW)
    with pytest.raises(FilterError, match="a → b → a name one another"):
        save_filter(people, "a", "@b", now=NOW)
    assert list_filters(people)["a"] == "locale=ko"
    with pytest.raises(FilterError, match="is no name of a filter"):
        save_filter(people, "x y", "locale=ko", now=NOW)


WORDS = st.sampled_from(["ko", "en", "vip", "press", "economy", "tech", "weekly", "daily", "active", "naver.com"])
TERMS = st.tuples(
    st.sampled_from(["locale", "tag", "section", "newsletter", "domain"]), st.sampled_from(["=", "!="]), WORDS
)
EXPRESSIONS = st.recursive(
    TERMS,
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner),
        st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=8,
)


def write(expression):
    if expression[0] == "not":
        return f"not ({write(expression[1])})"
    if expression[0] in ("and", "or"):
        return f"({f' {expression[0]} '.join(map(write, expression[1]))})"
    return "".join(expression)


def holds(expression, values):
    if expression[0] == "not":
        return not holds(expression[1], values)
    if expression[0] in ("and", "or"):
        return (all if expression[0] == "and" else any)(holds(each, values) for each in expression[1])
    field, sign, value = expression
    return (value in values[field]) == (sign == "=")


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EXPRESSIONS)
def test_any_expression_finds_whom_a_slow_reading_of_it_finds(people, expression):
    rows = [get_subscriber_by_id(people, row["id"]) for row in people.rows("SELECT id FROM subscriber ORDER BY id")]
    expected = [
        person.id
        for person in rows
        if holds(
            expression,
            {
                "locale": {person.locale},
                "domain": {person.address.partition("@")[2]},
                "tag": set(list_tags(people, person.id)) or {""},
                "newsletter": {each.newsletter for each in person.subscriptions},
                "section": {section for each in person.subscriptions for section in each.sections} or {""},
            },
        )
    ]
    assert list(find_ids(people, compile_filter(people, write(expression), now=NOW))) == expected


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="()=~<>!,\"'@ abcdeilnostv%;:-0123456789", max_size=60))
def test_any_text_is_a_filter_or_is_refused(people, text):
    with contextlib.suppress(FilterError):
        find_ids(people, compile_filter(people, text, now=NOW))

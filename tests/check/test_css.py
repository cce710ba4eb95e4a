"""CSS text as declarations, rules and faults, whatever it holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.check.css import READ_CHARACTERS, is_too_deep, parse_attribute, parse_stylesheet, walk

CSS_PIECES = st.lists(
    st.sampled_from(
        [
            "a",
            ".b",
            "#c",
            "{",
            "}",
            ":",
            ";",
            "(",
            ")",
            "[",
            "]",
            '"',
            "'",
            "/*",
            "*/",
            "@media",
            "@import",
            "url(",
            "!important",
            " ",
            "\n",
            "\\",
            "<!--",
            "-->",
            "color",
            "red",
            "#fff",
            "rgb(1,2,3)",
            "1px",
            "\0",
            "한",
            "\ud7ff",
            "&",
            ">",
            "calc(",
        ]
    ),
    max_size=40,
).map("".join)


def test_rules_come_with_the_conditions_around_them():
    [plain, inner] = parse_stylesheet("a { b: c } @media (x) { d, e { f: g !important } }").rules
    assert (plain.selector, plain.conditions) == ("a", ())
    assert (inner.selector, inner.conditions) == ("d, e", (("media", "(x)"),))
    assert [(each.name, each.value, each.is_important) for each in inner.declarations] == [("f", "g", True)]


def test_a_place_is_the_line_in_the_text_and_the_words_there():
    [rule] = parse_stylesheet("\r\n\na {\r\n  color: red; b: c\n}").rules
    assert rule.spot.line == 3
    assert [(each.spot.line, each.spot.snippet) for each in rule.declarations] == [(4, "color: red"), (4, "b: c")]


@pytest.mark.parametrize(
    "css",
    [
        "a { b: c",
        "a { b: c } }",
        "a { b: (c }",
        "a { b c }",
        "a { b: }",
        "a { b: c d: e }",
        "/* a",
        'a { b: "c\n" }',
        "{ a: b }",
        "x",
    ],
)
def test_what_is_no_css_is_a_fault(css):
    assert parse_stylesheet(css).faults


@pytest.mark.parametrize(
    "css",
    [
        "",
        " \n",
        "a{}",
        "a{b:c}",
        "a{;b:c;;}",
        "/* } */",
        "<!-- a{b:c} -->",
        "a{b:'}'}",
        "a{b:url(x;y)}",
        "@import 'x';",
        "a{b:c}@media x{}",
    ],
)
def test_what_is_css_is_none(css):
    assert parse_stylesheet(css).faults == []


def test_the_rest_is_read_on_after_a_fault():
    declarations, faults = parse_attribute("color red; font-size: 2px; b")
    assert [(each.name, each.value) for each in declarations] == [("font-size", "2px")]
    assert len(faults) == 2


def test_a_rule_in_a_rule_is_known_as_nested():
    assert [(rule.selector, rule.is_nested) for rule in parse_stylesheet("a { b: c; d { e: f } }").rules] == [
        ("a", False),
        ("d", True),
    ]


@given(CSS_PIECES)
def test_no_text_is_too_strange_to_be_read(css):
    sheet = parse_stylesheet(css)
    assert all(fault.spot.line >= 1 for fault in sheet.faults)
    parse_attribute(css)


@given(st.lists(st.tuples(st.sampled_from(["color", "width", "mso-hide"]), st.sampled_from(["red", "1px", "'a;b'"]))))
def test_declarations_written_out_are_read_back(pairs):
    declarations, faults = parse_attribute(";".join(f"{name}: {value}" for name, value in pairs))
    assert not faults
    assert [(each.name, each.value.replace('"', "'")) for each in declarations] == pairs


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["(", "{", "a{", "[", '"', "/*", "*", "url(", "a{b:c}", "\\", "@media x{"])
def test_megabytes_of_one_thing_end_in_seconds_without_recursion(piece):
    parse_stylesheet(piece * (5_000_000 // len(piece)))
    parse_attribute(piece * (5_000_000 // len(piece)))


def test_what_was_cut_off_is_no_fault():
    faults = parse_stylesheet("a { b: c }\n" * READ_CHARACTERS).faults
    assert not [fault for fault in faults if "not closed" in fault.message]


def test_walking_goes_into_brackets_and_knows_their_depth():
    [declaration] = parse_attribute("a: b(c(d, [e]))")[0]
    assert [token.value for token in walk(declaration.tokens) if token.type == "ident"] == ["c", "d", "e"][1:]
    assert not is_too_deep(declaration.tokens)

"""What the compact table of client support knows."""

import json
import runpy
from pathlib import Path

import pytest

from digest.check.support import Kind, load_support

SUPPORT = load_support()
NEVER = [
    "position", "z-index", "flex", "flex-basis", "grid", "grid-template-rows", "gap", "transform",
    "animation-play-state", "object-fit", "--x", "inset-inline-start", "margin-inline", "padding-block-end",
    "border-start-start-radius", "filter", "-webkit-transform", "-ms-transform",
]  # fmt: skip
ALLOWED = [
    "background-color", "border", "border-collapse", "font", "font-size", "line-height", "color",
    "vertical-align", "text-align", "padding", "padding-left", "margin", "width", "max-width", "height",
    "border-radius", "box-shadow", "word-break", "overflow-wrap", "display", "table-layout", "letter-spacing",
    "mso-hide", "-webkit-text-size-adjust", "color-scheme",
]  # fmt: skip


@pytest.mark.parametrize("name", NEVER)
def test_what_the_contract_never_allows_is_forbidden(name):
    feature = SUPPORT.find(Kind.PROPERTY, name)
    assert feature is not None
    assert feature.is_forbidden


@pytest.mark.parametrize("name", ["var", "calc", "min", "max", "clamp"])
def test_functions_of_the_contract_are_forbidden(name):
    assert getattr(SUPPORT.find(Kind.FUNCTION, name), "is_forbidden", False)


@pytest.mark.parametrize("name", ["svg", "video", "form", "picture", "link"])
def test_elements_of_the_contract_are_forbidden(name):
    assert getattr(SUPPORT.find(Kind.ELEMENT, name), "is_forbidden", False)


@pytest.mark.parametrize("name", ALLOWED)
def test_what_the_contract_allows_is_not_spoken_against(name):
    assert SUPPORT.find(Kind.PROPERTY, name) is None


def test_the_same_word_is_a_feature_only_where_it_belongs():
    assert getattr(SUPPORT.find_value("display", "inline-flex"), "is_forbidden", False)
    assert SUPPORT.find_value("content", "flex") is None
    assert not getattr(SUPPORT.find_value("color", "initial"), "is_forbidden", True)


def test_units_selectors_and_endings_are_known():
    assert getattr(SUPPORT.find(Kind.UNIT, "rem"), "is_forbidden", False)
    assert SUPPORT.find(Kind.UNIT, "px") is None
    assert SUPPORT.find(Kind.SELECTOR, "hover") is None
    assert not getattr(SUPPORT.find(Kind.SELECTOR, "nth-child"), "is_forbidden", True)
    assert getattr(SUPPORT.find(Kind.EXTENSION, "webp"), "is_forbidden", False)
    assert SUPPORT.find(Kind.EXTENSION, "jpeg") is None


def test_who_lacks_a_feature_is_said_by_name():
    feature = SUPPORT.find(Kind.EXTENSION, "webp")
    assert feature is not None
    assert feature.absence == "missing in Outlook classic (Word)"
    assert all(each.absence for each in SUPPORT.features)


def test_every_feature_has_names_in_lower_case_that_find_it():
    for feature in SUPPORT.features:
        assert feature.names
        assert all(name == name.lower() for name in feature.names)
        if feature.kind is not Kind.VALUE and feature.kind is not Kind.KEYWORD:
            assert all(
                SUPPORT.find(feature.kind, name.rstrip("*") + "x" * name.endswith("*")) for name in feature.names
            )


def test_the_table_is_what_the_script_makes_of_the_collected_data(data_folder):
    root = Path(__file__).parents[2]
    reduce_table = runpy.run_path(str(root / "docs" / "reduce_support.py"))["reduce_table"]
    table = json.loads((data_folder / "caniemail_support.json").read_text(encoding="utf-8"))
    assert json.loads((root / "digest" / "check" / "support.json").read_text(encoding="utf-8")) == reduce_table(table)

"""The page's own words: the same in both languages, all of them used, none missing."""

import json
import re
from pathlib import Path

import digest.web.preview

STATIC = Path(digest.web.preview.__file__).parent / "static"
WORDS = json.loads((STATIC / "words.json").read_text(encoding="utf-8"))
SOURCE = "".join(file.read_text(encoding="utf-8") for file in STATIC.iterdir() if file.suffix in (".js", ".html"))


def test_both_languages_have_the_same_words_with_the_same_values_in_them():
    assert WORDS["ko"].keys() == WORDS["en"].keys()
    for name, words in WORDS["ko"].items():
        assert set(re.findall(r"\{\w+\}", words)) == set(re.findall(r"\{\w+\}", WORDS["en"][name])), name


def test_every_word_that_is_asked_for_is_there():
    named = re.findall(r'\bw\("([\w-]+)"|data-(?:word|label|placeholder)="([\w-]+)"', SOURCE)
    assert {one or other for one, other in named} <= WORDS["ko"].keys()


def test_no_word_is_left_over():
    beginnings = tuple(re.findall(r"\bw\(`(\w+_)\$", SOURCE))
    left = [name for name in WORDS["ko"] if not re.search(rf'"{name}"', SOURCE) and not name.startswith(beginnings)]
    assert left == []


def test_korean_words_are_korean():
    assert [name for name, words in WORDS["ko"].items() if not re.search("[가-힣]", words)] == ["source_html"]

"""No text from outside breaks out of its place, and each place shows it whole."""

from hypothesis import example, given, settings
from hypothesis import strategies as st
from issue_samples import DIRTY_TITLES, PICTURE, make_choice, make_request
from lxml import html as lxml_html

from digest.render import TemplateLibrary, render_issue
from digest.render.clean import clean_line
from digest.render.flowed import unflow
from digest.render.width import shorten

LIBRARY = TemplateLibrary()
ANY_TEXT = st.text(st.characters(codec=None), max_size=80) | st.text("<>&\"'{}%-!/= \n\x00가한é", max_size=40)


def visible(text: str, columns: int = 200) -> str:
    return shorten(clean_line(text), columns)


def with_examples(test):
    for title in DIRTY_TITLES:
        test = example(title)(test)
    return test


@settings(max_examples=30, deadline=None)
@given(ANY_TEXT)
@with_examples
def test_any_text_stands_in_every_place_as_text_and_adds_no_element(words):
    lead = {**PICTURE, "image_caption": words, "subheads": (words,), "author": words, "section_name": words}
    shown = (make_choice(1, title=words, **lead), make_choice(2, title=words, excerpt=words, source=words))
    plain = (make_choice(1, title="가", **(lead | dict.fromkeys(lead, "x") | {**PICTURE, "subheads": ("x",)})),)
    page = lxml_html.document_fromstring(render_issue(make_request(shown), LIBRARY).html)
    if title := visible(words):
        assert page.xpath("string(//h2[1])") == title
        assert page.xpath("string(//h3)") == title
        assert page.xpath("string(//img/@alt)") == visible(words, 100)
    known = {element.tag for element in page.iter()}
    harmless = lxml_html.document_fromstring(render_issue(make_request((*plain, make_choice(2))), LIBRARY).html)
    assert known <= {element.tag for element in harmless.iter()}
    assert len(page.xpath("//*[starts-with(name(@*), 'on')]")) == 0


@settings(max_examples=30, deadline=None)
@given(ANY_TEXT)
@with_examples
def test_any_text_stays_on_its_lines_of_the_plain_part(words):
    """A title cannot begin a line of its own: all of its words follow the number."""
    rendering = render_issue(make_request((make_choice(1, title=words, subheads=(), excerpt=""),)), LIBRARY)
    lines = unflow(rendering.text).splitlines()
    begin = next(index for index, line in enumerate(lines) if line.startswith("1. "))
    assert lines[begin + 1].startswith("조회 184,220 · 사회 · 한빛신문")
    if title := visible(words):
        assert lines[begin] == f"1. {title}"


@settings(max_examples=60, deadline=None)
@given(ANY_TEXT)
@with_examples
def test_cleaning_twice_is_cleaning_once(words):
    cleaned = clean_line(words)
    assert clean_line(cleaned) == cleaned
    assert cleaned.isprintable() or all(
        char.isprintable() or char in "\u200c\u200d" or ord(char) > 0x7F for char in cleaned
    )


def test_compatibility_hanja_stay_and_loose_hangul_is_composed():
    assert clean_line("\u1112\u1161\u11ab 豈") == "한 豈"


def test_what_looks_like_a_placeholder_is_parted():
    assert clean_line("{{a}} {%b%} %%C%%") == "{ {a} } { %b%} % %C% %"

"""The greeting and what else only readers with a name get: there with its element and its lines, or not at all."""

from dataclasses import replace
from random import Random

import pytest
from issue_samples import NONCE, VALUES, html_of, make_request, make_shown, text_of
from lxml import html as lxml_html

from digest.errors import RenderError
from digest.render import SlottedText, TemplateLibrary, as_line, escape_html, render_issue
from digest.render.flowed import unflow
from digest.render.pages import render_page

THEMES = ("weekly", "compact", "sections")
KIM = replace(VALUES, name="김하늘")
PARAGRAPH = "{% if_name %}\n{{ subscriber.name }} 님!\n{% endif_name %}\n"


@pytest.fixture
def write(tmp_path):
    """A library in which a block of the template `own` is replaced, in both its parts."""

    def call(html="", text="", *, block="intro"):
        for kind, inside in (("html", html), ("txt", text)):
            file = tmp_path / "own" / f"digest.{kind}"
            file.parent.mkdir(exist_ok=True)
            replaced = f"{{% block {block} %}}{inside}{{% endblock %}}" if inside else ""
            file.write_text(f'{{% extends "packaged/weekly/digest.{kind}" %}}\n{replaced}', encoding="utf-8")
        return TemplateLibrary([tmp_path])

    return call


def own_request(**newsletter):
    return make_request(make_shown(3), template="own", **newsletter)


def copies(rendering, values=KIM):
    """Both parts of one reader's copy, with the paragraphs of the text on one line each."""
    html = SlottedText.split(rendering.html, NONCE, escape_html).fill(values)
    return html, unflow(SlottedText.split(rendering.text, NONCE, as_line).fill(values))


@pytest.mark.parametrize(
    ("locale", "greeting", "line"),
    [
        ("ko", "auto", "김하늘 님, 안녕하세요."),
        ("en", "auto", "Hello 김하늘,"),
        ("ko", "{name} & <벗>들께", "김하늘 & <벗>들께"),
    ],
)
@pytest.mark.parametrize("theme", THEMES)
def test_a_reader_with_a_name_is_greeted_in_one_element_and_one_paragraph(library, theme, locale, greeting, line):
    html, text = copies(render_issue(make_request(locale=locale, template=theme, greeting=greeting), library))
    (cell,) = lxml_html.document_fromstring(html).xpath('//td[contains(@class, "greeting")]')
    assert cell.text_content() == line
    assert f"\n\n{line}\n\n" in text
    assert "\n\n\n" not in text


@pytest.mark.parametrize("intro", ["", "이번 주는 강 이야기가 많이 읽혔습니다."])
@pytest.mark.parametrize("theme", THEMES)
def test_a_reader_without_a_name_gets_what_there_is_without_a_greeting_byte_for_byte(library, theme, intro):
    request = replace(make_request(template=theme), intro=intro)
    greeting = replace(make_request(template=theme, greeting="auto"), intro=intro)
    plain, greeted = render_issue(request, library), render_issue(greeting, library)
    assert NONCE not in html_of(greeted) + text_of(greeted)
    assert (html_of(greeted), text_of(greeted)) == (html_of(plain), text_of(plain))


def test_a_digest_without_a_greeting_has_no_place_for_a_name(library):
    for part in (render := render_issue(make_request(), library)).html, render.text:
        assert "name" not in {slot.name for slot in SlottedText.split(part, NONCE, as_line).slots}


def test_no_name_is_taken_for_markup_or_another_slot(library):
    name = f'"><script>https://{NONCE}.invalid/address/</script>{{{{ links.site }}}}'
    html, text = copies(render_issue(make_request(greeting="{name}!"), library), replace(VALUES, name=name))
    (cell,) = lxml_html.document_fromstring(html).xpath('//td[contains(@class, "greeting")]')
    assert cell.text_content() == f"{name}!"
    assert not cell.xpath("./*")
    assert f"\n{name}!\n" in text


def test_a_frame_within_a_line_leaves_no_space_and_no_comma(write):
    words = "안녕하세요{% if_name %}, {{ subscriber.name }} 님{% endif_name %}."
    rendering = render_issue(own_request(), write(f"<tr><td>{words}</td></tr>", f"\n{words}\n\n"))
    for values, line in ((KIM, "안녕하세요, 김하늘 님."), (VALUES, "안녕하세요.")):
        html, text = copies(rendering, values)
        assert f"<td>{line}</td>" in html
        assert f"\n\n{line}\n\n" in text


def test_the_greeting_may_stand_in_an_attribute_too(write):
    """Whichever quotes the inliner writes around it."""
    cell = '<tr><td title="{{ subscriber.greeting }}">뉴스</td></tr>'
    for greeting in ("{name}", '"{name}"', "'{name}'"):
        rendering = render_issue(own_request(greeting=greeting), write(cell))
        for name in ("김하늘", "\"' onclick='x\"", ""):
            page = lxml_html.document_fromstring(copies(rendering, replace(VALUES, name=name))[0])
            (shown,) = page.xpath("//td[text()='뉴스']")
            assert shown.get("title") == (greeting.replace("{name}", name) if name else "")
            assert shown.get("onclick") is None


@pytest.mark.parametrize("before", ["", "\n", "\n\n\n", "위\n", "위\n\n"])
@pytest.mark.parametrize("behind", ["", "\n", "\n\n\n", "아래\n", "\n\n아래\n"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_frame_is_a_paragraph_of_the_text_wherever_it_stands(write, before, behind, times):
    """One empty line before it and one behind it, and one in its place for who has no name."""
    library = write(text=f"{before}{PARAGRAPH * times}{behind}")
    framed = render_issue(own_request(), library)
    above, below = "위\n\n" * ("위" in before), "아래\n" * ("아래" in behind)
    named, unnamed = copies(framed)[1], copies(framed, VALUES)[1]
    assert f"\n\n{above}" + "김하늘 님!\n\n" * times + f"{below}" in named
    assert f"https://news.example\n\n{above}{below}" in unnamed
    assert not [text for text in (named, unnamed) if "\n\n\n" in text]
    assert "1. 한강" in unnamed


@pytest.mark.parametrize("block", ["greeting", "intro", "footer"])
@pytest.mark.parametrize("around", [("", ""), ("\n", ""), ("", "\n"), ("위\n\n", "\n아래\n")])
def test_a_page_with_frames_gives_what_rendering_alone_gives(write, block, around):
    """Also where a frame is the last thing before the articles, or the first behind them."""
    unsubscribe = "{{ links.unsubscribe }}" * (block == "footer")
    library = write(f"<tr><td>{PARAGRAPH}{unsubscribe}</td></tr>", PARAGRAPH.join(around) + unsubscribe, block=block)
    page = render_page(own_request(), library)
    for order in ([0], [2, 0], Random(1).sample(range(3), 3)):
        shown = tuple(page.request.shown[index] for index in order)
        assert page.render(order) == render_issue(replace(page.request, shown=shown), library)


def test_a_name_within_an_article_goes_with_it(write):
    story = f"{{% each article %}}\n{PARAGRAPH}{{{{ article.title }}}}\n{{% endeach %}}"
    library = write(f"<tr><td>{story}</td></tr>", story, block="stories")
    page = render_page(own_request(), library)
    alone = render_issue(replace(page.request, shown=(page.request.shown[2], page.request.shown[0])), library)
    assert page.render([2, 0]) == alone
    assert [text.count("김하늘") for text in copies(alone)] == [2, 2]


def test_a_frame_around_articles_is_rendered_for_each_group(write):
    story = "{% if_name %}\n{% each article %}\n{{ article.title }}\n{% endeach %}\n{% endif_name %}\n"
    library = write(f"<tr><td>{story}</td></tr>", story, block="stories")
    with pytest.raises(RenderError, match="cannot stand around the tags of articles"):
        render_page(own_request(), library)
    rendering = render_issue(own_request(), library)
    assert [("한강 다리" in part) for part in copies(rendering)] == [True, True]
    assert [("한강 다리" in part.partition("</head>")[2]) for part in copies(rendering, VALUES)] == [True, False]


def test_whether_there_is_a_name_cannot_be_asked_while_a_template_renders(write):
    """It would be true for all, and "Hello ," for those without."""
    library = write("\n{% if subscriber.name %}Hello {{ subscriber.name }},{% endif %}")
    with pytest.raises(
        RenderError, match=r"own/digest\.html, line 3: subscriber\.name cannot be tested.*{% if_name %}"
    ):
        render_issue(own_request(), library)


def test_another_value_in_a_frame_is_refused(write):
    library = write("<tr><td>{% if_name %}{{ subscriber.name }} {{ footer.address }}{% endif_name %}</td></tr>")
    with pytest.raises(RenderError, match="holds the value 'address'"):
        render_issue(own_request(), library)

"""A page cut at its marks gives any selection of its articles as rendering them alone would, byte for byte."""

import json
import re
import time
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from issue_samples import DIRTY_TITLES, NONCE, PICTURE, SUBHEADS, TITLES, make_choice, make_request

from digest.errors import RenderError
from digest.model import CountKind, ViewCount
from digest.render import SlottedText, TemplateLibrary, as_line, escape_html, render_issue, scaffold
from digest.render.chart import most_viewed
from digest.render.cut import Passing, Slot
from digest.render.inbox import Headline, InboxLines
from digest.render.pages import Page, PageWords, render_page
from digest.render.slots import count_slots
from digest.render.width import shorten

LIBRARY = TemplateLibrary()
THEMES = ("weekly", "compact", "sections")
SECTIONS = ("사회", "경제 & 'more'", "", '"문화"', "")


def make_pool(random, count, *, images=True, titles=(*TITLES, *DIRTY_TITLES)):
    return tuple(
        replace(
            make_choice(
                number,
                title=random.choice(titles),
                pinned=random.random() < 0.2,
                section="" if not (name := random.choice(SECTIONS)) else "s" + name,
                section_name=name,
                subheads=random.choice(((), SUBHEADS)),
                excerpt=random.choice(("", "짧다.", "다리 위 보행로가 넓어졌다. " * 12)),
                language=random.choice(("", "he")),
                source=random.choice(("", "한빛신문")),
                **(PICTURE if images and random.random() < 0.5 else {}),
            ),
            count=ViewCount(
                article_id=str(number),
                views=random.choice((0, 7, 999, 123_456, 9_999_999)),
                kind=random.choice((CountKind.EXACT, CountKind.PARTIAL)),
            ),
        )
        for number in range(1, count + 1)
    )


def alone(page, indices):
    """The same articles rendered by themselves."""
    shown = tuple(page.request.shown[index] for index in indices)
    return render_issue(replace(page.request, shown=shown), LIBRARY)


def make_page(random, count, *, theme, locale, images=True, titles=(*TITLES, *DIRTY_TITLES), **newsletter):
    pool = make_pool(random, count, images=images, titles=titles)
    request = make_request(pool, template=theme, locale=locale, **newsletter)
    return render_page(replace(request, most_viewed=most_viewed(pool)), LIBRARY)


@pytest.mark.parametrize("locale", ["ko", "en"])
@pytest.mark.parametrize("theme", THEMES)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10**9), count=st.integers(1, 14), images=st.booleans())
def test_any_selection_equals_what_rendering_it_alone_gives(theme, locale, seed, count, images):
    random = Random(seed)
    patterns = {"subject": random.choice(("{first_title} · {newsletter}", "{count} {site}"))}
    patterns["preheader"] = random.choice(("", "{count}: {first_title}"))
    patterns["greeting"] = random.choice(("", "auto", "{name} & 'friends'"))
    page = make_page(random, count, theme=theme, locale=locale, images=images, **patterns)
    for _ in range(3):
        lead, *others = random.sample(range(count), random.randint(1, count))
        assert page.render([lead, *others]) == alone(page, [lead, *others])
        like_it = [lead, *random.sample([index for index in range(count) if index != lead], len(others))]
        assert page.render(like_it) == alone(page, like_it)


@pytest.mark.parametrize("most", [0, 1, 256])
def test_a_selection_is_the_same_whether_what_it_shares_with_others_is_kept_or_not(monkeypatch, most):
    """The memory of a page must not grow with every kind of selection there is."""
    monkeypatch.setattr(scaffold, "MOST_SCAFFOLDS", most)
    page = make_page(Random(2), 9, theme="weekly", locale="ko")
    for seed in range(20):
        order = Random(seed).sample(range(9), 1 + seed % 9)
        assert page.render(order) == alone(page, order)
    assert len(page._html._scaffolds) <= most


def test_a_selection_of_thirty_is_strung_together_in_no_time_once_its_leaves_are_known():
    """Measured at 30 µs on an idle machine; the test leaves room for a busy one."""
    page = make_page(Random(1), 30, theme="weekly", locale="ko", titles=TITLES)
    orders = [Random(seed).sample(range(30), 30) for seed in range(200)]
    durations = []
    for _ in range(8):
        start = time.perf_counter()
        for order in orders:
            page.leaves(order)
        durations.append((time.perf_counter() - start) / len(orders))
    assert min(durations) <= 0.000_200


def test_the_same_leaf_is_the_same_object_in_every_selection_but_for_what_passes():
    """So that what is made of a leaf can be kept by it, and is found at once; only a subject is short and made anew."""
    page = make_page(Random(1), 12, theme="sections", locale="ko")
    orders = [Random(seed).sample(range(12), 6) for seed in range(60)]
    first, again = ([page.leaves(order) for order in orders] for _ in range(2))
    kept = {}
    for one, other in zip(first, again, strict=True):
        for part, same in zip((*one.html, *one.text), (*other.html, *other.text), strict=True):
            if not isinstance(part, (Slot, Passing)):
                kept[id(part)] = part
                assert same is part or (same == part and len(part) < 200)
    assert len(set(kept.values())) < 12 * 6 * 6


def test_a_page_comes_back_from_what_is_stored():
    page = make_page(Random(3), 9, theme="weekly", locale="en")
    words = PageWords.from_json(json.loads(json.dumps(page.words.to_json())))
    again = Page(page.html, page.text, page.request, words)
    assert again.render([4, 2, 8]) == page.render([4, 2, 8])


def test_a_selection_splits_at_the_slots_of_subscribers():
    page = make_page(Random(4), 5, theme="compact", locale="ko")
    selected, rendering = page.select([2, 0]), page.render([2, 0])
    assert selected.html == SlottedText.split(rendering.html, NONCE, escape_html)
    assert selected.text == SlottedText.split(rendering.text, NONCE, as_line)


def test_nothing_cannot_be_selected():
    with pytest.raises(RenderError, match="without articles cannot be shown"):
        make_page(Random(1), 3, theme="weekly", locale="ko").select([])


def test_no_mark_is_left_in_a_selection():
    page = make_page(Random(5), 8, theme="sections", locale="ko")
    rendering = page.render(range(8))
    slots = count_slots(rendering.html, NONCE)
    assert rendering.html.count(NONCE) == slots.total()


def test_bars_are_as_long_in_every_selection():
    """They stand for the share of one figure for all readers; a longer one than that is not drawn."""
    shown = tuple(make_choice(number, views=views) for number, views in enumerate((400, 200, 100), 1))
    page = render_page(replace(make_request(shown), most_viewed=400), LIBRARY)
    assert re.findall(r'class="length" width="(\d+)%"', page.render([2, 1]).html) == ["25", "50"]
    beyond = replace(make_request(shown), most_viewed=100)
    assert re.findall(r'class="length" width="(\d+)%"', render_issue(beyond, LIBRARY).html) == ["100", "100", "100"]


WORDS = (
    "한강",
    "다리",
    "위에서",
    "3.5",
    "Night",
    "trains",
    "“빵값이”",
    "끝났다.",
    "정말?",
    "…",
    "·",
    "(주)",
    "가" * 40,
    "[단독]",
    "“",
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join), min_size=2, max_size=12))
def test_a_preheader_put_together_from_kept_ends_is_the_shortened_line_of_titles(titles):
    shown = tuple(make_choice(number, title=title) for number, title in enumerate(titles, 1))
    headlines = [Headline.of(choice) for choice in shown]
    line = InboxLines(make_request(shown), "").preheader(headlines, "", "")
    whole = " · ".join(headline.title for headline in headlines[1:])
    assert line == shorten(whole, 140) or len(whole) < 20

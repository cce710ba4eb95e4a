"""Issues are frozen as one page for each language; those of before, and templates without tags, go on as they were."""

import json
import sqlite3
from email import message_from_bytes, policy
from random import Random

import pytest
import sqlite_utils

from digest.deliver.letters import Reader, slot_values, write_message
from digest.dry_run import rehearse
from digest.proof import letterhead_of_issue, make_proof, open_bodies
from digest.render.cut import Slot
from digest.store.groups import VariantKey, make_variant_key
from digest.store.issues import get_issue_by_id, list_variants
from digest.store.migrations import migrations
from digest.store.pages import list_pages
from digest.variants import Printing
from editions import add_reader, compose, make_article, open_edition, open_workspace, publish, render_again, save_news

READER = Reader(subscriber_id=1, address="kim@example.com", name="김하늘")
OLD_STORIES = """{% extends "packaged/weekly/digest.html" %}
{% block stories %}
<tr><td class="text ranking">
  {{ parts.table() }}
    {% for article in [lead] + articles|list %}
    {{ parts.row(article, "h2", [article.source]) }}
    {% endfor %}
  </table>
</td></tr>
{% endblock %}
"""


@pytest.fixture
def app(tmp_path):
    with open_workspace(tmp_path, "limit = 4") as opened:
        save_news(opened, [make_article(n, section="economy" if n % 3 == 0 else "society") for n in range(1, 25)])
        add_reader(opened, "plain")
        add_reader(opened, "english", locale="en")
        add_reader(opened, "economist", sections=("economy",))
        add_reader(opened, "reader", sections=("society",), locale="en")
        yield opened


def override(app, content):
    own = app.settings.folder / "templates" / "weekly"
    own.mkdir(parents=True, exist_ok=True)
    (own / "digest.html").write_text(content, encoding="utf-8")


def test_an_issue_has_a_page_for_each_language_and_no_contents_for_each_group(app):
    issue = publish(app)
    pages = list_pages(app.database, issue.id)
    assert [page.locale for page in pages] == ["en", "ko"]
    assert pages[0].article_ids == pages[1].article_ids
    assert {variant.html + variant.text for variant in list_variants(app.database, issue.id)} == {""}


def test_what_a_group_gets_is_what_rendering_it_alone_gives(app):
    issue = publish(app)
    bodies = open_bodies(app.database, issue)
    for variant in list_variants(app.database, issue.id):
        assert render_again(app, issue, variant.key, variant.article_ids) == bodies.rendering(variant.key)
    assert len(bodies) == 4


def test_a_key_with_articles_spells_a_selection_that_was_never_stored(app):
    issue = publish(app)
    letterhead = letterhead_of_issue(app.database, issue, app.key)
    bodies = letterhead.bodies
    ids = bodies.article_ids('["",[]]')
    key = make_variant_key("", (), (3, 0)).key
    assert bodies.article_ids(key) == (ids[3], ids[0])
    body = bodies[key]
    text = body.text.fill(slot_values(letterhead, READER))
    assert text.index(f"/articles/{ids[3]}") < text.index(f"/articles/{ids[0]}")
    message = message_from_bytes(write_message(letterhead, key, READER).content, policy=policy.default)
    assert message.get_body(("plain",)).get_content().replace("\r\n", "\n") == text
    leaves = bodies.leaves(key)
    filled = "".join(part if isinstance(part, str) else "?" for part in leaves.html)
    assert filled == "?".join(body.html.pieces)
    assert [part.name for part in leaves.html if isinstance(part, Slot)] == list(body.html.slots)
    with pytest.raises(KeyError):
        bodies['["",["sports"]]']


def test_a_key_is_canonical_with_and_without_articles():
    key = make_variant_key("en", ("경제",), (2, 0, 1))
    assert key.key == '["en",["경제"],[2,0,1]]'
    assert VariantKey.parse(key.key) == key
    assert key.group == make_variant_key("en", ("경제",)) == key.group.group


def test_a_template_without_tags_is_rendered_for_each_group(app):
    override(app, OLD_STORIES)
    issue = publish(app)
    assert list_pages(app.database, issue.id) == ()
    variants = list_variants(app.database, issue.id)
    assert all(variant.html for variant in variants)
    for variant in variants:
        rendering = render_again(app, issue, variant.key, variant.article_ids)
        assert (rendering.html, rendering.text) == (variant.html, variant.text)


@pytest.mark.parametrize(
    "words",
    [
        "{{ lead.title }}",
        "{{ articles|length }}",
        "{% if edition.count > 3 %}x{% endif %}",
        "{{ edition.count + 1 }}",
        "{{ language.number(edition.count) }}",
        "{% for figure in edition.figures %}{{ figure.value }}{% endfor %}",
        '{{ subject|replace("소식", "이야기") }}',
        "{{ subject|upper }}",
        "{{ subject|length }}",
        "{% if subject == preheader %}x{% endif %}",
        "{% if sections|length > 1 %}x{% endif %}",
    ],
)
def test_whatever_a_page_cannot_know_leads_to_rendering_each_group_by_itself(app, words):
    override(
        app,
        f'{{% extends "packaged/weekly/digest.html" %}}{{% block intro %}}<tr><td>{words}</td></tr>{{% endblock %}}',
    )
    printing = Printing(compose(app), [make_variant_key("", ()), make_variant_key("", ("economy",))], app.workshop)
    everybody, economists = printing.variants()
    assert printing.pages == {}
    alone = list(Printing(compose(app), printing.keys, app.workshop, cut=False).variants())
    assert [everybody.rendering, economists.rendering] == [variant.rendering for variant in alone]


@pytest.mark.parametrize(
    "words", ["{{ subject }}", "{{ edition.count }}", "{{ edition.size }}", '{{ edition.count ~ "!" }}']
)
def test_what_a_page_knows_for_each_selection_may_stand_anywhere(app, words):
    override(
        app,
        f'{{% extends "packaged/weekly/digest.html" %}}{{% block intro %}}<tr><td>{words}</td></tr>{{% endblock %}}',
    )
    keys = [make_variant_key("", ()), make_variant_key("en", ("economy",))]
    printing = Printing(compose(app), keys, app.workshop)
    cut = [variant.rendering for variant in printing.variants()]
    assert set(printing.pages) == {"ko", "en"}
    alone = Printing(compose(app), keys, app.workshop, cut=False)
    assert cut == [variant.rendering for variant in alone.variants()]


def test_a_dry_run_writes_of_the_page(app):
    rehearsal = rehearse(app.database, open_edition(app), app.workshop, on_message=lambda: None)
    assert (rehearsal.recipients, rehearsal.without_articles) == (4, 0)


def make_old(app, issue):
    """The database as it was before there were pages, with the issue as it was kept then."""
    renderings = {key: open_bodies(app.database, issue).rendering(key) for key in open_bodies(app.database, issue)}
    for key, rendering in renderings.items():
        app.database.execute(
            "UPDATE issue_variant SET html = ?, text = ? WHERE variant = ?", (rendering.html, rendering.text, key)
        )
    frozen = {name: value for name, value in issue.frozen.items() if name != "most_viewed"}
    app.database.execute("UPDATE issue SET frozen = ?", (json.dumps(frozen, ensure_ascii=False),))
    app.database.execute("DROP TABLE issue_page")
    app.database.execute("DELETE FROM _sqlite_migrations WHERE name = 'm005_pages'")
    return renderings


def test_an_issue_of_before_is_sent_shown_and_previewed_as_it_was_frozen(app, tmp_path):
    issue = publish(app)
    renderings = make_old(app, issue)
    with open_workspace(tmp_path) as later:
        old = get_issue_by_id(later.database, issue.id)
        bodies = open_bodies(later.database, old)
        assert {key: bodies.rendering(key) for key in bodies} == renderings
        letterhead = letterhead_of_issue(later.database, old, later.key)
        assert all(write_message(letterhead, key, READER).content for key in bodies)
        proof = make_proof(later.database, open_edition(later), later.workshop)
        assert proof.is_frozen
        assert [choice.article.id for choice in proof.shown] == ["1", "2", "3", "4"]


def test_a_database_of_before_gets_the_table_of_pages_and_keeps_its_variants(tmp_path):
    path = tmp_path / "digest.db"
    with sqlite3.connect(path, isolation_level=None) as connection:
        migrations.apply(sqlite_utils.Database(connection), stop_before="m005_pages")
        connection.executescript("""
            INSERT INTO issue (id, newsletter, edition, origin, state, scheduled_at, deadline, started_at)
              VALUES (7, 'weekly', '2026-03-02', 'schedule', 'sent', 0, 0, 0);
            INSERT INTO issue_variant VALUES (7, '["",[]]', '["a"]', 's', 'p', 'h', 't');
        """)
        migrations.apply(sqlite_utils.Database(connection))
        assert connection.execute("SELECT count(*) FROM issue_page").fetchone() == (0,)
        assert connection.execute("SELECT html FROM issue_variant").fetchone() == ("h",)
    connection.close()


def test_any_selection_of_the_page_of_an_issue_is_what_it_would_be_alone(app):
    issue = publish(app)
    bodies = open_bodies(app.database, issue)
    size = len(list_pages(app.database, issue.id)[0].article_ids)
    for seed in range(6):
        random = Random(seed)
        key = make_variant_key(random.choice(("", "en")), (), random.sample(range(size), random.randint(1, size)))
        assert render_again(app, issue, key.key, bodies.article_ids(key.key)) == bodies.rendering(key.key)

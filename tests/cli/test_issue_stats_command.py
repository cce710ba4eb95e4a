"""`digest issues stats`: opened, clicked, come back; honest where nothing was counted, and right on a terminal."""

from datetime import timedelta

import pytest

from command_line import digest, digest_on_terminal
from digest.app import open_app
from digest.choices import read_personal_data
from digest.model import SubscriberState
from digest.render.width import display_width
from digest.store.events import Event, EventKind, record_event
from digest.store.readings import count_click, count_opening, find_copy
from digest.store.subscribers import get_subscriber, let_leave
from editions import MONDAY, NOW, add_reader, make_article, open_workspace, publish, save_news

COUNTING = ("count_opens = true", "count_clicks = true")
PEOPLE = [f"r{number:02d}" for number in range(20)]


def make(folder, *lines, day=MONDAY):
    """An issue for twenty people, of whom one did not get it."""
    with open_workspace(folder, *lines, "[web]") as app:
        save_news(app, [make_article(number) for number in range(1, 5)])
        for name in PEOPLE:
            add_reader(app, name)
        issue = publish(app, day)
        app.database.execute("UPDATE delivery SET state = 'sent', updated_at = unixepoch(?)", (NOW.isoformat(),))
        app.database.execute("UPDATE delivery SET state = 'failed' WHERE subscriber_id = 20")
        app.database.execute("UPDATE issue SET state = 'sent', finished_at = frozen_at")
    return folder / "digest.toml", issue


def live_a_day(file, issue):
    """Five open it, two of them click; one more click is a scanner's; one leaves, one bounces."""
    later = NOW + timedelta(hours=3)
    with open_app(file) as app, app.database.transaction():
        copies = [find_copy(app.database, issue.id, person) for person in range(1, 20)]
        for copy in copies[:5]:
            count_opening(app.database, copy, is_sure=True, now=later)
        for copy in copies[5:8]:
            count_opening(app.database, copy, is_sure=False, now=later)
        for copy, place in ((copies[0], 2), (copies[1], 2), (copies[1], 1)):
            count_click(app.database, copy, place, is_machine=False, now=later)
        count_click(app.database, copies[9], 3, is_machine=True, now=later)
        facts = {"edition": issue.edition.isoformat(), "reason": "user unknown"}
        bounced = Event(kind=EventKind.BOUNCED, happened_at=later, newsletter=issue.newsletter, facts=facts)
        record_event(app.database, 12, bounced)
        known = get_subscriber(app.database, "r12@example.com")
        let_leave(app.database, known, state=SubscriberState.UNSUBSCRIBED, now=later, cause="one click")


@pytest.fixture
def counted(tmp_path):
    file, issue = make(tmp_path, *COUNTING)
    live_a_day(file, issue)
    return file


def test_json_tells_everything(counted):
    told = digest("issues", "stats", MONDAY, "--json", config=counted).json
    links = told["clicks"].pop("links")
    assert told == {
        "newsletter": "weekly",
        "edition": "2026-03-02",
        "state": "sent",
        "sent": 19,
        "failed": 1,
        "uncertain": 0,
        "came_back": {"bounced": 1, "soft": 0, "blocked": 0},
        "delivered": 18,
        "complained": 0,
        "left": 1,
        "opens": {"people": 5, "prefetched": 3, "share": 0.2778},
        "clicks": {"people": 2, "machines": 1, "share": 0.1111, "click_to_open": 0.4},
    }
    assert links[1] == {
        "place": 2,
        "article": "2",
        "title": "2번째 소식: 다리 위 보행로가 넓어졌다",
        "url": "https://hanbit.example/articles/2",
        "people": 2,
        "machines": 0,
    }
    assert [(link["people"], link["machines"]) for link in links] == [(1, 0), (2, 0), (0, 1), (0, 0)]
    assert digest("issues", "stats", "--json", config=counted).json[0]["opens"] == told["opens"]


def test_an_issue_fits_a_terminal_with_hangul(counted):
    shown = digest_on_terminal("--config", counted, "issues", "stats", MONDAY)
    assert shown.code == 0
    lines = [line for line in shown.out.split("\n") if "\x1b" not in line]
    assert max(map(display_width, lines)) <= 80
    assert any(line.startswith("opened") and "5" in line and "27.8%" in line and "▒▒▒▒▒▒▒" in line for line in lines)
    assert any(line.lstrip().startswith("2") and "█" * 12 in line and "2번째 소식" in line for line in lines)
    assert "Of those who opened it, 40.0% clicked." in lines


def test_issues_side_by_side_fit_a_terminal(counted):
    shown = digest_on_terminal("--config", counted, "issues", "stats")
    lines = [line for line in shown.out.split("\n") if "\x1b" not in line]
    assert max(map(display_width, lines)) <= 80
    assert any(
        line.startswith("2026-03-02") and "27.8%" in line and "11.1%" in line and "█" * 10 + "▒" * 16 in line
        for line in lines
    )


def test_where_nothing_was_counted_it_says_so(tmp_path):
    file, _ = make(tmp_path)
    said = digest("issues", "stats", MONDAY, config=file).out
    assert "Not counted: count_opens and count_clicks were off when it was published." in said
    assert {"sent", "failed", "left"} <= {*said.split()}
    assert "opened" not in said
    told = digest("issues", "stats", MONDAY, "--json", config=file).json
    assert (told["sent"], told["opens"], told["clicks"]) == (19, None, None)
    assert "– not counted" in digest("issues", "stats", config=file).out


def test_an_issue_from_before_there_was_counting_is_not_counted(tmp_path):
    file, issue = make(tmp_path, *COUNTING)
    with open_app(file) as app:
        app.database.execute(
            """UPDATE issue SET frozen = json_remove(frozen, '$.newsletter.count_opens', '$.newsletter.count_clicks')
            WHERE id = ?""",
            (issue.id,),
        )
    told = digest("issues", "stats", MONDAY, "--json", config=file).json
    assert (told["opens"], told["clicks"]) == (None, None)


@pytest.mark.parametrize(("line", "what"), [(COUNTING[0], "count_clicks"), (COUNTING[1], "count_opens")])
def test_what_is_off_alone_is_named(tmp_path, line, what):
    file, _ = make(tmp_path, line)
    assert f"Not counted: {what} was off when it was published." in digest("issues", "stats", MONDAY, config=file).out


def test_who_left_after_the_next_issue_left_that_one(tmp_path):
    file, _ = make(tmp_path, *COUNTING)
    with open_app(file) as app:
        app.database.execute(
            """INSERT INTO issue (newsletter, edition, origin, state, scheduled_at, deadline, started_at, frozen_at)
            SELECT 'weekly', '2026-03-09', origin, state, 0, 0, started_at + 604800, frozen_at + 604800 FROM issue"""
        )
        with app.database.transaction():
            for name, days in (("r00", 3), ("r01", 8)):
                known = get_subscriber(app.database, f"{name}@example.com")
                now = NOW + timedelta(days=days)
                let_leave(app.database, known, state=SubscriberState.UNSUBSCRIBED, now=now, cause="page")
    told = {each["edition"]: each["left"] for each in digest("issues", "stats", "--json", config=file).json}
    assert told == {"2026-03-02": 1, "2026-03-09": 0}  # r01 never got the second one


def test_an_erased_person_stays_in_every_figure_and_a_reader_who_is_erased_has_left(counted):
    before = digest("issues", "stats", MONDAY, "--json", config=counted).json
    assert (before["left"], before["came_back"]["bounced"], before["opens"]["people"]) == (1, 1, 5)
    for name in ("r00", "r11", "r12", "r19"):  # opened and clicked, bounced, left, never got it
        assert digest("subscribers", "erase", f"{name}@example.com", "--yes", config=counted).code == 0
    after = digest("issues", "stats", MONDAY, "--json", config=counted).json
    assert after == before | {"left": 3}  # r00 and r11 left by being erased


def test_nothing_sent_yet_is_said(tmp_path):
    with open_workspace(tmp_path):
        pass
    file = tmp_path / "digest.toml"
    assert digest("issues", "stats", config=file).out == "Nothing was sent yet\n"
    assert digest("issues", "stats", "--json", config=file).json == []
    missing = digest("issues", "stats", MONDAY, config=file)
    assert (missing.code, "has no issue of 2026-03-02" in missing.err) == (1, True)


def test_a_persons_history_and_data_tell_what_is_kept_of_their_reading(counted):
    told = digest("subscribers", "history", "r00@example.com", config=counted).out
    assert "2026-03-02 12:00  weekly 2026-03-02  was opened\n" in told
    assert "2026-03-02 12:00  weekly 2026-03-02  had a link followed\n" in told
    told = digest("subscribers", "history", "r05@example.com", config=counted).out
    assert "weekly 2026-03-02  had its pictures loaded, perhaps by a program\n" in told
    with open_app(counted) as app:
        (read,) = read_personal_data(app.database, get_subscriber(app.database, "r00@example.com"))["read"]
    later = (NOW + timedelta(hours=3)).isoformat()
    assert read == {"newsletter": "weekly", "edition": "2026-03-02", "opened": later, "clicked": later}

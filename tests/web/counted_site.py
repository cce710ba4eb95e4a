"""A site that counts, with an issue that was really sent: its links are those of the mails that arrived."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default as default_policy
from pathlib import Path
from threading import Event
from typing import Any

from public_site import PublicSite, make_workspace, run_public, wait_until

from digest.schedule import occurrence_on
from digest.store.issue_links import list_clicks
from digest.store.readings import ReadingSums, read_sums
from digest.store.subscribers import get_subscriber
from digest.testing import RecordingServer
from digest.tick import Observer, begin_edition
from workspaces import EDITION

COUNTING = "count_opens = true\ncount_clicks = true\n"
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"
ISSUE = 1


def make_counting(folder: Path, mail: RecordingServer, *, readers: int, keys: str = COUNTING, **web: Any) -> Path:
    """The workspace of readers' pages, whose weekly counts."""
    file = make_workspace(folder, mail, readers=readers, **web)
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('slug = "weekly"\n', f'slug = "weekly"\n{keys}'), encoding="utf-8")
    return file


class CountedSite:
    """A running site, and what it has counted."""

    def __init__(self, site: PublicSite) -> None:
        self.site = site

    def send(self) -> None:
        """Send the weekly of the week as a person does."""
        with self.site.open() as app:
            newsletter = app.settings.newsletter("weekly")
            occurrence = occurrence_on(newsletter.due, EDITION, app.settings.timezone_of(newsletter))
            begin_edition(app, newsletter, occurrence, origin="manual", stop=Event(), observer=Observer())

    def let_time_pass(self, seconds: float = 3600) -> None:
        """As if the mails had been handed over so long ago."""
        with self.site.open() as app:
            app.database.execute("UPDATE delivery SET updated_at = updated_at - ?", (int(seconds),))

    def html_to(self, address: str) -> str:
        message = next(m for m in self.site.mail.messages if m.rcpt_tos == [address])
        part = message_from_bytes(message.content, policy=default_policy).get_body(("html",))
        return part.get_content()

    def links_to(self, address: str) -> list[str]:
        """The paths of the counted links of a mail, in order, each once."""
        found = re.findall(r'href="https://hanbit\.example(/digest/c/[^"]+)"', self.html_to(address))
        return list(dict.fromkeys(found))

    def pixel_to(self, address: str) -> str:
        return re.search(r'src="https://hanbit\.example(/digest/o/[^"]+)"', self.html_to(address))[1]

    def get(self, path: str, agent: str = BROWSER, **headers: str) -> Any:
        return self.site.ask(path, user_agent=agent, **headers)

    def reading(self, address: str) -> set[str]:
        """What is known of one person's copy."""
        with self.site.open() as app:
            person = get_subscriber(app.database, address)
            row = app.database.row("SELECT * FROM reading WHERE subscriber_id = ?", (person.id,))
        kinds = ("opened", "prefetched", "clicked", "machine")
        return {kind for kind in kinds if row is not None and row[f"{kind}_at"] is not None}

    def clicks(self) -> dict[int, tuple[int, int]]:
        """People and machines by link, where there are any."""
        with self.site.open() as app:
            found = list_clicks(app.database, ISSUE)
        return {each.link.place: (each.people, each.machines) for each in found if each.people or each.machines}

    def sums(self) -> ReadingSums:
        with self.site.open() as app:
            return read_sums(app.database, ISSUE)

    def wait_for(self, address: str, *kinds: str) -> None:
        wait_until(lambda: self.reading(address) == set(kinds))

    def settle(self) -> None:
        """Until all that was asked is counted: reader and writer work in order, and this comes behind what waits."""
        self.site.ask("/digest/unsubscribe/nobody")
        self.site.post("/digest/unsubscribe/nobody")


@contextmanager
def run_counted(file: Path, mail: RecordingServer) -> Iterator[CountedSite]:
    """The pages of a workspace, with the weekly sent an hour ago."""
    with run_public(file, mail) as running:
        counted = CountedSite(running)
        counted.send()
        counted.let_time_pass()
        yield counted

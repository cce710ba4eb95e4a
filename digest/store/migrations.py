"""The tables, as steps that are applied once each. A step that was released is never edited: add another.

Conventions: STRICT tables; times are unix seconds in UTC; dates are ISO text in the site's or newsletter's timezone;
lists are JSON text.
"""

import sqlite3

import sqlite_utils
from sqlite_utils.migrations import Migrations

from digest.store.audience_tables import AUDIENCE_TABLES
from digest.store.counting_tables import COUNTING_TABLES

migrations = Migrations("digest")

_ARTICLES = """
CREATE TABLE article (
  id TEXT PRIMARY KEY,
  url TEXT NOT NULL,
  title TEXT NOT NULL CHECK (title <> ''),
  published_at INTEGER NOT NULL,
  subheads TEXT NOT NULL DEFAULT '[]',
  excerpt TEXT NOT NULL DEFAULT '',
  image TEXT NOT NULL DEFAULT '',
  image_caption TEXT NOT NULL DEFAULT '',
  image_width INTEGER,
  image_height INTEGER,
  section TEXT NOT NULL DEFAULT '',
  section_name TEXT NOT NULL DEFAULT '',
  author TEXT NOT NULL DEFAULT '',
  source TEXT NOT NULL DEFAULT '',
  language TEXT NOT NULL DEFAULT '',
  read_at INTEGER NOT NULL             -- the last reading that contained it
) STRICT;
CREATE INDEX article_published_at ON article (published_at);

-- Views may arrive before their articles, so none of these three refers to article.
CREATE TABLE dated_count (
  date TEXT NOT NULL,
  article_id TEXT NOT NULL,
  views INTEGER NOT NULL CHECK (views >= 0),
  PRIMARY KEY (date, article_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE view_event (
  viewed_at INTEGER NOT NULL,
  article_id TEXT NOT NULL,
  views INTEGER NOT NULL CHECK (views > 0),  -- views within that second
  PRIMARY KEY (viewed_at, article_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE running_total (
  article_id TEXT NOT NULL,
  taken_at INTEGER NOT NULL,
  total INTEGER NOT NULL CHECK (total >= 0),
  PRIMARY KEY (article_id, taken_at)
) STRICT, WITHOUT ROWID;

-- What the editor wants of the next issue of a newsletter. A pin is used up by the issue that shows it.
CREATE TABLE editor_decision (
  newsletter TEXT NOT NULL,
  article_id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('pin', 'exclude')),
  position INTEGER NOT NULL DEFAULT 0,
  decided_at INTEGER NOT NULL,
  PRIMARY KEY (newsletter, article_id)
) STRICT, WITHOUT ROWID;
"""

_SUBSCRIBERS = """
CREATE TABLE subscriber (
  id INTEGER PRIMARY KEY AUTOINCREMENT,   -- never used twice: links and Message-IDs are made from it
  address TEXT NOT NULL UNIQUE COLLATE NOCASE,  -- Kim@ and kim@ are one mailbox in practice
  name TEXT NOT NULL DEFAULT '',
  locale TEXT NOT NULL DEFAULT '',
  timezone TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL CHECK (state IN ('pending', 'active', 'unsubscribed', 'bounced', 'complained')),
  created_at INTEGER NOT NULL,
  consent_source TEXT NOT NULL DEFAULT '',
  consent_at INTEGER,
  left_at INTEGER
) STRICT;
CREATE INDEX subscriber_state ON subscriber (state);

CREATE TABLE subscription (
  newsletter TEXT NOT NULL,
  subscriber_id INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
  sections TEXT NOT NULL DEFAULT '[]',
  PRIMARY KEY (newsletter, subscriber_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX subscription_subscriber ON subscription (subscriber_id);

-- Newsletters a person gave up while staying with others: no import brings them back.
CREATE TABLE given_up (
  newsletter TEXT NOT NULL,
  subscriber_id INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
  given_up_at INTEGER NOT NULL,
  PRIMARY KEY (subscriber_id, newsletter)
) STRICT, WITHOUT ROWID;

CREATE TABLE suppression (
  address_hash BLOB PRIMARY KEY,          -- HMAC-SHA-256 of the address under the workspace's key
  reason TEXT NOT NULL,
  suppressed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE secret (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
"""

_ISSUES = """
CREATE TABLE issue (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  newsletter TEXT NOT NULL,
  edition TEXT NOT NULL,
  origin TEXT NOT NULL CHECK (origin IN ('schedule', 'manual')),
  state TEXT NOT NULL CHECK (state IN ('sending', 'paused', 'sent', 'skipped', 'cancelled', 'failed')),
  reason TEXT NOT NULL DEFAULT '',
  scheduled_at INTEGER NOT NULL,
  deadline INTEGER NOT NULL,              -- after this moment nothing of it is sent any more
  owner TEXT NOT NULL DEFAULT '',
  boot_id TEXT NOT NULL DEFAULT '',
  lease_until REAL NOT NULL DEFAULT 0,    -- seconds of the boot clock
  fence INTEGER NOT NULL DEFAULT 0,       -- grows with every claim; a holder with an older one has lost it
  resume_at INTEGER,                      -- when the next deferred delivery is due
  started_at INTEGER NOT NULL,
  frozen_at INTEGER,
  finished_at INTEGER,
  frozen TEXT NOT NULL DEFAULT '{}',      -- window, settings, template and what was ranked, as JSON
  UNIQUE (newsletter, edition)
) STRICT;

-- The candidates near the top of a frozen issue, in ranking order after the shown ones.
CREATE TABLE issue_choice (
  issue_id INTEGER NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
  place INTEGER NOT NULL,
  article_id TEXT NOT NULL,
  position INTEGER,
  choice TEXT NOT NULL,                   -- article, views, rank and reasons, as JSON
  PRIMARY KEY (issue_id, place)
) STRICT, WITHOUT ROWID;

-- What one group of readers gets: a language and a choice of sections.
CREATE TABLE issue_variant (
  issue_id INTEGER NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
  variant TEXT NOT NULL,
  article_ids TEXT NOT NULL,
  subject TEXT NOT NULL,
  preheader TEXT NOT NULL,
  html TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (issue_id, variant)
) STRICT, WITHOUT ROWID;

CREATE TABLE delivery (
  id INTEGER PRIMARY KEY,
  issue_id INTEGER NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
  subscriber_id INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
  variant TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN
    ('queued', 'claimed', 'wire', 'sent', 'deferred', 'failed', 'uncertain', 'cancelled')),
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER,
  code INTEGER,
  reply TEXT NOT NULL DEFAULT '',
  updated_at INTEGER NOT NULL,
  UNIQUE (issue_id, subscriber_id)
) STRICT;
CREATE INDEX delivery_state ON delivery (issue_id, state, next_at);
CREATE INDEX delivery_subscriber ON delivery (subscriber_id);
"""

# A CHECK cannot be altered, so the table is made anew, the way SQLite documents it (lang_altertable, section 7):
# foreign keys are off while migrations run, so that dropping the old table takes nothing with it.
_HELD_ISSUES = """
CREATE TABLE new_issue (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  newsletter TEXT NOT NULL,
  edition TEXT NOT NULL,
  origin TEXT NOT NULL CHECK (origin IN ('schedule', 'manual')),
  state TEXT NOT NULL CHECK (state IN ('sending', 'paused', 'held', 'sent', 'skipped', 'cancelled', 'failed')),
  reason TEXT NOT NULL DEFAULT '',
  scheduled_at INTEGER NOT NULL,
  deadline INTEGER NOT NULL,
  owner TEXT NOT NULL DEFAULT '',
  boot_id TEXT NOT NULL DEFAULT '',
  lease_until REAL NOT NULL DEFAULT 0,
  fence INTEGER NOT NULL DEFAULT 0,
  resume_at INTEGER,
  started_at INTEGER NOT NULL,
  frozen_at INTEGER,
  finished_at INTEGER,
  frozen TEXT NOT NULL DEFAULT '{}',
  UNIQUE (newsletter, edition)
) STRICT;
INSERT INTO new_issue SELECT id, newsletter, edition, origin, state, reason, scheduled_at, deadline, owner, boot_id,
  lease_until, fence, resume_at, started_at, frozen_at, finished_at, frozen FROM issue;
-- An id is never used twice: links and Message-IDs are made from it.
DELETE FROM sqlite_sequence WHERE name = 'new_issue';
INSERT INTO sqlite_sequence SELECT 'new_issue', seq FROM sqlite_sequence WHERE name = 'issue';
DROP TABLE issue;
ALTER TABLE new_issue RENAME TO issue;

-- What the editor wrote for one edition, instead of what the settings say.
CREATE TABLE edition_words (
  newsletter TEXT NOT NULL,
  edition TEXT NOT NULL,
  subject TEXT,
  intro TEXT,                             -- Markdown
  written_at INTEGER NOT NULL,
  PRIMARY KEY (newsletter, edition)
) STRICT, WITHOUT ROWID;

-- Pictures as they were read: their size, or why they cannot be shown.
CREATE TABLE image (
  url TEXT PRIMARY KEY,
  width INTEGER,
  height INTEGER,
  type TEXT NOT NULL DEFAULT '',
  content BLOB,                           -- for the preview, which loads nothing
  problem TEXT NOT NULL DEFAULT '',
  read_at INTEGER NOT NULL
) STRICT;
"""

_PAGES = """
-- An issue rendered once for all readers of one language, with marks where it is cut into what each of them gets.
CREATE TABLE issue_page (
  issue_id INTEGER NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
  locale TEXT NOT NULL,
  article_ids TEXT NOT NULL,              -- in the page's order: the indices in variant keys count from 0 in it
  html TEXT NOT NULL,
  text TEXT NOT NULL,
  words TEXT NOT NULL,                    -- numbers and dates in its language, as JSON
  PRIMARY KEY (issue_id, locale)
) STRICT, WITHOUT ROWID;
"""

# Each message changed a large index three times: from queued to claimed, wire and sent, each at another end of it.
# For `IN` with more than two words SQLite fills a table whenever it asks; here that took half of a commit's time.
_LEDGER_FOR_SPEED = """
CREATE TABLE new_delivery (
  id INTEGER PRIMARY KEY,
  issue_id INTEGER NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
  subscriber_id INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
  variant TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state = 'queued' OR state = 'claimed' OR state = 'wire' OR state = 'sent'
    OR state = 'deferred' OR state = 'failed' OR state = 'uncertain' OR state = 'cancelled'),
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER,
  code INTEGER,
  reply TEXT NOT NULL DEFAULT '',
  updated_at INTEGER NOT NULL,
  UNIQUE (issue_id, subscriber_id)
) STRICT;
INSERT INTO new_delivery SELECT id, issue_id, subscriber_id, variant, state, attempts, next_at, code, reply, updated_at
  FROM delivery;
DROP TABLE delivery;
ALTER TABLE new_delivery RENAME TO delivery;
CREATE INDEX delivery_subscriber ON delivery (subscriber_id);
CREATE INDEX delivery_waiting ON delivery (issue_id, state, next_at) WHERE (state = 'queued' OR state = 'deferred');
CREATE INDEX delivery_in_flight ON delivery (issue_id) WHERE (state = 'claimed' OR state = 'wire');
CREATE INDEX delivery_unsent ON delivery (issue_id, state)
  WHERE (state = 'failed' OR state = 'uncertain' OR state = 'cancelled');
"""


@migrations()
def m001_articles_and_views(database: sqlite_utils.Database) -> None:
    """Articles, their views in three shapes, and the editor's decisions."""
    _run(database, _ARTICLES)


@migrations()
def m002_subscribers(database: sqlite_utils.Database) -> None:
    """Subscribers, subscriptions, suppression and secrets."""
    _run(database, _SUBSCRIBERS)


@migrations()
def m003_issues_and_ledger(database: sqlite_utils.Database) -> None:
    """Issues, their contents and the ledger."""
    _run(database, _ISSUES)


@migrations()
def m004_held_issues_words_and_images(database: sqlite_utils.Database) -> None:
    """Issues that the check holds, the editor's words for an edition, and pictures as they were read."""
    _run(database, _HELD_ISSUES)


@migrations()
def m005_pages(database: sqlite_utils.Database) -> None:
    """Pages that hold the articles of every group of readers; variants rendered before keep their own contents."""
    _run(database, _PAGES)


@migrations()
def m006_ledger_for_speed(database: sqlite_utils.Database) -> None:
    """The ledger with indexes that leave out the rows that were sent."""
    _run(database, _LEDGER_FOR_SPEED)


@migrations()
def m007_audience(database: sqlite_utils.Database) -> None:
    """What happened to people, their tags, what they asked for, and what came back by mail."""
    _run(database, AUDIENCE_TABLES)


@migrations()
def m008_counting(database: sqlite_utils.Database) -> None:
    """Opens and clicks: links, readings, their sums."""
    _run(database, COUNTING_TABLES)


def _run(database: sqlite_utils.Database, script: str) -> None:
    """Run a script inside the open transaction; `executescript` would commit it first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            database.conn.execute(statement)
            statement = ""

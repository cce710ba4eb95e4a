"""The tables of the audience: what happened to people, what they asked for, and what came back by mail."""

AUDIENCE_TABLES = """
ALTER TABLE subscriber ADD COLUMN paused_until INTEGER;          -- gets nothing until then; NULL: not paused
ALTER TABLE subscriber ADD COLUMN consent_wording TEXT NOT NULL DEFAULT '';  -- the version of the words agreed to
ALTER TABLE subscriber ADD COLUMN soft_bounces INTEGER NOT NULL DEFAULT 0;   -- in a row; a success clears them
ALTER TABLE subscriber ADD COLUMN soft_since INTEGER;            -- when the first of those issues was sent

CREATE TABLE subscriber_tag (
  subscriber_id INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
  tag TEXT NOT NULL CHECK (tag <> ''),
  PRIMARY KEY (subscriber_id, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX subscriber_tag_tag ON subscriber_tag (tag);

CREATE TABLE saved_filter (
  name TEXT PRIMARY KEY,
  expression TEXT NOT NULL,
  saved_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What happened to people. Of one who was erased, only what happened and when is left, so that growth still adds up.
CREATE TABLE subscriber_event (
  id INTEGER PRIMARY KEY,
  subscriber_id INTEGER REFERENCES subscriber (id) ON DELETE SET NULL,
  happened_at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  newsletter TEXT NOT NULL DEFAULT '',      -- '' for all of them
  facts TEXT NOT NULL DEFAULT '{}'          -- names and values, as JSON
) STRICT;
CREATE INDEX subscriber_event_subscriber ON subscriber_event (subscriber_id) WHERE subscriber_id IS NOT NULL;
CREATE INDEX subscriber_event_happened_at ON subscriber_event (happened_at);
CREATE INDEX subscriber_event_blocked ON subscriber_event (happened_at) WHERE kind = 'blocked';  -- asked each minute
INSERT INTO subscriber_event (subscriber_id, happened_at, kind, facts)
  SELECT id, created_at, 'added', iif(state = 'pending', json_object('cause', consent_source, 'state', state),
    json_object('cause', consent_source)) FROM subscriber ORDER BY id;
INSERT INTO subscriber_event (subscriber_id, happened_at, kind)
  SELECT id, left_at, state FROM subscriber WHERE left_at IS NOT NULL ORDER BY id;

-- Deliveries of people who were erased, counted: an issue's figures stay what they were.
CREATE TABLE erased_delivery (
  issue_id INTEGER NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
  state TEXT NOT NULL,
  deliveries INTEGER NOT NULL,
  PRIMARY KEY (issue_id, state)
) STRICT, WITHOUT ROWID;

-- Keys that sign links, beside the workspace's own; the newest signs, all of them are believed.
CREATE TABLE link_key (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  value BLOB NOT NULL UNIQUE,
  made_at INTEGER NOT NULL
) STRICT;

-- What somebody asked for on a page and has to confirm by a link in a mail.
CREATE TABLE confirmation (
  id INTEGER PRIMARY KEY AUTOINCREMENT,     -- never used twice: links are made from it
  subscriber_id INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('subscribe', 'address')),
  wishes TEXT NOT NULL,                     -- newsletters, locale, the new address, as JSON
  consent TEXT NOT NULL DEFAULT '{}',       -- from where, and in which words, as JSON
  asked_at INTEGER NOT NULL,
  confirmed_at INTEGER
) STRICT;
CREATE INDEX confirmation_subscriber ON confirmation (subscriber_id);
CREATE INDEX confirmation_asked_at ON confirmation (asked_at);

-- The words people agreed to, by a hash of them: what was consented to can be shown years later.
CREATE TABLE consent_wording (
  version TEXT PRIMARY KEY,
  words TEXT NOT NULL,
  first_shown_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Mail to one person outside of any issue. States as in delivery.
CREATE TABLE notice (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  subscriber_id INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
  confirmation_id INTEGER REFERENCES confirmation (id) ON DELETE CASCADE,
  address TEXT NOT NULL,
  locale TEXT NOT NULL DEFAULT '',
  newsletter TEXT NOT NULL,                 -- in whose name it goes
  state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'wire', 'sent', 'deferred', 'failed', 'uncertain')),
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER NOT NULL,                 -- not before this moment
  boot_id TEXT NOT NULL DEFAULT '',         -- with wire_since, of the boot clock: when it went onto the wire
  wire_since REAL NOT NULL DEFAULT 0,
  reply TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX notice_open ON notice (next_at) WHERE state IN ('queued', 'wire', 'deferred');
CREATE INDEX notice_address ON notice (address, created_at);
CREATE INDEX notice_subscriber ON notice (subscriber_id);

-- Messages that came in and were acted upon, by the hash of what does not change on their way: none counts twice.
CREATE TABLE inbound_message (
  digest BLOB PRIMARY KEY,
  processed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How far a mailbox has been read: UIDs of an IMAP folder (RFC 3501 2.3.1.1), bytes of a file.
CREATE TABLE inbound_position (
  mailbox TEXT PRIMARY KEY,
  uid_validity INTEGER NOT NULL,
  last_uid INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What the operator was told of by mail, and when, so that one day brings one mail about it.
CREATE TABLE operator_told (
  subject TEXT PRIMARY KEY,
  told_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""

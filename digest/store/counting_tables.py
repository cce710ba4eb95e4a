"""Tables of opens and clicks: one step of the migrations."""

COUNTING_TABLES = """
-- Links of a frozen issue whose clicks are counted, and how many were: of each reader once a day.
CREATE TABLE issue_link (
  issue_id INTEGER NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
  place INTEGER NOT NULL CHECK (place > 0),  -- its number in the addresses that stand in mails
  article_id TEXT NOT NULL,
  url TEXT NOT NULL,                        -- where it leads; nothing else can make it lead elsewhere
  people INTEGER NOT NULL DEFAULT 0,
  machines INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (issue_id, place)
) STRICT, WITHOUT ROWID;

-- What one person, or a program in their name, did with their copy of an issue; the first time of each.
CREATE TABLE reading (
  issue_id INTEGER NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
  subscriber_id INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
  opened_at INTEGER,                        -- by the person
  prefetched_at INTEGER,                    -- its pictures were loaded, perhaps by a program alone
  clicked_at INTEGER,                       -- by the person
  machine_at INTEGER,                       -- a program followed links
  PRIMARY KEY (issue_id, subscriber_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX reading_subscriber ON reading (subscriber_id);

-- The same as sums, which outlive the rows above: people of each kind.
CREATE TABLE issue_reading (
  issue_id INTEGER PRIMARY KEY REFERENCES issue (id) ON DELETE CASCADE,
  opened INTEGER NOT NULL DEFAULT 0,        -- opened or clicked
  prefetched INTEGER NOT NULL DEFAULT 0,    -- nothing but prefetched
  clicked INTEGER NOT NULL DEFAULT 0,
  machines INTEGER NOT NULL DEFAULT 0       -- nothing but a program's clicks
) STRICT;

-- Clicks of the last day: programs show by how many links they follow at once. What a person read is kept no longer.
CREATE TABLE recent_click (
  issue_id INTEGER NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
  subscriber_id INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
  place INTEGER NOT NULL,
  is_machine INTEGER NOT NULL CHECK (is_machine IN (0, 1)),
  clicked_at INTEGER NOT NULL,
  PRIMARY KEY (issue_id, subscriber_id, place, is_machine)
) STRICT, WITHOUT ROWID;
CREATE INDEX recent_click_subscriber ON recent_click (subscriber_id);
"""

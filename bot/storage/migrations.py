"""The database schema as migration steps. Steps are only ever added; their names and SQL never change.

Every table and column has a comment, stored with the schema, that says what it holds. Times are UTC as ISO-8601 text
with milliseconds (``2026-03-02T11:49:20.921Z``), so that the text sorts by time.
"""

from __future__ import annotations

from contextlib import closing

from bot.storage.sqlite_utils_lite import Database, Migrations

steps = Migrations("brownout")

_INITIAL_SQL = """
CREATE TABLE sources (
  id TEXT PRIMARY KEY,            -- the source, as the catalogue calls it
  provider TEXT NOT NULL,
  looked_at TEXT,                 -- the last look, usable or not
  seen_at TEXT,                   -- the last usable look
  body_hash TEXT,                 -- SHA-256 of the last usable body
  host TEXT                       -- who answered last
);
CREATE TABLE bodies (
  hash TEXT PRIMARY KEY,          -- SHA-256 of the bytes
  body BLOB NOT NULL,             -- the bytes, zlib-compressed, once per hash
  size INTEGER NOT NULL           -- before compression
);
CREATE TABLE observations (
  id INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  outcome TEXT NOT NULL,          -- changed, same, or why there was no usable page
  why TEXT NOT NULL DEFAULT '',
  first_at TEXT NOT NULL,         -- looks in a row with the same outcome share a row
  last_at TEXT NOT NULL,
  looks INTEGER NOT NULL DEFAULT 1,
  took_ms REAL,                   -- the last of them
  body_hash TEXT REFERENCES bodies(hash)
);
CREATE INDEX observations_by_source ON observations (source, id);
CREATE TABLE incidents (
  source TEXT NOT NULL,
  id TEXT NOT NULL,               -- the vendor's id: the only key
  provider TEXT NOT NULL,
  name TEXT NOT NULL,
  stage TEXT NOT NULL,
  impact TEXT NOT NULL,
  posted_at TEXT NOT NULL,        -- the vendor's first post, by its own clock
  seen_at TEXT NOT NULL,          -- when we first saw it
  closed_at TEXT,                 -- when we saw it end
  ending TEXT,                    -- resolved, withdrawn, unrecorded
  surfaces TEXT NOT NULL,         -- JSON list of the surfaces it ever hit
  url TEXT,
  is_maintenance INTEGER NOT NULL,
  is_baseline INTEGER NOT NULL,   -- was already open at our first look
  is_retroactive INTEGER NOT NULL,-- was already over when we first saw it
  PRIMARY KEY (source, id)
);
CREATE INDEX incidents_by_provider ON incidents (provider, posted_at);
CREATE INDEX incidents_by_time ON incidents (posted_at);
CREATE INDEX incidents_by_id ON incidents (id);
CREATE TABLE updates (
  source TEXT NOT NULL,
  id TEXT NOT NULL,               -- the vendor's id
  version INTEGER NOT NULL,       -- 1 as first seen, more for every edit
  incident TEXT NOT NULL,
  stage TEXT NOT NULL,
  body TEXT NOT NULL,
  display_at TEXT NOT NULL,       -- the vendor's claim
  seen_at TEXT NOT NULL,          -- when we saw this version
  transitions TEXT,               -- JSON: component, old, new; NULL where the page said nothing
  PRIMARY KEY (source, id, version)
);
CREATE INDEX updates_by_incident ON updates (source, incident, display_at);
CREATE TABLE conditions (
  surface TEXT NOT NULL,
  since TEXT NOT NULL,
  until TEXT,                     -- NULL: now
  condition TEXT NOT NULL,
  inferred INTEGER NOT NULL,      -- only words support it
  PRIMARY KEY (surface, since)
);
CREATE UNIQUE INDEX conditions_now ON conditions (surface) WHERE until IS NULL;
CREATE TABLE verdicts (
  surface TEXT NOT NULL,
  since TEXT NOT NULL,
  until TEXT,                     -- NULL: now
  verdict TEXT NOT NULL,
  exposure REAL NOT NULL,         -- share of the normal retry load, as it was at the start
  reason TEXT NOT NULL,
  reason_code TEXT NOT NULL,
  incident TEXT,
  PRIMARY KEY (surface, since)
);
CREATE UNIQUE INDEX verdicts_now ON verdicts (surface) WHERE until IS NULL;
CREATE TABLE events (             -- the timeline: append-only
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  provider TEXT NOT NULL,
  incident TEXT,
  update_id TEXT,
  surface TEXT,
  condition TEXT,
  verdict TEXT,
  exposure REAL,
  stage TEXT,
  reason TEXT,
  reason_code TEXT,
  inferred INTEGER NOT NULL DEFAULT 0,
  text TEXT,                      -- the vendor's words
  before TEXT,                    -- the words that an edit replaced
  is_baseline INTEGER NOT NULL DEFAULT 0,
  happened_at TEXT,               -- the vendor's claim
  seen_at TEXT NOT NULL           -- when we knew
);
CREATE INDEX events_by_incident ON events (incident, id);
CREATE INDEX events_by_surface ON events (surface, id);
CREATE INDEX events_by_time ON events (provider, seen_at);
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_last BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TABLE subscriptions (
  channel TEXT NOT NULL,
  target TEXT NOT NULL,           -- a surface, or a provider for all of its surfaces
  minimum TEXT NOT NULL,          -- the condition from which on it is told
  created_by TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (channel, target)
);
CREATE TABLE alerts (             -- one message per incident and channel
  channel TEXT NOT NULL,
  incident TEXT NOT NULL,
  provider TEXT NOT NULL,
  ts TEXT,                        -- Slack's id of the message, once it is sent
  opened_at TEXT NOT NULL,
  PRIMARY KEY (channel, incident)
);
CREATE INDEX alerts_by_incident ON alerts (incident);
CREATE TABLE outbox (             -- what channels are owed; recorded before it is sent
  id INTEGER PRIMARY KEY,
  channel TEXT NOT NULL,
  key TEXT NOT NULL,              -- made from content: nothing is owed twice
  kind TEXT NOT NULL,             -- alert, edit, reply, notice
  incident TEXT NOT NULL,
  post TEXT NOT NULL,             -- JSON of what to say
  state TEXT NOT NULL,            -- waiting, sending (its fate is unknown until then), sent, superseded, parked
  attempts INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  due_at TEXT NOT NULL,           -- not before
  sent_at TEXT,
  ts TEXT,                        -- the receipt
  error TEXT,
  UNIQUE (channel, key)
);
CREATE INDEX outbox_due ON outbox (channel, id) WHERE state IN ('waiting', 'sending');
CREATE TABLE worlds (             -- what the rules remember of each provider, so that a restart goes on where it was
  provider TEXT PRIMARY KEY,
  saved_at TEXT NOT NULL,
  world TEXT NOT NULL             -- JSON
);
"""


@steps()
def the_first_house(db: Database) -> None:
    """The first tables: sources, incidents, events, conditions, verdicts, subscriptions, outbox, provider states."""
    _run_script(db, _INITIAL_SQL)


_FORECASTS_SQL = """
CREATE TABLE estimates (          -- the first estimate for an incident, as it was said, and what came of it
  incident TEXT PRIMARY KEY,
  provider TEXT NOT NULL,
  issued_at TEXT NOT NULL,
  elapsed_s REAL NOT NULL,        -- how long it had been bad when the estimate was made
  p50_s REAL NOT NULL,            -- half are over within so long from then on
  p80_s REAL NOT NULL,
  p90_s REAL NOT NULL,
  n INTEGER NOT NULL,             -- ended incidents of this provider behind it
  actual_s REAL                   -- what it took; NULL while it is bad
);
"""


@steps()
def forecasts_are_kept(db: Database) -> None:
    """The first estimate for each incident, to be graded when the incident has ended."""
    _run_script(db, _FORECASTS_SQL)


_USER_ACTIONS_SQL = """
ALTER TABLE events ADD COLUMN channel TEXT /* where it was said; only that channel may read it */;
CREATE TABLE affected (           -- who said "I'm affected", once each
  incident TEXT NOT NULL,
  surface TEXT NOT NULL,
  person TEXT NOT NULL,           -- the chat's id of them
  name TEXT NOT NULL,
  channel TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (incident, surface, person)
);
CREATE TABLE acks (               -- who takes care of it in a channel
  channel TEXT NOT NULL,
  incident TEXT NOT NULL,
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (channel, incident)
);
CREATE TABLE mutes (              -- what a channel wants to hear nothing of
  channel TEXT NOT NULL,
  target TEXT NOT NULL,           -- a surface, a provider, an incident, or all
  until TEXT,                     -- NULL: until the incident is over
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (channel, target)
);
ALTER TABLE subscriptions ADD COLUMN mention TEXT NOT NULL DEFAULT '' /* whom a complete outage rings */;
ALTER TABLE alerts ADD COLUMN rung_at TEXT /* when that mention was used, once per message */;
CREATE TABLE habits (             -- how a channel wants to be told
  channel TEXT PRIMARY KEY,
  maintenance INTEGER NOT NULL,   -- 1: maintenances too
  quiet_start TEXT,               -- time of day; NULL: no quiet hours
  quiet_end TEXT,
  zone TEXT NOT NULL              -- of the quiet hours, by its IANA name
);
CREATE TABLE withheld (           -- alerts that wait for a mute or for quiet hours to end
  channel TEXT NOT NULL,
  incident TEXT NOT NULL,
  provider TEXT NOT NULL,
  why TEXT NOT NULL,
  since TEXT NOT NULL,
  PRIMARY KEY (channel, incident)
);
CREATE TABLE reports (            -- what people say is broken, once each and surface, the newest
  surface TEXT NOT NULL,
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  channel TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (surface, person)
);
CREATE INDEX outbox_drawn ON outbox (channel, incident, id) WHERE kind IN ('alert', 'edit');
"""


@steps()
def people_take_part(db: Database) -> None:
    """Tables for what people do: acknowledgements, mutes, reports, "I'm affected", and channel preferences."""
    if "author" not in db["events"].columns_dict:
        db.execute("ALTER TABLE events ADD COLUMN author TEXT /* who said it, if one of our people */")
    _run_script(db, _USER_ACTIONS_SQL)


_ARCHIVE_SQL = """
ALTER TABLE incidents ADD COLUMN started_at TEXT /* the start that the vendor states */;
ALTER TABLE incidents ADD COLUMN backfilled INTEGER NOT NULL DEFAULT 0 /* 1: a history told it, we never saw it live */;
ALTER TABLE events ADD COLUMN about INTEGER REFERENCES events(id) /* the event that a correction corrects */;
CREATE INDEX incidents_by_post ON incidents (posted_at);
CREATE INDEX observations_by_time ON observations (source, last_at);
CREATE TABLE incident_surfaces (  -- incidents.surfaces, turned round; kept by triggers
  surface TEXT NOT NULL,
  posted_at TEXT NOT NULL,
  source TEXT NOT NULL,
  incident TEXT NOT NULL,
  PRIMARY KEY (surface, posted_at, source, incident)
) WITHOUT ROWID;
INSERT INTO incident_surfaces SELECT value, posted_at, source, incidents.id FROM incidents, json_each(surfaces);
CREATE TRIGGER incidents_hit AFTER INSERT ON incidents BEGIN
  INSERT INTO incident_surfaces SELECT value, new.posted_at, new.source, new.id FROM json_each(new.surfaces) WHERE true
  ON CONFLICT DO NOTHING; END;
CREATE TRIGGER incidents_widen AFTER UPDATE OF surfaces ON incidents BEGIN
  INSERT INTO incident_surfaces SELECT value, new.posted_at, new.source, new.id FROM json_each(new.surfaces) WHERE true
  ON CONFLICT DO NOTHING; END;
CREATE TABLE incident_components ( -- the page's components that an incident was linked to
  source TEXT NOT NULL,
  incident TEXT NOT NULL,
  component TEXT NOT NULL,        -- the vendor's id, or the name where it gives none
  name TEXT NOT NULL,
  PRIMARY KEY (source, incident, component)
) WITHOUT ROWID;
CREATE TABLE labels (             -- what people filed an incident under; each change is an event too
  incident TEXT NOT NULL,
  label TEXT NOT NULL,
  PRIMARY KEY (incident, label)
) WITHOUT ROWID;
CREATE TABLE backfills (          -- histories that were read in
  id INTEGER PRIMARY KEY,
  provider TEXT NOT NULL,
  origin TEXT NOT NULL,           -- SHA-256 of the file, or the page's address
  name TEXT NOT NULL,             -- of the file
  read_at TEXT NOT NULL,          -- the first time
  UNIQUE (provider, origin)
);
CREATE TABLE coverage (           -- the time that a history speaks for
  backfill INTEGER NOT NULL REFERENCES backfills(id),
  since TEXT NOT NULL,
  until TEXT NOT NULL,
  PRIMARY KEY (backfill, since)
) WITHOUT ROWID;
CREATE TABLE past_conditions (    -- conditions as a history tells them by our rules; what is not listed was operational
  surface TEXT NOT NULL,
  until TEXT NOT NULL,
  since TEXT NOT NULL,
  backfill INTEGER NOT NULL REFERENCES backfills(id),
  condition TEXT NOT NULL,
  inferred INTEGER NOT NULL,      -- only words support it
  PRIMARY KEY (surface, until, since, backfill)
) WITHOUT ROWID;
CREATE TABLE fetched (            -- own pages of incidents, kept while a page's history is walked, so that it can go on
  provider TEXT NOT NULL,
  incident TEXT NOT NULL,
  is_closed INTEGER NOT NULL,     -- an open one is asked for again
  body_hash TEXT REFERENCES bodies(hash), -- NULL: the page was gone
  PRIMARY KEY (provider, incident)
) WITHOUT ROWID;
CREATE VIRTUAL TABLE events_fts -- the search index: the words of events.text
USING FTS5 (
  text, tokenize='unicode61 remove_diacritics 2', content=events, content_rowid=id
);
INSERT INTO events_fts (events_fts) VALUES ('rebuild');
CREATE TRIGGER events_ai AFTER INSERT ON events BEGIN
  INSERT INTO events_fts (rowid, text) VALUES (new.id, new.text); END;
"""


@steps()
def the_archive(db: Database) -> None:
    """Years of history: backfills, full-text search, notes and labels, and the indexes for reliability figures."""
    _run_script(db, _ARCHIVE_SQL)


_PREFIX_SEARCH_SQL = """
DROP TRIGGER events_ai;
DROP TABLE events_fts;
CREATE VIRTUAL TABLE events_fts -- the search index: the words of events.text, and their beginnings of 3 and 4 letters
USING FTS5 (
  text, tokenize='unicode61 remove_diacritics 2', prefix='3 4', content=events, content_rowid=id
);
INSERT INTO events_fts (events_fts) VALUES ('rebuild');
CREATE TRIGGER events_ai AFTER INSERT ON events BEGIN
  INSERT INTO events_fts (rowid, text) VALUES (new.id, new.text); END;
"""


@steps()
def the_beginnings_of_words(db: Database) -> None:
    """A prefix index for the search, since a search by prefix took 60 ms on a million updates without it."""
    _run_script(db, _PREFIX_SEARCH_SQL)


@steps()
def bodies_can_be_found_by_looks(db: Database) -> None:
    """Indexes from a body to the polls that fetched it, so that old bodies are deleted quickly."""
    db.execute("CREATE INDEX observations_by_body ON observations (body_hash) WHERE body_hash IS NOT NULL")
    db.execute("CREATE INDEX fetched_by_body ON fetched (body_hash) WHERE body_hash IS NOT NULL")


_PAUSES_SQL = """
ALTER TABLE outbox ADD COLUMN left_at TEXT /* when it was last sent off, whatever came of it */;
ALTER TABLE outbox ADD COLUMN doubted_from TEXT /* since when its fate has been unknown */;
CREATE TABLE pauses (             -- channels that take nothing for now
  channel TEXT PRIMARY KEY,
  code TEXT NOT NULL,             -- the chat's reason
  remedy TEXT NOT NULL,           -- what people can do about it
  since TEXT NOT NULL,
  tried_at TEXT NOT NULL,         -- when it last refused a post
  is_on_trial INTEGER NOT NULL    -- 1: what it is owed is sent once more
);
"""


@steps()
def channels_can_be_paused(db: Database) -> None:
    """Pauses of channels that refuse notifications, and since when the delivery of a notification is in doubt."""
    _run_script(db, _PAUSES_SQL)


_DEDUPLICATION_SQL = """
CREATE TABLE heard (              -- what came from Slack and must not act twice
  key TEXT PRIMARY KEY,           -- an event's id, as Slack names it
  until TEXT NOT NULL             -- forgotten after
) WITHOUT ROWID;
CREATE INDEX heard_until ON heard (until);
"""


@steps()
def what_was_heard(db: Database) -> None:
    """Ids of the events from Slack that were handled, so that none is handled twice."""
    _run_script(db, _DEDUPLICATION_SQL)


_SCHEDULES_SQL = """
CREATE TABLE digests (            -- when a channel is told what has been
  channel TEXT PRIMARY KEY,
  at TEXT NOT NULL,               -- time of day
  zone TEXT NOT NULL,             -- of that, by its IANA name
  weekday INTEGER,                -- from Monday, 0; NULL: every day
  on_calm INTEGER NOT NULL,       -- 1: a line also where nothing broke
  done TEXT NOT NULL              -- the due time that was dealt with last; at first, when this was chosen
);
CREATE TABLE rooms (              -- somebody's direct messages with the bot
  person TEXT PRIMARY KEY,
  channel TEXT NOT NULL           -- the chat's id of them, which edits need
);
CREATE TABLE homes (              -- who looks at the bot's Home, which is kept up to date for a while
  person TEXT PRIMARY KEY,
  opened_at TEXT NOT NULL
);
"""


@steps()
def the_rounds(db: Database) -> None:
    """Digest schedules, direct message channels, and viewers of the Home tab."""
    _run_script(db, _SCHEDULES_SQL)


_API_TOKENS_SQL = """
CREATE TABLE tokens (             -- who may write by HTTP; never exported
  name TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,      -- SHA-256 of the secret, which is nowhere
  may TEXT NOT NULL,              -- outcomes, probes, reports: what it may write
  created_at TEXT NOT NULL,
  used_at TEXT                    -- the last time, to the hour
);
CREATE TABLE salts (              -- what pseudonyms are made with, so that nobody can be guessed; never exported
  id INTEGER PRIMARY KEY CHECK (id = 1),
  salt BLOB NOT NULL
);
"""


@steps()
def programs_may_write(db: Database) -> None:
    """API tokens of programs that send evidence over HTTP."""
    _run_script(db, _API_TOKENS_SQL)


_EVIDENCE_SQL = """
CREATE TABLE probe_results (      -- tries of surfaces, kept for two weeks
  surface TEXT NOT NULL,
  vantage TEXT NOT NULL,          -- from where
  at TEXT NOT NULL,
  ok INTEGER NOT NULL,
  ours INTEGER NOT NULL,          -- 1: the fault was ours, and says nothing about the surface
  why TEXT NOT NULL,
  status INTEGER,
  dns_ms REAL,
  connect_ms REAL,
  tls_ms REAL,
  first_byte_ms REAL,
  took_ms REAL,
  PRIMARY KEY (surface, vantage, at)
) WITHOUT ROWID;
CREATE INDEX probe_results_by_time ON probe_results (at);
CREATE TABLE outcomes (           -- how a team's own requests fared, kept for two weeks
  surface TEXT NOT NULL,
  client TEXT NOT NULL,           -- who counted
  since TEXT NOT NULL,
  until TEXT NOT NULL,
  ok INTEGER NOT NULL,
  errors TEXT NOT NULL,           -- JSON: failures by status, or timeout, connection
  p50_ms REAL,
  p95_ms REAL,
  PRIMARY KEY (surface, client, since, until)
) WITHOUT ROWID;
CREATE INDEX outcomes_by_time ON outcomes (until);
ALTER TABLE incidents ADD COLUMN own TEXT /* unposted or suspected: an incident of ours */;
ALTER TABLE incidents ADD COLUMN suspicions TEXT NOT NULL DEFAULT '[]' /* JSON list of ours that it took over */;
ALTER TABLE incidents ADD COLUMN lead_s REAL /* how long we had told of it before the page did */;
ALTER TABLE incidents ADD COLUMN joined TEXT /* of a suspicion: the incident that took it over */;
"""


@steps()
def what_others_see(db: Database) -> None:
    """Probe results, request outcomes, and suspected incidents."""
    _run_script(db, _EVIDENCE_SQL)


@steps()
def what_is_parked_is_counted(db: Database) -> None:
    """An index that counts parked notifications, for the metrics, which are read every few seconds."""
    db.execute("CREATE INDEX outbox_parked ON outbox (id) WHERE state = 'parked'")


_FORMS = """
CREATE TABLE stored_forms (       -- which form the stored JSON has; a newer one than a version knows is refused
  name TEXT PRIMARY KEY,          -- worlds (worlds.world), posts (outbox.post)
  form INTEGER NOT NULL CHECK (typeof(form) = 'integer' AND form > 0)
);
INSERT INTO stored_forms (name, form) VALUES ('worlds', 1), ('posts', 1);
"""


@steps()
def stored_json_has_a_form_number(db: Database) -> None:
    """Form numbers of stored JSON; everything written before this step is of form 1."""
    _run_script(db, _FORMS)


_ORDER = """
ALTER TABLE outbox ADD COLUMN rank INTEGER NOT NULL DEFAULT 5 /* 0 is sent first: see bot/storage/delivery_order.py */;
ALTER TABLE outbox ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0 /* answers that may be about this post only */;
ALTER TABLE outbox ADD COLUMN refused_from TEXT /* when the first of them came */;
ALTER TABLE outbox ADD COLUMN is_outside_thread INTEGER NOT NULL DEFAULT 0 /* 1: a reply whose thread takes none */;
ALTER TABLE outbox ADD COLUMN told_at TEXT /* of a parked post: when the operators were notified */;
ALTER TABLE pauses ADD COLUMN scope TEXT NOT NULL DEFAULT 'channel' /* channel, or person: somebody who has left */;
ALTER TABLE pauses ADD COLUMN tries INTEGER NOT NULL DEFAULT 0 /* posts that it refused in a row */;
ALTER TABLE pauses ADD COLUMN probe_at TEXT NOT NULL DEFAULT '' /* when it is tried again */;
ALTER TABLE pauses ADD COLUMN told_at TEXT /* when people were notified */;
ALTER TABLE alerts ADD COLUMN shared_key TEXT /* key of the post, if one message is about several incidents */;
UPDATE outbox SET rank = CASE kind WHEN 'alert' THEN 1 WHEN 'edit' THEN 7 ELSE 5 END;
UPDATE outbox SET told_at = created_at WHERE state = 'parked';
UPDATE pauses SET told_at = since;
CREATE INDEX outbox_order ON outbox (rank, id) WHERE state IN ('waiting', 'sending');
"""


@steps()
def delivery_has_an_order(db: Database) -> None:
    """The order of delivery, refusals of single notifications, and probes of paused channels."""
    _run_script(db, _ORDER)


_WRITERS_SQL = """
CREATE TABLE probe_results_new (  -- tries of surfaces, kept for two weeks
  surface TEXT NOT NULL,
  vantage TEXT NOT NULL,          -- from where
  at TEXT NOT NULL,
  ok INTEGER NOT NULL,
  ours INTEGER NOT NULL,          -- 1: the fault was ours, and says nothing about the surface
  why TEXT NOT NULL,
  status INTEGER,
  dns_ms REAL,
  connect_ms REAL,
  tls_ms REAL,
  first_byte_ms REAL,
  took_ms REAL,
  writer TEXT NOT NULL DEFAULT '', -- the token that sent it; empty for the bot's own probes
  PRIMARY KEY (surface, vantage, at, writer)
) WITHOUT ROWID;
INSERT INTO probe_results_new SELECT *, '' FROM probe_results;
DROP TABLE probe_results;
ALTER TABLE probe_results_new RENAME TO probe_results;
CREATE INDEX probe_results_by_time ON probe_results (at);
CREATE TABLE outcomes_new (       -- how a team's own requests fared, kept for two weeks
  surface TEXT NOT NULL,
  client TEXT NOT NULL,           -- who counted
  since TEXT NOT NULL,
  until TEXT NOT NULL,
  ok INTEGER NOT NULL,
  errors TEXT NOT NULL,           -- JSON: failures by status, or timeout, connection
  p50_ms REAL,
  p95_ms REAL,
  writer TEXT NOT NULL DEFAULT '', -- the token that sent it
  PRIMARY KEY (surface, client, since, until, writer)
) WITHOUT ROWID;
INSERT INTO outcomes_new SELECT *, '' FROM outcomes;
DROP TABLE outcomes;
ALTER TABLE outcomes_new RENAME TO outcomes;
CREATE INDEX outcomes_by_time ON outcomes (until);
ALTER TABLE reports ADD COLUMN writer TEXT NOT NULL DEFAULT '' /* the token that sent it; empty: in the chat */;
ALTER TABLE tokens ADD COLUMN vantages TEXT NOT NULL DEFAULT '' /* the vantage points that it was made for */;
ALTER TABLE tokens ADD COLUMN people INTEGER NOT NULL DEFAULT 1 /* how many people it may speak for */;
"""


@steps()
def evidence_has_its_writer(db: Database) -> None:
    """The token that sent each piece of evidence, and what the token may speak for."""
    _run_script(db, _WRITERS_SQL)


@steps()
def what_waits_is_found_by_its_thread(db: Database) -> None:
    """An index of what waits by channel and incident, from which the order of the channels can be read alone."""
    db.execute(
        "CREATE INDEX outbox_thread ON outbox (channel, incident, kind, rank, id) WHERE state IN ('waiting', 'sending')"
    )
    db.execute("DROP INDEX outbox_due")


_VIEWS_SQL = """
CREATE VIEW incident_durations AS -- every incident with its length in minutes; an open one until now
  SELECT provider, id AS incident, name AS title, stage, is_maintenance, posted_at, closed_at,
         round((julianday(coalesce(closed_at, 'now')) - julianday(posted_at)) * 1440, 1) AS minutes,
         round((julianday(seen_at) - julianday(posted_at)) * 1440, 1) AS minutes_until_seen,
         (SELECT group_concat(value, ', ') FROM json_each(surfaces)) AS services
  FROM incidents;
CREATE VIEW downtime_by_day AS   -- minutes of each service in each bad status, by day (UTC), as checked live
  WITH RECURSIVE pieces (surface, condition, start, until) AS (
    SELECT surface, condition, since, coalesce(until, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) FROM conditions
    WHERE condition IN ('degraded', 'partial_outage', 'major_outage')
    UNION ALL
    SELECT surface, condition, strftime('%Y-%m-%dT00:00:00.000Z', start, '+1 day'), until FROM pieces
    WHERE date(start, '+1 day') < until
  )
  SELECT surface AS service, date(start) AS day, condition AS status,
         round(sum(julianday(min(until, strftime('%Y-%m-%dT00:00:00.000Z', start, '+1 day'))) - julianday(start))
               * 1440, 1) AS minutes
  FROM pieces WHERE start < until GROUP BY surface, date(start), condition;
CREATE VIEW advice_over_time AS  -- what was advised for each service, from when to when
  SELECT surface AS service, verdict AS advice, exposure AS share_of_load, since, until, reason_code, reason,
         round((julianday(coalesce(until, 'now')) - julianday(since)) * 1440, 1) AS minutes
  FROM verdicts;
CREATE VIEW vendor_lag AS        -- each post of a vendor seen live: minutes from the time that it carries to our check
  SELECT i.provider, u.incident, i.name AS title, u.stage, u.display_at AS posted_at, u.seen_at,
         round((julianday(u.seen_at) - julianday(u.display_at)) * 1440, 1) AS minutes
  FROM updates u JOIN incidents i ON i.source = u.source AND i.id = u.incident
  WHERE u.version = 1 AND NOT i.backfilled AND NOT i.is_baseline;
CREATE VIEW provider_states AS SELECT * FROM worlds;
CREATE VIEW raw_pages AS SELECT * FROM bodies;
CREATE VIEW polls AS SELECT * FROM observations;
CREATE VIEW channel_settings AS SELECT * FROM habits;
CREATE VIEW messages_to_send AS SELECT * FROM outbox;
CREATE VIEW acknowledgements AS SELECT * FROM acks;
CREATE VIEW first_estimates AS SELECT * FROM estimates;
CREATE VIEW handled_slack_events AS SELECT * FROM heard;
CREATE VIEW direct_message_channels AS SELECT * FROM rooms;
CREATE VIEW home_viewers AS SELECT * FROM homes;
"""


@steps()
def views_for_readers(db: Database) -> None:
    """Views of what people ask, and of tables under the names that the manual uses."""
    _run_script(db, _VIEWS_SQL)


_CJK_GLOB = "*[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]*"  # kana and Han: written without spaces
_CJK_SQL = """
CREATE VIRTUAL TABLE events_fts_cjk -- the search index of Chinese and Japanese texts, which have no spaces
USING FTS5 (text, tokenize='trigram');
INSERT INTO events_fts_cjk (rowid, text) SELECT id, text FROM events WHERE text GLOB '{glob}';
CREATE TRIGGER events_cjk AFTER INSERT ON events WHEN new.text GLOB '{glob}' BEGIN
  INSERT INTO events_fts_cjk (rowid, text) VALUES (new.id, new.text); END;
""".replace("{glob}", _CJK_GLOB)


@steps()
def words_inside_chinese_and_japanese(db: Database) -> None:
    """A trigram index of texts in scripts without spaces, where a word of the other index is a whole sentence."""
    _run_script(db, _CJK_SQL)


_OVERRIDES_SQL = """
CREATE TABLE overrides (          -- what people of a channel say of a service
  channel TEXT NOT NULL,
  surface TEXT NOT NULL,
  kind TEXT NOT NULL,             -- not_us: its trouble does not affect us; broken: it is broken for us
  until TEXT NOT NULL,
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (channel, surface)
);
"""


@steps()
def overrides_with_an_end(db: Database) -> None:
    """What people of a channel say of a service until a time."""
    _run_script(db, _OVERRIDES_SQL)


_WORKFLOW_STEPS_SQL = """
CREATE TABLE workflow_steps (     -- steps of Slack's workflows, until a week after their end
  execution TEXT PRIMARY KEY,     -- Slack's id of the execution
  step TEXT NOT NULL,             -- its callback id in the manifest
  surface TEXT NOT NULL,          -- the service; empty where the step ended before one was found
  since TEXT NOT NULL,            -- when it began
  until TEXT NOT NULL,            -- when it stops waiting
  slowly INTEGER NOT NULL,        -- 1: *retry slowly* is enough
  fails_late INTEGER NOT NULL,    -- 1: it fails if it is still not safe then
  outcome TEXT,                   -- JSON: the outputs, or the error; NULL while it waits
  due_at TEXT NOT NULL,           -- when the outcome is sent next
  attempts INTEGER NOT NULL DEFAULT 0,
  ended_at TEXT,                  -- when Slack took the outcome, or it was given up
  error TEXT NOT NULL DEFAULT ''  -- why the last attempt failed, or what was given up
) WITHOUT ROWID;
"""


@steps()
def workflow_steps_outlive_the_process(db: Database) -> None:
    """Steps of Slack's workflows that wait, and how they end."""
    _run_script(db, _WORKFLOW_STEPS_SQL)


_LINK_CARDS_SQL = """
CREATE TABLE link_cards (         -- the cards that Slack shows below pasted links, while they are kept up to date
  channel TEXT NOT NULL,
  ts TEXT NOT NULL,               -- of the message with the link
  url TEXT NOT NULL,              -- the link as it was written
  unfurl_id TEXT NOT NULL,        -- Slack's id of the message's links, or empty
  origin TEXT NOT NULL,           -- what kind of id that is, in Slack's words
  kind TEXT NOT NULL,             -- what the link is about: incident, service, provider, unwatched, board
  subject TEXT NOT NULL,          -- its key or id
  digest TEXT NOT NULL,           -- of what the card shows
  shown_at TEXT NOT NULL,
  is_external INTEGER NOT NULL,   -- 1: people of another company read the channel
  PRIMARY KEY (channel, ts, url)
);
CREATE INDEX link_cards_by_time ON link_cards (shown_at);
CREATE INDEX incidents_by_url ON incidents (url);
"""


@steps()
def link_cards_are_kept_up_to_date(db: Database) -> None:
    """The cards of pasted links, and an index that finds the incident that a link leads to."""
    _run_script(db, _LINK_CARDS_SQL)


_DECLARED_SQL = """
CREATE TABLE declared (           -- incidents that a team declared as its own
  number INTEGER PRIMARY KEY,     -- by which people name it
  title TEXT NOT NULL,
  severity TEXT NOT NULL,         -- sev1, sev2, sev3
  origin TEXT NOT NULL,           -- the channel where it was declared
  place TEXT NOT NULL,            -- thread, public, private: where people wanted to handle it
  channel TEXT NOT NULL,          -- its own channel; empty: a thread in origin, or not made yet
  no_channel TEXT NOT NULL,       -- why no channel could be made
  closes_when_safe INTEGER NOT NULL,
  pinned TEXT NOT NULL,           -- pinned, or why its vendors' timeline can't be; empty: not tried
  source TEXT NOT NULL UNIQUE,    -- the form or program that declared it, so that none declares two
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  at TEXT NOT NULL,
  acked_by TEXT,
  acked_name TEXT,
  acked_at TEXT,
  closed_by TEXT,                 -- empty: closed by the bot, as asked when it was declared
  closed_name TEXT,
  closed_at TEXT,
  safe_since TEXT                 -- at its close: since when it was safe to retry
);
CREATE INDEX declared_open ON declared (number) WHERE closed_at IS NULL;
CREATE TABLE declared_links (     -- the vendors' incidents that a declared incident is about
  number INTEGER NOT NULL,
  incident TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (number, incident)
);
CREATE INDEX declared_links_incident ON declared_links (incident);
CREATE TABLE declared_entries (   -- the team's own timeline; a kept message can be removed again
  id INTEGER PRIMARY KEY,
  number INTEGER NOT NULL,
  kind TEXT NOT NULL,
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  at TEXT NOT NULL,
  text TEXT NOT NULL,
  ts TEXT NOT NULL                -- of a kept message: Slack's id of it
);
CREATE INDEX declared_entries_number ON declared_entries (number, at);
CREATE UNIQUE INDEX declared_entries_message ON declared_entries (number, ts) WHERE ts <> '';
"""


@steps()
def incidents_declared_by_a_team(db: Database) -> None:
    """Incidents that a team declared, the vendors' incidents that they are about, and their own timelines."""
    _run_script(db, _DECLARED_SQL)


_HANDED_EVIDENCE_SQL = """
CREATE TABLE handed_evidence (    -- evidence that a follower took, until the bot that leads has counted it
  id INTEGER PRIMARY KEY,
  provider TEXT NOT NULL,
  batch TEXT NOT NULL,            -- JSON
  at TEXT NOT NULL
);
"""


@steps()
def evidence_that_a_follower_took(db: Database) -> None:
    """Evidence that waits for the bot that leads."""
    _run_script(db, _HANDED_EVIDENCE_SQL)


@steps()
def workflow_steps_declare_incidents(db: Database) -> None:
    """The incident that a step declared."""
    db.execute("ALTER TABLE workflow_steps ADD COLUMN declared INTEGER /* the number of the incident declared by it */")


_MONTH_SUMS_SQL = """
CREATE TABLE month_sums (         -- what figures need of a month that has passed; derived, never exported
  provider TEXT NOT NULL,
  month TEXT NOT NULL,            -- such as 2026-03 (UTC)
  basis TEXT NOT NULL,            -- digest of the rules, and of the provider's file as far as the sums depend on it
  reads_from TEXT NOT NULL,       -- the sums depend on records from this time
  reads_until TEXT NOT NULL,      -- up to this time: a change of one of them deletes the row
  token TEXT NOT NULL,            -- of who computes them now; else empty
  sums TEXT,                      -- JSON; null: this month is always read from the records; NULL: being computed
  PRIMARY KEY (provider, month)
);
CREATE INDEX month_sums_by_time ON month_sums (reads_until);
CREATE INDEX month_sums_by_provider ON month_sums (provider, reads_until);
CREATE INDEX updates_with_transitions ON updates (source, display_at)
  WHERE transitions IS NOT NULL AND transitions <> '[]';
CREATE TRIGGER months_of_new_poll AFTER INSERT ON observations BEGIN
  DELETE FROM month_sums WHERE provider = new.source AND reads_until > new.first_at AND reads_from < new.last_at; END;
CREATE TRIGGER months_of_longer_poll AFTER UPDATE OF last_at ON observations BEGIN
  DELETE FROM month_sums WHERE provider = new.source
  AND reads_until > min(old.last_at, new.last_at) AND reads_from < max(old.last_at, new.last_at); END;
CREATE TRIGGER months_of_other_poll AFTER UPDATE OF source, outcome, first_at ON observations BEGIN
  DELETE FROM month_sums WHERE provider = old.source AND reads_until > old.first_at AND reads_from < old.last_at;
  DELETE FROM month_sums WHERE provider = new.source AND reads_until > new.first_at AND reads_from < new.last_at; END;
CREATE TRIGGER months_of_lost_poll AFTER DELETE ON observations BEGIN
  DELETE FROM month_sums WHERE provider = old.source AND reads_until > old.first_at AND reads_from < old.last_at; END;
CREATE TRIGGER months_of_new_status AFTER INSERT ON conditions BEGIN
  DELETE FROM month_sums WHERE reads_until > new.since AND reads_from < coalesce(new.until, '~'); END;
CREATE TRIGGER months_of_ended_status AFTER UPDATE OF until ON conditions BEGIN
  DELETE FROM month_sums WHERE reads_until > min(coalesce(old.until, '~'), coalesce(new.until, '~'))
  AND reads_from < max(coalesce(old.until, '~'), coalesce(new.until, '~')); END;
CREATE TRIGGER months_of_other_status AFTER UPDATE OF surface, since, condition, inferred ON conditions BEGIN
  DELETE FROM month_sums WHERE reads_until > old.since AND reads_from < coalesce(old.until, '~');
  DELETE FROM month_sums WHERE reads_until > new.since AND reads_from < coalesce(new.until, '~'); END;
CREATE TRIGGER months_of_lost_status AFTER DELETE ON conditions BEGIN
  DELETE FROM month_sums WHERE reads_until > old.since AND reads_from < coalesce(old.until, '~'); END;
CREATE TRIGGER months_of_new_incident AFTER INSERT ON incidents BEGIN
  DELETE FROM month_sums
  WHERE provider = new.provider AND reads_until > new.posted_at AND reads_from < new.posted_at; END;
CREATE TRIGGER months_of_other_incident AFTER UPDATE ON incidents BEGIN
  DELETE FROM month_sums WHERE provider = old.provider AND reads_until > old.posted_at AND reads_from < old.posted_at;
  DELETE FROM month_sums
  WHERE provider = new.provider AND reads_until > new.posted_at AND reads_from < new.posted_at; END;
CREATE TRIGGER months_of_incident_seen AFTER UPDATE OF backfilled ON incidents BEGIN
  DELETE FROM month_sums
  WHERE old.backfilled <> new.backfilled AND provider = new.provider AND reads_until > new.posted_at; END;
CREATE TRIGGER months_of_lost_incident AFTER DELETE ON incidents BEGIN
  DELETE FROM month_sums
  WHERE provider = old.provider AND reads_until > old.posted_at AND reads_from < old.posted_at; END;
CREATE TRIGGER months_of_new_update AFTER INSERT ON updates BEGIN
  DELETE FROM month_sums WHERE provider = new.source AND reads_until > new.display_at AND reads_from < new.display_at;
  DELETE FROM month_sums WHERE provider = new.source
  AND reads_until > (SELECT posted_at FROM incidents WHERE source = new.source AND id = new.incident)
  AND reads_from < (SELECT posted_at FROM incidents WHERE source = new.source AND id = new.incident); END;
CREATE TRIGGER months_of_other_update AFTER UPDATE ON updates BEGIN
  DELETE FROM month_sums WHERE provider = old.source AND reads_until > old.display_at AND reads_from < old.display_at;
  DELETE FROM month_sums WHERE provider = new.source AND reads_until > new.display_at AND reads_from < new.display_at;
  DELETE FROM month_sums WHERE provider = new.source
  AND reads_until > (SELECT posted_at FROM incidents WHERE source = new.source AND id = new.incident)
  AND reads_from < (SELECT posted_at FROM incidents WHERE source = new.source AND id = new.incident); END;
CREATE TRIGGER months_of_lost_update AFTER DELETE ON updates BEGIN
  DELETE FROM month_sums WHERE provider = old.source AND reads_until > old.display_at AND reads_from < old.display_at;
  DELETE FROM month_sums WHERE provider = old.source
  AND reads_until > (SELECT posted_at FROM incidents WHERE source = old.source AND id = old.incident)
  AND reads_from < (SELECT posted_at FROM incidents WHERE source = old.source AND id = old.incident); END;
CREATE TRIGGER months_of_new_coverage AFTER INSERT ON coverage BEGIN
  DELETE FROM month_sums WHERE provider = (SELECT provider FROM backfills WHERE id = new.backfill); END;
CREATE TRIGGER months_of_other_coverage AFTER UPDATE ON coverage BEGIN
  DELETE FROM month_sums WHERE provider = (SELECT provider FROM backfills WHERE id = new.backfill); END;
CREATE TRIGGER months_of_lost_coverage AFTER DELETE ON coverage BEGIN
  DELETE FROM month_sums WHERE provider = (SELECT provider FROM backfills WHERE id = old.backfill); END;
CREATE TRIGGER months_of_new_past_status AFTER INSERT ON past_conditions BEGIN
  DELETE FROM month_sums WHERE provider = (SELECT provider FROM backfills WHERE id = new.backfill); END;
CREATE TRIGGER months_of_other_past_status AFTER UPDATE ON past_conditions BEGIN
  DELETE FROM month_sums WHERE provider = (SELECT provider FROM backfills WHERE id = new.backfill); END;
CREATE TRIGGER months_of_lost_past_status AFTER DELETE ON past_conditions BEGIN
  DELETE FROM month_sums WHERE provider = (SELECT provider FROM backfills WHERE id = old.backfill); END;
"""


@steps()
def sums_of_months_that_have_passed(db: Database) -> None:
    """Sums for long reports, and what deletes them when a record that they depend on changes."""
    _run_script(db, _MONTH_SUMS_SQL)


@steps()
def what_waits_is_found_by_its_rank(db: Database) -> None:
    """An index of what waits by channel and rank, for the next message of a channel for which thousands wait."""
    db.execute("CREATE INDEX outbox_next ON outbox (channel, rank, id, kind) WHERE state IN ('waiting', 'sending')")


def step_names() -> frozenset[str]:
    """The names of all steps that this version knows."""
    with closing(Database(memory=True)) as empty:
        return frozenset(step.name for step in steps.pending(empty))


def _run_script(db: Database, script: str) -> None:
    for statement in _split_statements(script):
        db.execute(statement)


def _split_statements(script: str) -> list[str]:
    """The statements of a script; in a CREATE TRIGGER, which is one statement, a semicolon stands before END too."""
    statements, statement = [], ""
    for line in script.strip().splitlines():
        statement += line + "\n"
        code = line.split("--")[0].rstrip()
        if code.endswith(";") and ("CREATE TRIGGER" not in statement or code.endswith("END;")):
            statements.append(statement)
            statement = ""
    return statements

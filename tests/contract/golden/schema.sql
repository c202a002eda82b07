-- step: brownout the_first_house
-- step: brownout forecasts_are_kept
-- step: brownout people_take_part
-- step: brownout the_archive
-- step: brownout the_beginnings_of_words
-- step: brownout bodies_can_be_found_by_looks
-- step: brownout channels_can_be_paused
-- step: brownout what_was_heard
-- step: brownout the_rounds
-- step: brownout programs_may_write
-- step: brownout what_others_see
-- step: brownout what_is_parked_is_counted
-- step: brownout stored_json_has_a_form_number
-- step: brownout delivery_has_an_order
-- step: brownout evidence_has_its_writer
-- step: brownout what_waits_is_found_by_its_thread
-- step: brownout views_for_readers
-- step: brownout words_inside_chinese_and_japanese
-- step: brownout overrides_with_an_end
-- step: brownout workflow_steps_outlive_the_process
-- step: brownout link_cards_are_kept_up_to_date
-- step: brownout incidents_declared_by_a_team
-- step: brownout evidence_that_a_follower_took
-- step: brownout workflow_steps_declare_incidents
-- step: brownout sums_of_months_that_have_passed
-- step: brownout what_waits_is_found_by_its_rank

CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);

CREATE VIEW acknowledgements AS SELECT * FROM acks;

CREATE TABLE acks (
  channel TEXT NOT NULL,
  incident TEXT NOT NULL,
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (channel, incident)
);

CREATE VIEW advice_over_time AS
  SELECT surface AS service, verdict AS advice, exposure AS share_of_load, since, until, reason_code, reason,
         round((julianday(coalesce(until, 'now')) - julianday(since)) * 1440, 1) AS minutes
  FROM verdicts;

CREATE TABLE affected (
  incident TEXT NOT NULL,
  surface TEXT NOT NULL,
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  channel TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (incident, surface, person)
);

CREATE TABLE alerts (
  channel TEXT NOT NULL,
  incident TEXT NOT NULL,
  provider TEXT NOT NULL,
  ts TEXT,
  opened_at TEXT NOT NULL, rung_at TEXT , shared_key TEXT ,
  PRIMARY KEY (channel, incident)
);

CREATE INDEX alerts_by_incident ON alerts (incident);

CREATE TABLE backfills (
  id INTEGER PRIMARY KEY,
  provider TEXT NOT NULL,
  origin TEXT NOT NULL,
  name TEXT NOT NULL,
  read_at TEXT NOT NULL,
  UNIQUE (provider, origin)
);

CREATE TABLE bodies (
  hash TEXT PRIMARY KEY,
  body BLOB NOT NULL,
  size INTEGER NOT NULL
);

CREATE VIEW channel_settings AS SELECT * FROM habits;

CREATE TABLE conditions (
  surface TEXT NOT NULL,
  since TEXT NOT NULL,
  until TEXT,
  condition TEXT NOT NULL,
  inferred INTEGER NOT NULL,
  PRIMARY KEY (surface, since)
);

CREATE UNIQUE INDEX conditions_now ON conditions (surface) WHERE until IS NULL;

CREATE TABLE coverage (
  backfill INTEGER NOT NULL REFERENCES backfills(id),
  since TEXT NOT NULL,
  until TEXT NOT NULL,
  PRIMARY KEY (backfill, since)
) WITHOUT ROWID;

CREATE TABLE declared (
  number INTEGER PRIMARY KEY,
  title TEXT NOT NULL,
  severity TEXT NOT NULL,
  origin TEXT NOT NULL,
  place TEXT NOT NULL,
  channel TEXT NOT NULL,
  no_channel TEXT NOT NULL,
  closes_when_safe INTEGER NOT NULL,
  pinned TEXT NOT NULL,
  source TEXT NOT NULL UNIQUE,
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  at TEXT NOT NULL,
  acked_by TEXT,
  acked_name TEXT,
  acked_at TEXT,
  closed_by TEXT,
  closed_name TEXT,
  closed_at TEXT,
  safe_since TEXT
);

CREATE TABLE declared_entries (
  id INTEGER PRIMARY KEY,
  number INTEGER NOT NULL,
  kind TEXT NOT NULL,
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  at TEXT NOT NULL,
  text TEXT NOT NULL,
  ts TEXT NOT NULL
);

CREATE UNIQUE INDEX declared_entries_message ON declared_entries (number, ts) WHERE ts <> '';

CREATE INDEX declared_entries_number ON declared_entries (number, at);

CREATE TABLE declared_links (
  number INTEGER NOT NULL,
  incident TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (number, incident)
);

CREATE INDEX declared_links_incident ON declared_links (incident);

CREATE INDEX declared_open ON declared (number) WHERE closed_at IS NULL;

CREATE TABLE digests (
  channel TEXT PRIMARY KEY,
  at TEXT NOT NULL,
  zone TEXT NOT NULL,
  weekday INTEGER,
  on_calm INTEGER NOT NULL,
  done TEXT NOT NULL
);

CREATE VIEW direct_message_channels AS SELECT * FROM rooms;

CREATE VIEW downtime_by_day AS
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

CREATE TABLE estimates (
  incident TEXT PRIMARY KEY,
  provider TEXT NOT NULL,
  issued_at TEXT NOT NULL,
  elapsed_s REAL NOT NULL,
  p50_s REAL NOT NULL,
  p80_s REAL NOT NULL,
  p90_s REAL NOT NULL,
  n INTEGER NOT NULL,
  actual_s REAL
);

CREATE TABLE events (
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
  text TEXT,
  before TEXT,
  is_baseline INTEGER NOT NULL DEFAULT 0,
  happened_at TEXT,
  seen_at TEXT NOT NULL
, author TEXT , channel TEXT , about INTEGER REFERENCES events(id) );

CREATE TRIGGER events_ai AFTER INSERT ON events BEGIN
  INSERT INTO events_fts (rowid, text) VALUES (new.id, new.text); END;

CREATE INDEX events_by_incident ON events (incident, id);

CREATE INDEX events_by_surface ON events (surface, id);

CREATE INDEX events_by_time ON events (provider, seen_at);

CREATE TRIGGER events_cjk AFTER INSERT ON events WHEN new.text GLOB '*[぀-ヿ㐀-䶿一-鿿豈-﫿]*' BEGIN
  INSERT INTO events_fts_cjk (rowid, text) VALUES (new.id, new.text); END;

CREATE VIRTUAL TABLE events_fts
USING FTS5 (
  text, tokenize='unicode61 remove_diacritics 2', prefix='3 4', content=events, content_rowid=id
);

CREATE VIRTUAL TABLE events_fts_cjk
USING FTS5 (text, tokenize='trigram');

CREATE TABLE 'events_fts_cjk_config'(k PRIMARY KEY, v) WITHOUT ROWID;

CREATE TABLE 'events_fts_cjk_content'(id INTEGER PRIMARY KEY, c0);

CREATE TABLE 'events_fts_cjk_data'(id INTEGER PRIMARY KEY, block BLOB);

CREATE TABLE 'events_fts_cjk_docsize'(id INTEGER PRIMARY KEY, sz BLOB);

CREATE TABLE 'events_fts_cjk_idx'(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID;

CREATE TABLE 'events_fts_config'(k PRIMARY KEY, v) WITHOUT ROWID;

CREATE TABLE 'events_fts_data'(id INTEGER PRIMARY KEY, block BLOB);

CREATE TABLE 'events_fts_docsize'(id INTEGER PRIMARY KEY, sz BLOB);

CREATE TABLE 'events_fts_idx'(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID;

CREATE TRIGGER events_last BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

CREATE TABLE fetched (
  provider TEXT NOT NULL,
  incident TEXT NOT NULL,
  is_closed INTEGER NOT NULL,
  body_hash TEXT REFERENCES bodies(hash),
  PRIMARY KEY (provider, incident)
) WITHOUT ROWID;

CREATE INDEX fetched_by_body ON fetched (body_hash) WHERE body_hash IS NOT NULL;

CREATE VIEW first_estimates AS SELECT * FROM estimates;

CREATE TABLE habits (
  channel TEXT PRIMARY KEY,
  maintenance INTEGER NOT NULL,
  quiet_start TEXT,
  quiet_end TEXT,
  zone TEXT NOT NULL
);

CREATE TABLE handed_evidence (
  id INTEGER PRIMARY KEY,
  provider TEXT NOT NULL,
  batch TEXT NOT NULL,
  at TEXT NOT NULL
);

CREATE VIEW handled_slack_events AS SELECT * FROM heard;

CREATE TABLE heard (
  key TEXT PRIMARY KEY,
  until TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX heard_until ON heard (until);

CREATE VIEW home_viewers AS SELECT * FROM homes;

CREATE TABLE homes (
  person TEXT PRIMARY KEY,
  opened_at TEXT NOT NULL
);

CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");

CREATE TABLE incident_components (
  source TEXT NOT NULL,
  incident TEXT NOT NULL,
  component TEXT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (source, incident, component)
) WITHOUT ROWID;

CREATE VIEW incident_durations AS
  SELECT provider, id AS incident, name AS title, stage, is_maintenance, posted_at, closed_at,
         round((julianday(coalesce(closed_at, 'now')) - julianday(posted_at)) * 1440, 1) AS minutes,
         round((julianday(seen_at) - julianday(posted_at)) * 1440, 1) AS minutes_until_seen,
         (SELECT group_concat(value, ', ') FROM json_each(surfaces)) AS services
  FROM incidents;

CREATE TABLE incident_surfaces (
  surface TEXT NOT NULL,
  posted_at TEXT NOT NULL,
  source TEXT NOT NULL,
  incident TEXT NOT NULL,
  PRIMARY KEY (surface, posted_at, source, incident)
) WITHOUT ROWID;

CREATE TABLE incidents (
  source TEXT NOT NULL,
  id TEXT NOT NULL,
  provider TEXT NOT NULL,
  name TEXT NOT NULL,
  stage TEXT NOT NULL,
  impact TEXT NOT NULL,
  posted_at TEXT NOT NULL,
  seen_at TEXT NOT NULL,
  closed_at TEXT,
  ending TEXT,
  surfaces TEXT NOT NULL,
  url TEXT,
  is_maintenance INTEGER NOT NULL,
  is_baseline INTEGER NOT NULL,
  is_retroactive INTEGER NOT NULL, started_at TEXT , backfilled INTEGER NOT NULL DEFAULT 0 , own TEXT , suspicions TEXT NOT NULL DEFAULT '[]' , lead_s REAL , joined TEXT ,
  PRIMARY KEY (source, id)
);

CREATE INDEX incidents_by_id ON incidents (id);

CREATE INDEX incidents_by_post ON incidents (posted_at);

CREATE INDEX incidents_by_provider ON incidents (provider, posted_at);

CREATE INDEX incidents_by_time ON incidents (posted_at);

CREATE INDEX incidents_by_url ON incidents (url);

CREATE TRIGGER incidents_hit AFTER INSERT ON incidents BEGIN
  INSERT INTO incident_surfaces SELECT value, new.posted_at, new.source, new.id FROM json_each(new.surfaces) WHERE true
  ON CONFLICT DO NOTHING; END;

CREATE TRIGGER incidents_widen AFTER UPDATE OF surfaces ON incidents BEGIN
  INSERT INTO incident_surfaces SELECT value, new.posted_at, new.source, new.id FROM json_each(new.surfaces) WHERE true
  ON CONFLICT DO NOTHING; END;

CREATE TABLE labels (
  incident TEXT NOT NULL,
  label TEXT NOT NULL,
  PRIMARY KEY (incident, label)
) WITHOUT ROWID;

CREATE TABLE link_cards (
  channel TEXT NOT NULL,
  ts TEXT NOT NULL,
  url TEXT NOT NULL,
  unfurl_id TEXT NOT NULL,
  origin TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  digest TEXT NOT NULL,
  shown_at TEXT NOT NULL,
  is_external INTEGER NOT NULL,
  PRIMARY KEY (channel, ts, url)
);

CREATE INDEX link_cards_by_time ON link_cards (shown_at);

CREATE VIEW messages_to_send AS SELECT * FROM outbox;

CREATE TABLE month_sums (
  provider TEXT NOT NULL,
  month TEXT NOT NULL,
  basis TEXT NOT NULL,
  reads_from TEXT NOT NULL,
  reads_until TEXT NOT NULL,
  token TEXT NOT NULL,
  sums TEXT,
  PRIMARY KEY (provider, month)
);

CREATE INDEX month_sums_by_provider ON month_sums (provider, reads_until);

CREATE INDEX month_sums_by_time ON month_sums (reads_until);

CREATE TRIGGER months_of_ended_status AFTER UPDATE OF until ON conditions BEGIN
  DELETE FROM month_sums WHERE reads_until > min(coalesce(old.until, '~'), coalesce(new.until, '~'))
  AND reads_from < max(coalesce(old.until, '~'), coalesce(new.until, '~')); END;

CREATE TRIGGER months_of_incident_seen AFTER UPDATE OF backfilled ON incidents BEGIN
  DELETE FROM month_sums
  WHERE old.backfilled <> new.backfilled AND provider = new.provider AND reads_until > new.posted_at; END;

CREATE TRIGGER months_of_longer_poll AFTER UPDATE OF last_at ON observations BEGIN
  DELETE FROM month_sums WHERE provider = new.source
  AND reads_until > min(old.last_at, new.last_at) AND reads_from < max(old.last_at, new.last_at); END;

CREATE TRIGGER months_of_lost_coverage AFTER DELETE ON coverage BEGIN
  DELETE FROM month_sums WHERE provider = (SELECT provider FROM backfills WHERE id = old.backfill); END;

CREATE TRIGGER months_of_lost_incident AFTER DELETE ON incidents BEGIN
  DELETE FROM month_sums
  WHERE provider = old.provider AND reads_until > old.posted_at AND reads_from < old.posted_at; END;

CREATE TRIGGER months_of_lost_past_status AFTER DELETE ON past_conditions BEGIN
  DELETE FROM month_sums WHERE provider = (SELECT provider FROM backfills WHERE id = old.backfill); END;

CREATE TRIGGER months_of_lost_poll AFTER DELETE ON observations BEGIN
  DELETE FROM month_sums WHERE provider = old.source AND reads_until > old.first_at AND reads_from < old.last_at; END;

CREATE TRIGGER months_of_lost_status AFTER DELETE ON conditions BEGIN
  DELETE FROM month_sums WHERE reads_until > old.since AND reads_from < coalesce(old.until, '~'); END;

CREATE TRIGGER months_of_lost_update AFTER DELETE ON updates BEGIN
  DELETE FROM month_sums WHERE provider = old.source AND reads_until > old.display_at AND reads_from < old.display_at;
  DELETE FROM month_sums WHERE provider = old.source
  AND reads_until > (SELECT posted_at FROM incidents WHERE source = old.source AND id = old.incident)
  AND reads_from < (SELECT posted_at FROM incidents WHERE source = old.source AND id = old.incident); END;

CREATE TRIGGER months_of_new_coverage AFTER INSERT ON coverage BEGIN
  DELETE FROM month_sums WHERE provider = (SELECT provider FROM backfills WHERE id = new.backfill); END;

CREATE TRIGGER months_of_new_incident AFTER INSERT ON incidents BEGIN
  DELETE FROM month_sums
  WHERE provider = new.provider AND reads_until > new.posted_at AND reads_from < new.posted_at; END;

CREATE TRIGGER months_of_new_past_status AFTER INSERT ON past_conditions BEGIN
  DELETE FROM month_sums WHERE provider = (SELECT provider FROM backfills WHERE id = new.backfill); END;

CREATE TRIGGER months_of_new_poll AFTER INSERT ON observations BEGIN
  DELETE FROM month_sums WHERE provider = new.source AND reads_until > new.first_at AND reads_from < new.last_at; END;

CREATE TRIGGER months_of_new_status AFTER INSERT ON conditions BEGIN
  DELETE FROM month_sums WHERE reads_until > new.since AND reads_from < coalesce(new.until, '~'); END;

CREATE TRIGGER months_of_new_update AFTER INSERT ON updates BEGIN
  DELETE FROM month_sums WHERE provider = new.source AND reads_until > new.display_at AND reads_from < new.display_at;
  DELETE FROM month_sums WHERE provider = new.source
  AND reads_until > (SELECT posted_at FROM incidents WHERE source = new.source AND id = new.incident)
  AND reads_from < (SELECT posted_at FROM incidents WHERE source = new.source AND id = new.incident); END;

CREATE TRIGGER months_of_other_coverage AFTER UPDATE ON coverage BEGIN
  DELETE FROM month_sums WHERE provider = (SELECT provider FROM backfills WHERE id = new.backfill); END;

CREATE TRIGGER months_of_other_incident AFTER UPDATE ON incidents BEGIN
  DELETE FROM month_sums WHERE provider = old.provider AND reads_until > old.posted_at AND reads_from < old.posted_at;
  DELETE FROM month_sums
  WHERE provider = new.provider AND reads_until > new.posted_at AND reads_from < new.posted_at; END;

CREATE TRIGGER months_of_other_past_status AFTER UPDATE ON past_conditions BEGIN
  DELETE FROM month_sums WHERE provider = (SELECT provider FROM backfills WHERE id = new.backfill); END;

CREATE TRIGGER months_of_other_poll AFTER UPDATE OF source, outcome, first_at ON observations BEGIN
  DELETE FROM month_sums WHERE provider = old.source AND reads_until > old.first_at AND reads_from < old.last_at;
  DELETE FROM month_sums WHERE provider = new.source AND reads_until > new.first_at AND reads_from < new.last_at; END;

CREATE TRIGGER months_of_other_status AFTER UPDATE OF surface, since, condition, inferred ON conditions BEGIN
  DELETE FROM month_sums WHERE reads_until > old.since AND reads_from < coalesce(old.until, '~');
  DELETE FROM month_sums WHERE reads_until > new.since AND reads_from < coalesce(new.until, '~'); END;

CREATE TRIGGER months_of_other_update AFTER UPDATE ON updates BEGIN
  DELETE FROM month_sums WHERE provider = old.source AND reads_until > old.display_at AND reads_from < old.display_at;
  DELETE FROM month_sums WHERE provider = new.source AND reads_until > new.display_at AND reads_from < new.display_at;
  DELETE FROM month_sums WHERE provider = new.source
  AND reads_until > (SELECT posted_at FROM incidents WHERE source = new.source AND id = new.incident)
  AND reads_from < (SELECT posted_at FROM incidents WHERE source = new.source AND id = new.incident); END;

CREATE TABLE mutes (
  channel TEXT NOT NULL,
  target TEXT NOT NULL,
  until TEXT,
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (channel, target)
);

CREATE TABLE observations (
  id INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  outcome TEXT NOT NULL,
  why TEXT NOT NULL DEFAULT '',
  first_at TEXT NOT NULL,
  last_at TEXT NOT NULL,
  looks INTEGER NOT NULL DEFAULT 1,
  took_ms REAL,
  body_hash TEXT REFERENCES bodies(hash)
);

CREATE INDEX observations_by_body ON observations (body_hash) WHERE body_hash IS NOT NULL;

CREATE INDEX observations_by_source ON observations (source, id);

CREATE INDEX observations_by_time ON observations (source, last_at);

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY,
  channel TEXT NOT NULL,
  key TEXT NOT NULL,
  kind TEXT NOT NULL,
  incident TEXT NOT NULL,
  post TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  due_at TEXT NOT NULL,
  sent_at TEXT,
  ts TEXT,
  error TEXT, left_at TEXT , doubted_from TEXT , rank INTEGER NOT NULL DEFAULT 5 , refusals INTEGER NOT NULL DEFAULT 0 , refused_from TEXT , is_outside_thread INTEGER NOT NULL DEFAULT 0 , told_at TEXT ,
  UNIQUE (channel, key)
);

CREATE INDEX outbox_drawn ON outbox (channel, incident, id) WHERE kind IN ('alert', 'edit');

CREATE INDEX outbox_next ON outbox (channel, rank, id, kind) WHERE state IN ('waiting', 'sending');

CREATE INDEX outbox_order ON outbox (rank, id) WHERE state IN ('waiting', 'sending');

CREATE INDEX outbox_parked ON outbox (id) WHERE state = 'parked';

CREATE INDEX outbox_thread ON outbox (channel, incident, kind, rank, id) WHERE state IN ('waiting', 'sending');

CREATE TABLE "outcomes" (
  surface TEXT NOT NULL,
  client TEXT NOT NULL,
  since TEXT NOT NULL,
  until TEXT NOT NULL,
  ok INTEGER NOT NULL,
  errors TEXT NOT NULL,
  p50_ms REAL,
  p95_ms REAL,
  writer TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (surface, client, since, until, writer)
) WITHOUT ROWID;

CREATE INDEX outcomes_by_time ON outcomes (until);

CREATE TABLE overrides (
  channel TEXT NOT NULL,
  surface TEXT NOT NULL,
  kind TEXT NOT NULL,
  until TEXT NOT NULL,
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (channel, surface)
);

CREATE TABLE past_conditions (
  surface TEXT NOT NULL,
  until TEXT NOT NULL,
  since TEXT NOT NULL,
  backfill INTEGER NOT NULL REFERENCES backfills(id),
  condition TEXT NOT NULL,
  inferred INTEGER NOT NULL,
  PRIMARY KEY (surface, until, since, backfill)
) WITHOUT ROWID;

CREATE TABLE pauses (
  channel TEXT PRIMARY KEY,
  code TEXT NOT NULL,
  remedy TEXT NOT NULL,
  since TEXT NOT NULL,
  tried_at TEXT NOT NULL,
  is_on_trial INTEGER NOT NULL
, scope TEXT NOT NULL DEFAULT 'channel' , tries INTEGER NOT NULL DEFAULT 0 , probe_at TEXT NOT NULL DEFAULT '' , told_at TEXT );

CREATE VIEW polls AS SELECT * FROM observations;

CREATE TABLE "probe_results" (
  surface TEXT NOT NULL,
  vantage TEXT NOT NULL,
  at TEXT NOT NULL,
  ok INTEGER NOT NULL,
  ours INTEGER NOT NULL,
  why TEXT NOT NULL,
  status INTEGER,
  dns_ms REAL,
  connect_ms REAL,
  tls_ms REAL,
  first_byte_ms REAL,
  took_ms REAL,
  writer TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (surface, vantage, at, writer)
) WITHOUT ROWID;

CREATE INDEX probe_results_by_time ON probe_results (at);

CREATE VIEW provider_states AS SELECT * FROM worlds;

CREATE VIEW raw_pages AS SELECT * FROM bodies;

CREATE TABLE reports (
  surface TEXT NOT NULL,
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  channel TEXT NOT NULL,
  at TEXT NOT NULL, writer TEXT NOT NULL DEFAULT '' ,
  PRIMARY KEY (surface, person)
);

CREATE TABLE rooms (
  person TEXT PRIMARY KEY,
  channel TEXT NOT NULL
);

CREATE TABLE salts (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  salt BLOB NOT NULL
);

CREATE TABLE sources (
  id TEXT PRIMARY KEY,
  provider TEXT NOT NULL,
  looked_at TEXT,
  seen_at TEXT,
  body_hash TEXT,
  host TEXT
);

CREATE TABLE stored_forms (
  name TEXT PRIMARY KEY,
  form INTEGER NOT NULL CHECK (typeof(form) = 'integer' AND form > 0)
);

CREATE TABLE subscriptions (
  channel TEXT NOT NULL,
  target TEXT NOT NULL,
  minimum TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at TEXT NOT NULL, mention TEXT NOT NULL DEFAULT '' ,
  PRIMARY KEY (channel, target)
);

CREATE TABLE tokens (
  name TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  may TEXT NOT NULL,
  created_at TEXT NOT NULL,
  used_at TEXT
, vantages TEXT NOT NULL DEFAULT '' , people INTEGER NOT NULL DEFAULT 1 );

CREATE TABLE updates (
  source TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  incident TEXT NOT NULL,
  stage TEXT NOT NULL,
  body TEXT NOT NULL,
  display_at TEXT NOT NULL,
  seen_at TEXT NOT NULL,
  transitions TEXT,
  PRIMARY KEY (source, id, version)
);

CREATE INDEX updates_by_incident ON updates (source, incident, display_at);

CREATE INDEX updates_with_transitions ON updates (source, display_at)
  WHERE transitions IS NOT NULL AND transitions <> '[]';

CREATE VIEW vendor_lag AS
  SELECT i.provider, u.incident, i.name AS title, u.stage, u.display_at AS posted_at, u.seen_at,
         round((julianday(u.seen_at) - julianday(u.display_at)) * 1440, 1) AS minutes
  FROM updates u JOIN incidents i ON i.source = u.source AND i.id = u.incident
  WHERE u.version = 1 AND NOT i.backfilled AND NOT i.is_baseline;

CREATE TABLE verdicts (
  surface TEXT NOT NULL,
  since TEXT NOT NULL,
  until TEXT,
  verdict TEXT NOT NULL,
  exposure REAL NOT NULL,
  reason TEXT NOT NULL,
  reason_code TEXT NOT NULL,
  incident TEXT,
  PRIMARY KEY (surface, since)
);

CREATE UNIQUE INDEX verdicts_now ON verdicts (surface) WHERE until IS NULL;

CREATE TABLE withheld (
  channel TEXT NOT NULL,
  incident TEXT NOT NULL,
  provider TEXT NOT NULL,
  why TEXT NOT NULL,
  since TEXT NOT NULL,
  PRIMARY KEY (channel, incident)
);

CREATE TABLE workflow_steps (
  execution TEXT PRIMARY KEY,
  step TEXT NOT NULL,
  surface TEXT NOT NULL,
  since TEXT NOT NULL,
  until TEXT NOT NULL,
  slowly INTEGER NOT NULL,
  fails_late INTEGER NOT NULL,
  outcome TEXT,
  due_at TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  ended_at TEXT,
  error TEXT NOT NULL DEFAULT ''
, declared INTEGER ) WITHOUT ROWID;

CREATE TABLE worlds (
  provider TEXT PRIMARY KEY,
  saved_at TEXT NOT NULL,
  world TEXT NOT NULL
);

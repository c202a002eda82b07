"""The schema on PostgreSQL: the tables, indexes, constraints and triggers that ``migrations`` makes for SQLite.

tests/storage/test_postgres_schema.py compares the two. What the columns mean stands in bot/docs/database.md. Only here:

- ``rowid``: the order of insertion, which a SQLite table has without a column;
- ids without gaps, as SQLite gives them: one more than the highest (``next_id_...``), not a sequence;
- ``events.words``: the search index, filled by ``PostgresDatabase`` (``full_text.search_vector``);
- texts compare by their bytes (``COLLATE "C"``), whatever the server's language;
- ``json_each`` and ``julianday``, as SQLite has them; and the table ``bot_lease`` (``lease``).

A new step of ``migrations`` gets its counterpart in ``LATER_STEPS``, under the same name.
"""

from __future__ import annotations

BASE_STEPS = (  # what ``BASE`` already contains
    "the_first_house",
    "forecasts_are_kept",
    "people_take_part",
    "the_archive",
    "the_beginnings_of_words",
    "bodies_can_be_found_by_looks",
    "channels_can_be_paused",
    "what_was_heard",
    "the_rounds",
    "programs_may_write",
    "what_others_see",
    "what_is_parked_is_counted",
    "stored_json_has_a_form_number",
    "delivery_has_an_order",
    "evidence_has_its_writer",
    "what_waits_is_found_by_its_thread",
    "views_for_readers",
    "words_inside_chinese_and_japanese",
)

_TABLES = """
CREATE TABLE bodies (
  hash TEXT PRIMARY KEY,
  body BYTEA NOT NULL,
  size BIGINT NOT NULL,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY
);
CREATE TABLE backfills (
  id BIGINT PRIMARY KEY,
  provider TEXT NOT NULL,
  origin TEXT NOT NULL,
  name TEXT NOT NULL,
  read_at TEXT NOT NULL,
  UNIQUE (provider, origin)
);
CREATE TABLE sources (
  id TEXT PRIMARY KEY,
  provider TEXT NOT NULL,
  looked_at TEXT,
  seen_at TEXT,
  body_hash TEXT,
  host TEXT,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY
);
CREATE TABLE observations (
  id BIGINT PRIMARY KEY,
  source TEXT NOT NULL,
  outcome TEXT NOT NULL,
  why TEXT NOT NULL DEFAULT '',
  first_at TEXT NOT NULL,
  last_at TEXT NOT NULL,
  looks BIGINT NOT NULL DEFAULT 1,
  took_ms DOUBLE PRECISION,
  body_hash TEXT REFERENCES bodies (hash) DEFERRABLE
);
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
  is_maintenance BIGINT NOT NULL,
  is_baseline BIGINT NOT NULL,
  is_retroactive BIGINT NOT NULL,
  started_at TEXT,
  backfilled BIGINT NOT NULL DEFAULT 0,
  own TEXT,
  suspicions TEXT NOT NULL DEFAULT '[]',
  lead_s DOUBLE PRECISION,
  joined TEXT,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (source, id)
);
CREATE TABLE updates (
  source TEXT NOT NULL,
  id TEXT NOT NULL,
  version BIGINT NOT NULL,
  incident TEXT NOT NULL,
  stage TEXT NOT NULL,
  body TEXT NOT NULL,
  display_at TEXT NOT NULL,
  seen_at TEXT NOT NULL,
  transitions TEXT,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (source, id, version)
);
CREATE TABLE conditions (
  surface TEXT NOT NULL,
  since TEXT NOT NULL,
  until TEXT,
  condition TEXT NOT NULL,
  inferred BIGINT NOT NULL,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (surface, since)
);
CREATE TABLE verdicts (
  surface TEXT NOT NULL,
  since TEXT NOT NULL,
  until TEXT,
  verdict TEXT NOT NULL,
  exposure DOUBLE PRECISION NOT NULL,
  reason TEXT NOT NULL,
  reason_code TEXT NOT NULL,
  incident TEXT,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (surface, since)
);
CREATE TABLE events (
  id BIGINT PRIMARY KEY,
  kind TEXT NOT NULL,
  provider TEXT NOT NULL,
  incident TEXT,
  update_id TEXT,
  surface TEXT,
  condition TEXT,
  verdict TEXT,
  exposure DOUBLE PRECISION,
  stage TEXT,
  reason TEXT,
  reason_code TEXT,
  inferred BIGINT NOT NULL DEFAULT 0,
  text TEXT,
  before TEXT,
  is_baseline BIGINT NOT NULL DEFAULT 0,
  happened_at TEXT,
  seen_at TEXT NOT NULL,
  author TEXT,
  channel TEXT,
  about BIGINT REFERENCES events (id) DEFERRABLE,
  words TSVECTOR
);
CREATE TABLE subscriptions (
  channel TEXT NOT NULL,
  target TEXT NOT NULL,
  minimum TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at TEXT NOT NULL,
  mention TEXT NOT NULL DEFAULT '',
  rowid BIGINT GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (channel, target)
);
CREATE TABLE alerts (
  channel TEXT NOT NULL,
  incident TEXT NOT NULL,
  provider TEXT NOT NULL,
  ts TEXT,
  opened_at TEXT NOT NULL,
  rung_at TEXT,
  shared_key TEXT,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (channel, incident)
);
CREATE TABLE outbox (
  id BIGINT PRIMARY KEY,
  channel TEXT NOT NULL,
  key TEXT NOT NULL,
  kind TEXT NOT NULL,
  incident TEXT NOT NULL,
  post TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts BIGINT NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  due_at TEXT NOT NULL,
  sent_at TEXT,
  ts TEXT,
  error TEXT,
  left_at TEXT,
  doubted_from TEXT,
  rank BIGINT NOT NULL DEFAULT 5,
  refusals BIGINT NOT NULL DEFAULT 0,
  refused_from TEXT,
  is_outside_thread BIGINT NOT NULL DEFAULT 0,
  told_at TEXT,
  UNIQUE (channel, key)
);
CREATE TABLE worlds (
  provider TEXT PRIMARY KEY,
  saved_at TEXT NOT NULL,
  world TEXT NOT NULL,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY
);
CREATE TABLE estimates (
  incident TEXT PRIMARY KEY,
  provider TEXT NOT NULL,
  issued_at TEXT NOT NULL,
  elapsed_s DOUBLE PRECISION NOT NULL,
  p50_s DOUBLE PRECISION NOT NULL,
  p80_s DOUBLE PRECISION NOT NULL,
  p90_s DOUBLE PRECISION NOT NULL,
  n BIGINT NOT NULL,
  actual_s DOUBLE PRECISION,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY
);
CREATE TABLE affected (
  incident TEXT NOT NULL,
  surface TEXT NOT NULL,
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  channel TEXT NOT NULL,
  at TEXT NOT NULL,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (incident, surface, person)
);
CREATE TABLE acks (
  channel TEXT NOT NULL,
  incident TEXT NOT NULL,
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  at TEXT NOT NULL,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (channel, incident)
);
CREATE TABLE mutes (
  channel TEXT NOT NULL,
  target TEXT NOT NULL,
  until TEXT,
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  at TEXT NOT NULL,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (channel, target)
);
CREATE TABLE habits (
  channel TEXT PRIMARY KEY,
  maintenance BIGINT NOT NULL,
  quiet_start TEXT,
  quiet_end TEXT,
  zone TEXT NOT NULL,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY
);
CREATE TABLE withheld (
  channel TEXT NOT NULL,
  incident TEXT NOT NULL,
  provider TEXT NOT NULL,
  why TEXT NOT NULL,
  since TEXT NOT NULL,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (channel, incident)
);
CREATE TABLE reports (
  surface TEXT NOT NULL,
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  channel TEXT NOT NULL,
  at TEXT NOT NULL,
  writer TEXT NOT NULL DEFAULT '',
  rowid BIGINT GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (surface, person)
);
CREATE TABLE incident_surfaces (
  surface TEXT NOT NULL,
  posted_at TEXT NOT NULL,
  source TEXT NOT NULL,
  incident TEXT NOT NULL,
  PRIMARY KEY (surface, posted_at, source, incident)
);
CREATE TABLE incident_components (
  source TEXT NOT NULL,
  incident TEXT NOT NULL,
  component TEXT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (source, incident, component)
);
CREATE TABLE labels (
  incident TEXT NOT NULL,
  label TEXT NOT NULL,
  PRIMARY KEY (incident, label)
);
CREATE TABLE coverage (
  backfill BIGINT NOT NULL REFERENCES backfills (id) DEFERRABLE,
  since TEXT NOT NULL,
  until TEXT NOT NULL,
  PRIMARY KEY (backfill, since)
);
CREATE TABLE past_conditions (
  surface TEXT NOT NULL,
  until TEXT NOT NULL,
  since TEXT NOT NULL,
  backfill BIGINT NOT NULL REFERENCES backfills (id) DEFERRABLE,
  condition TEXT NOT NULL,
  inferred BIGINT NOT NULL,
  PRIMARY KEY (surface, until, since, backfill)
);
CREATE TABLE fetched (
  provider TEXT NOT NULL,
  incident TEXT NOT NULL,
  is_closed BIGINT NOT NULL,
  body_hash TEXT REFERENCES bodies (hash) DEFERRABLE,
  PRIMARY KEY (provider, incident)
);
CREATE TABLE pauses (
  channel TEXT PRIMARY KEY,
  code TEXT NOT NULL,
  remedy TEXT NOT NULL,
  since TEXT NOT NULL,
  tried_at TEXT NOT NULL,
  is_on_trial BIGINT NOT NULL,
  scope TEXT NOT NULL DEFAULT 'channel',
  tries BIGINT NOT NULL DEFAULT 0,
  probe_at TEXT NOT NULL DEFAULT '',
  told_at TEXT,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY
);
CREATE TABLE heard (
  key TEXT PRIMARY KEY,
  until TEXT NOT NULL
);
CREATE TABLE digests (
  channel TEXT PRIMARY KEY,
  at TEXT NOT NULL,
  zone TEXT NOT NULL,
  weekday BIGINT,
  on_calm BIGINT NOT NULL,
  done TEXT NOT NULL,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY
);
CREATE TABLE rooms (
  person TEXT PRIMARY KEY,
  channel TEXT NOT NULL,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY
);
CREATE TABLE homes (
  person TEXT PRIMARY KEY,
  opened_at TEXT NOT NULL,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY
);
CREATE TABLE tokens (
  name TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  may TEXT NOT NULL,
  created_at TEXT NOT NULL,
  used_at TEXT,
  vantages TEXT NOT NULL DEFAULT '',
  people BIGINT NOT NULL DEFAULT 1
);
CREATE TABLE salts (
  id BIGINT PRIMARY KEY CHECK (id = 1),
  salt BYTEA NOT NULL
);
CREATE TABLE outcomes (
  surface TEXT NOT NULL,
  client TEXT NOT NULL,
  since TEXT NOT NULL,
  until TEXT NOT NULL,
  ok BIGINT NOT NULL,
  errors TEXT NOT NULL,
  p50_ms DOUBLE PRECISION,
  p95_ms DOUBLE PRECISION,
  writer TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (surface, client, since, until, writer)
);
CREATE TABLE stored_forms (
  name TEXT PRIMARY KEY,
  form BIGINT NOT NULL CHECK (form > 0),
  rowid BIGINT GENERATED ALWAYS AS IDENTITY
);
CREATE TABLE probe_results (
  surface TEXT NOT NULL,
  vantage TEXT NOT NULL,
  at TEXT NOT NULL,
  ok BIGINT NOT NULL,
  ours BIGINT NOT NULL,
  why TEXT NOT NULL,
  status BIGINT,
  dns_ms DOUBLE PRECISION,
  connect_ms DOUBLE PRECISION,
  tls_ms DOUBLE PRECISION,
  first_byte_ms DOUBLE PRECISION,
  took_ms DOUBLE PRECISION,
  writer TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (surface, vantage, at, writer)
);
CREATE INDEX observations_by_source ON observations (source, id);
CREATE INDEX incidents_by_provider ON incidents (provider, posted_at);
CREATE INDEX incidents_by_time ON incidents (posted_at);
CREATE INDEX incidents_by_id ON incidents (id);
CREATE INDEX updates_by_incident ON updates (source, incident, display_at);
CREATE UNIQUE INDEX conditions_now ON conditions (surface) WHERE until IS NULL;
CREATE UNIQUE INDEX verdicts_now ON verdicts (surface) WHERE until IS NULL;
CREATE INDEX events_by_incident ON events (incident, id);
CREATE INDEX events_by_surface ON events (surface, id);
CREATE INDEX events_by_time ON events (provider, seen_at);
CREATE INDEX alerts_by_incident ON alerts (incident);
CREATE INDEX outbox_drawn ON outbox (channel, incident, id) WHERE kind IN ('alert', 'edit');
CREATE INDEX incidents_by_post ON incidents (posted_at);
CREATE INDEX observations_by_time ON observations (source, last_at);
CREATE INDEX observations_by_body ON observations (body_hash) WHERE body_hash IS NOT NULL;
CREATE INDEX fetched_by_body ON fetched (body_hash) WHERE body_hash IS NOT NULL;
CREATE INDEX heard_until ON heard (until);
CREATE INDEX outbox_parked ON outbox (id) WHERE state = 'parked';
CREATE INDEX outbox_order ON outbox (rank, id) WHERE state IN ('waiting', 'sending');
CREATE INDEX probe_results_by_time ON probe_results (at);
CREATE INDEX outcomes_by_time ON outcomes (until);
CREATE INDEX outbox_thread ON outbox (channel, incident, kind, rank, id) WHERE state IN ('waiting', 'sending');
CREATE INDEX events_words ON events USING gin (words);
CREATE TABLE schema_steps (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL);
INSERT INTO stored_forms (name, form) VALUES ('worlds', 1), ('posts', 1);
""".replace(" TEXT", ' TEXT COLLATE "C"')


def _next_id(table: str) -> str:
    """The number after the largest id, as SQLite gives one."""
    return f"""
CREATE FUNCTION next_id_{table}() RETURNS bigint LANGUAGE sql VOLATILE
  AS 'SELECT coalesce(max(id), 0) + 1 FROM {table}';
ALTER TABLE {table} ALTER COLUMN id SET DEFAULT next_id_{table}();
"""  # noqa: S608  (our own names)


_IDS = "".join(map(_next_id, ("backfills", "events", "observations", "outbox")))

_FUNCTIONS = """
CREATE FUNCTION json_each(listed text) RETURNS TABLE (value text) LANGUAGE sql IMMUTABLE
  AS 'SELECT json_array_elements_text(CAST(listed AS json))';
CREATE FUNCTION julianday(at text) RETURNS double precision LANGUAGE sql STABLE
  AS 'SELECT CAST(extract(epoch FROM CAST(at AS timestamptz)) AS double precision) / 86400 + 2440587.5';
"""

_TRIGGERS = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql
  AS $$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$;
CREATE TRIGGER events_stay BEFORE UPDATE ON events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_last BEFORE DELETE ON events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_whole BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE FUNCTION list_surfaces() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO incident_surfaces
  SELECT s.value, new.posted_at, new.source, new.id FROM json_each(new.surfaces) s ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER incidents_hit AFTER INSERT ON incidents FOR EACH ROW EXECUTE FUNCTION list_surfaces();
CREATE TRIGGER incidents_widen AFTER UPDATE OF surfaces ON incidents FOR EACH ROW EXECUTE FUNCTION list_surfaces();
"""

_VIEWS = """
CREATE VIEW incident_durations AS
  SELECT provider, id AS incident, name AS title, stage, is_maintenance, posted_at, closed_at,
         round(CAST((julianday(coalesce(closed_at, 'now')) - julianday(posted_at)) * 1440 AS numeric), 1) AS minutes,
         round(CAST((julianday(seen_at) - julianday(posted_at)) * 1440 AS numeric), 1) AS minutes_until_seen,
         (SELECT string_agg(s.value, ', ') FROM json_each(surfaces) s) AS services
  FROM incidents;
CREATE VIEW downtime_by_day AS
  SELECT c.surface AS service, CAST(d.day AS date) AS day, c.condition AS status,
         round(CAST(sum(extract(epoch FROM least(c.until, d.day + interval '1 day') - greatest(c.since, d.day))) / 60
               AS numeric), 1) AS minutes
  FROM (SELECT surface, condition, CAST(since AS timestamptz) AT TIME ZONE 'UTC' AS since,
               CAST(coalesce(until, 'now') AS timestamptz) AT TIME ZONE 'UTC' AS until
        FROM conditions WHERE condition IN ('degraded', 'partial_outage', 'major_outage')) c
  CROSS JOIN generate_series(date_trunc('day', c.since), c.until, interval '1 day') d(day)
  WHERE greatest(c.since, d.day) < least(c.until, d.day + interval '1 day')
  GROUP BY 1, 2, 3;
CREATE VIEW advice_over_time AS
  SELECT surface AS service, verdict AS advice, exposure AS share_of_load, since, until, reason_code, reason,
         round(CAST((julianday(coalesce(until, 'now')) - julianday(since)) * 1440 AS numeric), 1) AS minutes
  FROM verdicts;
CREATE VIEW vendor_lag AS
  SELECT i.provider, u.incident, i.name AS title, u.stage, u.display_at AS posted_at, u.seen_at,
         round(CAST((julianday(u.seen_at) - julianday(u.display_at)) * 1440 AS numeric), 1) AS minutes
  FROM updates u JOIN incidents i ON i.source = u.source AND i.id = u.incident
  WHERE u.version = 1 AND i.backfilled = 0 AND i.is_baseline = 0;
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

BASE = _FUNCTIONS + _TABLES + _IDS + _TRIGGERS + _VIEWS

_OVERRIDES = """
CREATE TABLE overrides (
  channel TEXT NOT NULL,
  surface TEXT NOT NULL,
  kind TEXT NOT NULL,
  until TEXT NOT NULL,
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  at TEXT NOT NULL,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (channel, surface)
);
"""
_WORKFLOW_STEPS = """
CREATE TABLE workflow_steps (
  execution TEXT PRIMARY KEY,
  step TEXT NOT NULL,
  surface TEXT NOT NULL,
  since TEXT NOT NULL,
  until TEXT NOT NULL,
  slowly BIGINT NOT NULL,
  fails_late BIGINT NOT NULL,
  outcome TEXT,
  due_at TEXT NOT NULL,
  attempts BIGINT NOT NULL DEFAULT 0,
  ended_at TEXT,
  error TEXT NOT NULL DEFAULT ''
);
"""
_LINK_CARDS = """
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
  is_external BIGINT NOT NULL,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (channel, ts, url)
);
CREATE INDEX link_cards_by_time ON link_cards (shown_at);
CREATE INDEX incidents_by_url ON incidents (url);
"""
_DECLARED = """
CREATE TABLE declared (
  number BIGINT PRIMARY KEY,
  title TEXT NOT NULL,
  severity TEXT NOT NULL,
  origin TEXT NOT NULL,
  place TEXT NOT NULL,
  channel TEXT NOT NULL,
  no_channel TEXT NOT NULL,
  closes_when_safe BIGINT NOT NULL,
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
CREATE INDEX declared_open ON declared (number) WHERE closed_at IS NULL;
CREATE TABLE declared_links (
  number BIGINT NOT NULL,
  incident TEXT NOT NULL,
  at TEXT NOT NULL,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (number, incident)
);
CREATE INDEX declared_links_incident ON declared_links (incident);
CREATE TABLE declared_entries (
  id BIGINT PRIMARY KEY,
  number BIGINT NOT NULL,
  kind TEXT NOT NULL,
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  at TEXT NOT NULL,
  text TEXT NOT NULL,
  ts TEXT NOT NULL
);
CREATE INDEX declared_entries_number ON declared_entries (number, at);
CREATE UNIQUE INDEX declared_entries_message ON declared_entries (number, ts) WHERE ts <> '';
"""
_HANDED_EVIDENCE = """
CREATE TABLE handed_evidence (
  id BIGINT PRIMARY KEY,
  provider TEXT NOT NULL,
  batch TEXT NOT NULL,
  at TEXT NOT NULL
);
""" + _next_id("handed_evidence")
_MONTH_SUMS = """
CREATE TABLE month_sums (
  provider TEXT NOT NULL,
  month TEXT NOT NULL,
  basis TEXT NOT NULL,
  reads_from TEXT NOT NULL,
  reads_until TEXT NOT NULL,
  token TEXT NOT NULL,
  sums TEXT,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (provider, month)
);
CREATE INDEX month_sums_by_time ON month_sums (reads_until);
CREATE INDEX month_sums_by_provider ON month_sums (provider, reads_until);
CREATE INDEX updates_with_transitions ON updates (source, display_at)
  WHERE transitions IS NOT NULL AND transitions <> '[]';
CREATE FUNCTION forget_months_of_poll() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF tg_op <> 'INSERT' THEN
    DELETE FROM month_sums WHERE provider = old.source AND reads_until > old.first_at AND reads_from < old.last_at;
  END IF;
  IF tg_op <> 'DELETE' THEN
    DELETE FROM month_sums WHERE provider = new.source AND reads_until > new.first_at AND reads_from < new.last_at;
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION forget_months_of_longer_poll() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  DELETE FROM month_sums WHERE provider = new.source
  AND reads_until > least(old.last_at, new.last_at) AND reads_from < greatest(old.last_at, new.last_at);
  RETURN NULL;
END $$;
CREATE FUNCTION forget_months_of_status() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF tg_op <> 'INSERT' THEN
    DELETE FROM month_sums WHERE reads_until > old.since AND reads_from < coalesce(old.until, '~');
  END IF;
  IF tg_op <> 'DELETE' THEN
    DELETE FROM month_sums WHERE reads_until > new.since AND reads_from < coalesce(new.until, '~');
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION forget_months_of_ended_status() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  DELETE FROM month_sums WHERE reads_until > least(coalesce(old.until, '~'), coalesce(new.until, '~'))
  AND reads_from < greatest(coalesce(old.until, '~'), coalesce(new.until, '~'));
  RETURN NULL;
END $$;
CREATE FUNCTION forget_months_of_incident() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF tg_op <> 'INSERT' THEN
    DELETE FROM month_sums
    WHERE provider = old.provider AND reads_until > old.posted_at AND reads_from < old.posted_at;
  END IF;
  IF tg_op <> 'DELETE' THEN
    DELETE FROM month_sums
    WHERE provider = new.provider AND reads_until > new.posted_at AND reads_from < new.posted_at;
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION forget_months_of_seen_incident() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  DELETE FROM month_sums
  WHERE old.backfilled <> new.backfilled AND provider = new.provider AND reads_until > new.posted_at;
  RETURN NULL;
END $$;
CREATE FUNCTION forget_months_of_update() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changed updates%ROWTYPE;
BEGIN
  IF tg_op <> 'INSERT' THEN
    DELETE FROM month_sums
    WHERE provider = old.source AND reads_until > old.display_at AND reads_from < old.display_at;
  END IF;
  IF tg_op <> 'DELETE' THEN
    DELETE FROM month_sums
    WHERE provider = new.source AND reads_until > new.display_at AND reads_from < new.display_at;
    changed := new;
  ELSE
    changed := old;
  END IF;
  DELETE FROM month_sums WHERE provider = changed.source
  AND reads_until > (SELECT posted_at FROM incidents WHERE source = changed.source AND id = changed.incident)
  AND reads_from < (SELECT posted_at FROM incidents WHERE source = changed.source AND id = changed.incident);
  RETURN NULL;
END $$;
CREATE FUNCTION forget_months_of_history() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF tg_op = 'DELETE' THEN
    DELETE FROM month_sums WHERE provider = (SELECT provider FROM backfills WHERE id = old.backfill);
  ELSE
    DELETE FROM month_sums WHERE provider = (SELECT provider FROM backfills WHERE id = new.backfill);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER months_of_new_poll AFTER INSERT ON observations
  FOR EACH ROW EXECUTE FUNCTION forget_months_of_poll();
CREATE TRIGGER months_of_longer_poll AFTER UPDATE OF last_at ON observations
  FOR EACH ROW EXECUTE FUNCTION forget_months_of_longer_poll();
CREATE TRIGGER months_of_other_poll AFTER UPDATE OF source, outcome, first_at ON observations
  FOR EACH ROW EXECUTE FUNCTION forget_months_of_poll();
CREATE TRIGGER months_of_lost_poll AFTER DELETE ON observations
  FOR EACH ROW EXECUTE FUNCTION forget_months_of_poll();
CREATE TRIGGER months_of_new_status AFTER INSERT ON conditions
  FOR EACH ROW EXECUTE FUNCTION forget_months_of_status();
CREATE TRIGGER months_of_ended_status AFTER UPDATE OF until ON conditions
  FOR EACH ROW EXECUTE FUNCTION forget_months_of_ended_status();
CREATE TRIGGER months_of_other_status AFTER UPDATE OF surface, since, condition, inferred ON conditions
  FOR EACH ROW EXECUTE FUNCTION forget_months_of_status();
CREATE TRIGGER months_of_lost_status AFTER DELETE ON conditions
  FOR EACH ROW EXECUTE FUNCTION forget_months_of_status();
CREATE TRIGGER months_of_new_incident AFTER INSERT ON incidents
  FOR EACH ROW EXECUTE FUNCTION forget_months_of_incident();
CREATE TRIGGER months_of_other_incident AFTER UPDATE ON incidents
  FOR EACH ROW EXECUTE FUNCTION forget_months_of_incident();
CREATE TRIGGER months_of_incident_seen AFTER UPDATE OF backfilled ON incidents
  FOR EACH ROW EXECUTE FUNCTION forget_months_of_seen_incident();
CREATE TRIGGER months_of_lost_incident AFTER DELETE ON incidents
  FOR EACH ROW EXECUTE FUNCTION forget_months_of_incident();
CREATE TRIGGER months_of_new_update AFTER INSERT ON updates
  FOR EACH ROW EXECUTE FUNCTION forget_months_of_update();
CREATE TRIGGER months_of_other_update AFTER UPDATE ON updates
  FOR EACH ROW EXECUTE FUNCTION forget_months_of_update();
CREATE TRIGGER months_of_lost_update AFTER DELETE ON updates
  FOR EACH ROW EXECUTE FUNCTION forget_months_of_update();
CREATE TRIGGER months_of_new_coverage AFTER INSERT ON coverage
  FOR EACH ROW EXECUTE FUNCTION forget_months_of_history();
CREATE TRIGGER months_of_other_coverage AFTER UPDATE ON coverage
  FOR EACH ROW EXECUTE FUNCTION forget_months_of_history();
CREATE TRIGGER months_of_lost_coverage AFTER DELETE ON coverage
  FOR EACH ROW EXECUTE FUNCTION forget_months_of_history();
CREATE TRIGGER months_of_new_past_status AFTER INSERT ON past_conditions
  FOR EACH ROW EXECUTE FUNCTION forget_months_of_history();
CREATE TRIGGER months_of_other_past_status AFTER UPDATE ON past_conditions
  FOR EACH ROW EXECUTE FUNCTION forget_months_of_history();
CREATE TRIGGER months_of_lost_past_status AFTER DELETE ON past_conditions
  FOR EACH ROW EXECUTE FUNCTION forget_months_of_history();
"""
_OUTBOX_NEXT = "CREATE INDEX outbox_next ON outbox (channel, rank, id, kind) WHERE state IN ('waiting', 'sending');\n"
LATER_STEPS: tuple[tuple[str, str], ...] = (
    ("overrides_with_an_end", _OVERRIDES),
    ("workflow_steps_outlive_the_process", _WORKFLOW_STEPS),
    ("link_cards_are_kept_up_to_date", _LINK_CARDS),
    ("incidents_declared_by_a_team", _DECLARED),
    ("evidence_that_a_follower_took", _HANDED_EVIDENCE),
    ("workflow_steps_declare_incidents", "ALTER TABLE workflow_steps ADD COLUMN declared BIGINT;\n"),
    ("sums_of_months_that_have_passed", _MONTH_SUMS),
    ("what_waits_is_found_by_its_rank", _OUTBOX_NEXT),
)  # name and SQL of the steps that came after ``BASE``, in their order


def by_bytes(sql: str) -> str:
    """The statements with every text column compared by its bytes, as SQLite does."""
    return sql.replace(" TEXT", ' TEXT COLLATE "C"')


def step_names() -> tuple[str, ...]:
    """The names of all steps that this version knows, in their order."""
    return (*BASE_STEPS, *(name for name, _ in LATER_STEPS))

BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'brownout','the_first_house','2026-11-30 15:58:50.792758+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'brownout','forecasts_are_kept','2026-11-30 15:58:50.793021+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'brownout','people_take_part','2026-11-30 15:58:50.794317+00:00');
INSERT INTO "_sqlite_migrations" VALUES(4,'brownout','the_archive','2026-11-30 15:58:50.797207+00:00');
INSERT INTO "_sqlite_migrations" VALUES(5,'brownout','the_beginnings_of_words','2026-11-30 15:58:50.798159+00:00');
INSERT INTO "_sqlite_migrations" VALUES(6,'brownout','bodies_can_be_found_by_looks','2026-11-30 15:58:50.798398+00:00');
INSERT INTO "_sqlite_migrations" VALUES(7,'brownout','channels_can_be_paused','2026-11-30 15:58:50.799347+00:00');
INSERT INTO "_sqlite_migrations" VALUES(8,'brownout','what_was_heard','2026-11-30 15:58:50.799599+00:00');
INSERT INTO "_sqlite_migrations" VALUES(9,'brownout','the_rounds','2026-11-30 15:58:50.799862+00:00');
INSERT INTO "_sqlite_migrations" VALUES(10,'brownout','programs_may_write','2026-11-30 15:58:50.800076+00:00');
INSERT INTO "_sqlite_migrations" VALUES(11,'brownout','what_others_see','2026-11-30 15:58:50.801824+00:00');
INSERT INTO "_sqlite_migrations" VALUES(12,'brownout','what_is_parked_is_counted','2026-11-30 15:58:50.802025+00:00');
CREATE TABLE acks (               -- who takes care of it in a channel
  channel TEXT NOT NULL,
  incident TEXT NOT NULL,
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (channel, incident)
);
CREATE TABLE affected (           -- who said "I'm affected", once each
  incident TEXT NOT NULL,
  surface TEXT NOT NULL,
  person TEXT NOT NULL,           -- the chat's id of them
  name TEXT NOT NULL,
  channel TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (incident, surface, person)
);
CREATE TABLE alerts (             -- one message per incident and channel
  channel TEXT NOT NULL,
  incident TEXT NOT NULL,
  provider TEXT NOT NULL,
  ts TEXT,                        -- Slack's id of the message, once it is sent
  opened_at TEXT NOT NULL, rung_at TEXT /* when that mention was used, once per message */,
  PRIMARY KEY (channel, incident)
);
INSERT INTO "alerts" VALUES('C1','inc1','acme',NULL,'2026-03-02T13:31:00.000Z',NULL);
CREATE TABLE backfills (          -- histories that were read in
  id INTEGER PRIMARY KEY,
  provider TEXT NOT NULL,
  origin TEXT NOT NULL,           -- SHA-256 of the file, or the page's address
  name TEXT NOT NULL,             -- of the file
  read_at TEXT NOT NULL,          -- the first time
  UNIQUE (provider, origin)
);
CREATE TABLE bodies (
  hash TEXT PRIMARY KEY,          -- SHA-256 of the bytes
  body BLOB NOT NULL,             -- the bytes, zlib-compressed, once per hash
  size INTEGER NOT NULL           -- before compression
);
INSERT INTO "bodies" VALUES('13873524266118493a7d358478e2e084724ac8598395111c6bf2408da4826539',X'789C958E310EC2300C45AF5279860BB031B2B13120845CC7144B891335AE18AADE1D0754012393E5F7BF9F3C43C18161D7CD20C10720257EA14D078AA945B077068B03CAA96465B5EAF8BC9ED0168BFCF48F87B656439B5A1372E1114DB2626CC130E6A938BF61ACECDE8FE8C1FDB7E8C47D15E33F641727A224617DB2814A770E53E4704D286AACA8C4EF7479026E3E50E7',257);
INSERT INTO "bodies" VALUES('8411333a11fa55f896aa0412692e1a08549d6de765eb168b1699302565bfaffc',X'789C8D92414BC3401085FFCAB2672349040FBD79F0E0CD832028254C7627E9DA6467D9DD584AE97F7736AD9AB4D40A8190EFBDBC799BC94E3A68512EC44E1ACD3709AAC711DD0869A14F927C6026F70C14F58E2CDA1818BF7FBFA2327066E67F7E4A8F21421C9253F6F041BEA2211E835B4F8363A1812E2007FF266DB09E26BD621D4CC4791A39F4100D59E8CEC3964C8C55469FB664584CA31FBD271F0459115728CE2A1BFB89219A9607D93649A677A0E2CF6912521E21A2AE60C4655EDE67F95D96972F45B9C873BEDEE4A44D3538CDF659A9A1B832B526BD3D7C08011E4547B46645181B4998789B2CDA04D7C1F64A8BFF7585A641956CA79B56A4F1AF5D53A7AB8B1BB2B8A92EFC0CFBE5B8B1F9B8030B6A857AE8B84C0F7C5EB460151EF52F13DFD61C',695);
CREATE TABLE conditions (
  surface TEXT NOT NULL,
  since TEXT NOT NULL,
  until TEXT,                     -- NULL: now
  condition TEXT NOT NULL,
  inferred INTEGER NOT NULL,      -- only words support it
  PRIMARY KEY (surface, since)
);
INSERT INTO "conditions" VALUES('acme-api','2026-03-02T12:01:00.000Z','2026-03-02T13:31:00.000Z','operational',0);
INSERT INTO "conditions" VALUES('acme-web','2026-03-02T12:01:00.000Z',NULL,'operational',0);
INSERT INTO "conditions" VALUES('acme-api','2026-03-02T13:31:00.000Z',NULL,'major_outage',0);
CREATE TABLE coverage (           -- the time that a history speaks for
  backfill INTEGER NOT NULL REFERENCES backfills(id),
  since TEXT NOT NULL,
  until TEXT NOT NULL,
  PRIMARY KEY (backfill, since)
) WITHOUT ROWID;
CREATE TABLE digests (            -- when a channel is told what has been
  channel TEXT PRIMARY KEY,
  at TEXT NOT NULL,               -- time of day
  zone TEXT NOT NULL,             -- of that, by its IANA name
  weekday INTEGER,                -- from Monday, 0; NULL: every day
  on_calm INTEGER NOT NULL,       -- 1: a line also where nothing broke
  done TEXT NOT NULL              -- the due time that was dealt with last; at first, when this was chosen
);
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
INSERT INTO "estimates" VALUES('inc1','acme','2026-03-02T13:31:00.000Z',5460.0,5880.0,19080.0,54840.0,0,NULL);
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
, author TEXT /* who said it, if one of our people */, channel TEXT /* where it was said; only that channel may read it */, about INTEGER REFERENCES events(id) /* the event that a correction corrects */);
INSERT INTO "events" VALUES(1,'verdict_changed','acme',NULL,NULL,'acme-api','operational','retry_gently',0.1,NULL,'Retry Acme API gently (10%): nothing is open on it, and it is watched only since 12:01 UTC; normal after 12:16 UTC if it stays clean.','starting',0,NULL,NULL,1,NULL,'2026-03-02T12:01:00.000Z',NULL,NULL,NULL);
INSERT INTO "events" VALUES(2,'verdict_changed','acme',NULL,NULL,'acme-web','operational','retry_gently',0.1,NULL,'Retry acme.example gently (10%): nothing is open on it, and it is watched only since 12:01 UTC; normal after 12:16 UTC if it stays clean.','starting',0,NULL,NULL,1,NULL,'2026-03-02T12:01:00.000Z',NULL,NULL,NULL);
INSERT INTO "events" VALUES(3,'verdict_changed','acme',NULL,NULL,'acme-api','operational','retry_normally',1.0,NULL,'Retry Acme API normally: the page of Acme showed no incident on it at 12:16 UTC; a new post would change it.','quiet',0,NULL,NULL,0,NULL,'2026-03-02T12:16:00.000Z',NULL,NULL,NULL);
INSERT INTO "events" VALUES(4,'verdict_changed','acme',NULL,NULL,'acme-web','operational','retry_normally',1.0,NULL,'Retry acme.example normally: the page of Acme showed no incident on it at 12:16 UTC; a new post would change it.','quiet',0,NULL,NULL,0,NULL,'2026-03-02T12:16:00.000Z',NULL,NULL,NULL);
INSERT INTO "events" VALUES(5,'incident_opened','acme','inc1',NULL,NULL,NULL,NULL,NULL,'investigating','impact major','new_incident',0,'Errors on the API',NULL,0,'2026-03-02T12:00:00.000Z','2026-03-02T13:31:00.000Z',NULL,NULL,NULL);
INSERT INTO "events" VALUES(6,'update_posted','acme','inc1','u1',NULL,NULL,NULL,NULL,'investigating',NULL,NULL,0,'We are looking into it.',NULL,0,'2026-03-02T12:00:00.000Z','2026-03-02T13:31:00.000Z',NULL,NULL,NULL);
INSERT INTO "events" VALUES(7,'surface_changed','acme','inc1',NULL,'acme-api','major_outage',NULL,NULL,NULL,'update u1; component c-api','transition',0,NULL,NULL,0,NULL,'2026-03-02T13:31:00.000Z',NULL,NULL,NULL);
INSERT INTO "events" VALUES(8,'verdict_changed','acme','inc1',NULL,'acme-api','major_outage','hold_off',0.0,NULL,'Hold off Acme API until 14:01 UTC (review): Acme had posted investigating by 13:31 UTC; gentle after 5 min clean; half of such incidents end within 98 min more.','down',0,NULL,NULL,0,NULL,'2026-03-02T13:31:00.000Z',NULL,NULL,NULL);
CREATE VIRTUAL TABLE events_fts -- the search index: the words of events.text, and their beginnings of 3 and 4 letters
USING FTS5 (
  text, tokenize='unicode61 remove_diacritics 2', prefix='3 4', content=events, content_rowid=id
);
CREATE TABLE fetched (            -- own pages of incidents, kept while a page's history is walked, so that it can go on
  provider TEXT NOT NULL,
  incident TEXT NOT NULL,
  is_closed INTEGER NOT NULL,     -- an open one is asked for again
  body_hash TEXT REFERENCES bodies(hash), -- NULL: the page was gone
  PRIMARY KEY (provider, incident)
) WITHOUT ROWID;
CREATE TABLE habits (             -- how a channel wants to be told
  channel TEXT PRIMARY KEY,
  maintenance INTEGER NOT NULL,   -- 1: maintenances too
  quiet_start TEXT,               -- time of day; NULL: no quiet hours
  quiet_end TEXT,
  zone TEXT NOT NULL              -- of the quiet hours, by its IANA name
);
CREATE TABLE heard (              -- what came from Slack and must not act twice
  key TEXT PRIMARY KEY,           -- an event's id, as Slack names it
  until TEXT NOT NULL             -- forgotten after
) WITHOUT ROWID;
CREATE TABLE homes (              -- who looks at the bot's Home, which is kept up to date for a while
  person TEXT PRIMARY KEY,
  opened_at TEXT NOT NULL
);
CREATE TABLE incident_components ( -- the page's components that an incident was linked to
  source TEXT NOT NULL,
  incident TEXT NOT NULL,
  component TEXT NOT NULL,        -- the vendor's id, or the name where it gives none
  name TEXT NOT NULL,
  PRIMARY KEY (source, incident, component)
) WITHOUT ROWID;
CREATE TABLE incident_surfaces (  -- incidents.surfaces, turned round; kept by triggers
  surface TEXT NOT NULL,
  posted_at TEXT NOT NULL,
  source TEXT NOT NULL,
  incident TEXT NOT NULL,
  PRIMARY KEY (surface, posted_at, source, incident)
) WITHOUT ROWID;
INSERT INTO "incident_surfaces" VALUES('acme-api','2026-03-02T12:00:00.000Z','acme','inc1');
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
  is_retroactive INTEGER NOT NULL, started_at TEXT /* the start that the vendor states */, backfilled INTEGER NOT NULL DEFAULT 0 /* 1: a history told it, we never saw it live */, own TEXT /* unposted or suspected: an incident of ours */, suspicions TEXT NOT NULL DEFAULT '[]' /* JSON list of ours that it took over */, lead_s REAL /* how long we had told of it before the page did */, joined TEXT /* of a suspicion: the incident that took it over */,-- was already over when we first saw it
  PRIMARY KEY (source, id)
);
INSERT INTO "incidents" VALUES('acme','inc1','acme','Errors on the API','investigating','major','2026-03-02T12:00:00.000Z','2026-03-02T13:31:00.000Z',NULL,NULL,'["acme-api"]',NULL,0,0,0,NULL,0,NULL,'[]',NULL,NULL);
CREATE TABLE labels (             -- what people filed an incident under; each change is an event too
  incident TEXT NOT NULL,
  label TEXT NOT NULL,
  PRIMARY KEY (incident, label)
) WITHOUT ROWID;
CREATE TABLE mutes (              -- what a channel wants to hear nothing of
  channel TEXT NOT NULL,
  target TEXT NOT NULL,           -- a surface, a provider, an incident, or all
  until TEXT,                     -- NULL: until the incident is over
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (channel, target)
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
INSERT INTO "observations" VALUES(1,'acme','changed','','2026-03-02T12:01:00.000Z','2026-03-02T12:01:00.000Z',1,100.0,'13873524266118493a7d358478e2e084724ac8598395111c6bf2408da4826539');
INSERT INTO "observations" VALUES(2,'acme','same','','2026-03-02T12:02:00.000Z','2026-03-02T13:30:00.000Z',89,100.0,NULL);
INSERT INTO "observations" VALUES(3,'acme','changed','','2026-03-02T13:31:00.000Z','2026-03-02T13:31:00.000Z',1,100.0,'8411333a11fa55f896aa0412692e1a08549d6de765eb168b1699302565bfaffc');
INSERT INTO "observations" VALUES(4,'acme','same','','2026-03-02T13:32:00.000Z','2026-03-02T13:32:00.000Z',1,100.0,NULL);
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
  error TEXT, left_at TEXT /* when it was last sent off, whatever came of it */, doubted_from TEXT /* since when its fate has been unknown */,
  UNIQUE (channel, key)
);
INSERT INTO "outbox" VALUES(1,'C1','inc1:alert','alert','inc1','{"channel":"C1","kind":"alert","key":"inc1:alert","about":{"incident":"inc1","provider":"acme","provider_name":"Acme","title":"Errors on the API","stage":"investigating","lines":[{"surface":"acme-api","name":"Acme API","condition":"major_outage","verdict":{"surface":"acme-api","call":"hold_off","as_of":"2026-03-02T13:31:00Z","exposure":0.0,"reason":"Hold off Acme API until 14:01 UTC (review): Acme had posted investigating by 13:31 UTC; gentle after 5 min clean; half of such incidents end within 98 min more.","reason_code":"down","review_at":"2026-03-02T14:01:00Z","inferred":false,"incidents":["inc1"],"instead":null,"because":"Acme had posted investigating by 13:31 UTC; gentle after 5 min clean; half of such incidents end within 98 min more"},"inferred":false,"people":"","programs":""}],"posted_at":"2026-03-02T12:00:00Z","seen_at":"2026-03-02T13:31:00Z","as_of":"2026-03-02T13:31:00Z","updates":1,"url":"https://status.acme.example","closed_at":null,"ending":null,"again_after":null,"earlier":"","estimate":{"incident":"inc1","issued_at":"2026-03-02T13:31:00Z","elapsed":"PT1H31M","p50":"PT1H38M","p80":"PT5H18M","p90":"PT15H14M","n":0,"method":"residual_life+aci"},"record":"","news":[],"watched":[],"opens":true,"is_maintenance":false,"is_unposted":false,"missed":null,"is_suspected":false,"lead":null,"takes_over":[],"yields_to":[],"follows":[]},"news":null,"id":0,"mentions":[],"held":"","points_to":""}','waiting',0,'2026-03-02T13:31:00.000Z','2026-03-02T13:31:00.000Z',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(2,'C1','inc1:update:u1','reply','inc1','{"channel":"C1","kind":"reply","key":"inc1:update:u1","about":{"incident":"inc1","provider":"acme","provider_name":"Acme","title":"Errors on the API","stage":"investigating","lines":[{"surface":"acme-api","name":"Acme API","condition":"major_outage","verdict":{"surface":"acme-api","call":"hold_off","as_of":"2026-03-02T13:31:00Z","exposure":0.0,"reason":"Hold off Acme API until 14:01 UTC (review): Acme had posted investigating by 13:31 UTC; gentle after 5 min clean; half of such incidents end within 98 min more.","reason_code":"down","review_at":"2026-03-02T14:01:00Z","inferred":false,"incidents":["inc1"],"instead":null,"because":"Acme had posted investigating by 13:31 UTC; gentle after 5 min clean; half of such incidents end within 98 min more"},"inferred":false,"people":"","programs":""}],"posted_at":"2026-03-02T12:00:00Z","seen_at":"2026-03-02T13:31:00Z","as_of":"2026-03-02T13:31:00Z","updates":1,"url":"https://status.acme.example","closed_at":null,"ending":null,"again_after":null,"earlier":"","estimate":{"incident":"inc1","issued_at":"2026-03-02T13:31:00Z","elapsed":"PT1H31M","p50":"PT1H38M","p80":"PT5H18M","p90":"PT15H14M","n":0,"method":"residual_life+aci"},"record":"","news":[],"watched":[],"opens":true,"is_maintenance":false,"is_unposted":false,"missed":null,"is_suspected":false,"lead":null,"takes_over":[],"yields_to":[],"follows":[]},"news":{"kinds":["update"],"key":"update:u1","at":"2026-03-02T12:00:00Z","stage":"investigating","quote":"We are looking into it.","before":"","change":"","wider":[],"verdicts":[],"broadcast":false,"by":"","anew":[]},"id":0,"mentions":[],"held":"","points_to":""}','waiting',0,'2026-03-02T13:31:00.000Z','2026-03-02T13:31:00.000Z',NULL,NULL,NULL,NULL,NULL);
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
CREATE TABLE past_conditions (    -- conditions as a history tells them by our rules; what is not listed was operational
  surface TEXT NOT NULL,
  until TEXT NOT NULL,
  since TEXT NOT NULL,
  backfill INTEGER NOT NULL REFERENCES backfills(id),
  condition TEXT NOT NULL,
  inferred INTEGER NOT NULL,      -- only words support it
  PRIMARY KEY (surface, until, since, backfill)
) WITHOUT ROWID;
CREATE TABLE pauses (             -- channels that take nothing for now
  channel TEXT PRIMARY KEY,
  code TEXT NOT NULL,             -- the chat's reason
  remedy TEXT NOT NULL,           -- what people can do about it
  since TEXT NOT NULL,
  tried_at TEXT NOT NULL,         -- when it last refused a post
  is_on_trial INTEGER NOT NULL    -- 1: what it is owed is sent once more
);
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
CREATE TABLE reports (            -- what people say is broken, once each and surface, the newest
  surface TEXT NOT NULL,
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  channel TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (surface, person)
);
CREATE TABLE rooms (              -- somebody's direct messages with the bot
  person TEXT PRIMARY KEY,
  channel TEXT NOT NULL           -- the chat's id of them, which edits need
);
CREATE TABLE salts (              -- what pseudonyms are made with, so that nobody can be guessed; never exported
  id INTEGER PRIMARY KEY CHECK (id = 1),
  salt BLOB NOT NULL
);
CREATE TABLE sources (
  id TEXT PRIMARY KEY,            -- the source, as the catalogue calls it
  provider TEXT NOT NULL,
  looked_at TEXT,                 -- the last look, usable or not
  seen_at TEXT,                   -- the last usable look
  body_hash TEXT,                 -- SHA-256 of the last usable body
  host TEXT                       -- who answered last
);
INSERT INTO "sources" VALUES('acme','acme','2026-03-02T13:32:00.000Z','2026-03-02T13:32:00.000Z','8411333a11fa55f896aa0412692e1a08549d6de765eb168b1699302565bfaffc','status.acme.example');
CREATE TABLE subscriptions (
  channel TEXT NOT NULL,
  target TEXT NOT NULL,           -- a surface, or a provider for all of its surfaces
  minimum TEXT NOT NULL,          -- the condition from which on it is told
  created_by TEXT NOT NULL,
  created_at TEXT NOT NULL, mention TEXT NOT NULL DEFAULT '' /* whom a complete outage rings */,
  PRIMARY KEY (channel, target)
);
INSERT INTO "subscriptions" VALUES('C1','acme','degraded','U1','2026-03-02T12:00:00.000Z','');
CREATE TABLE tokens (             -- who may write by HTTP; never exported
  name TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,      -- SHA-256 of the secret, which is nowhere
  may TEXT NOT NULL,              -- outcomes, probes, reports: what it may write
  created_at TEXT NOT NULL,
  used_at TEXT                    -- the last time, to the hour
);
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
INSERT INTO "updates" VALUES('acme','u1',1,'inc1','investigating','We are looking into it.','2026-03-02T12:00:00.000Z','2026-03-02T13:31:00.000Z','[["c-api", "API", "operational", "major_outage"]]');
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
INSERT INTO "verdicts" VALUES('acme-api','2026-03-02T12:01:00.000Z','2026-03-02T12:16:00.000Z','retry_gently',0.1,'Retry Acme API gently (10%): nothing is open on it, and it is watched only since 12:01 UTC; normal after 12:16 UTC if it stays clean.','starting',NULL);
INSERT INTO "verdicts" VALUES('acme-web','2026-03-02T12:01:00.000Z','2026-03-02T12:16:00.000Z','retry_gently',0.1,'Retry acme.example gently (10%): nothing is open on it, and it is watched only since 12:01 UTC; normal after 12:16 UTC if it stays clean.','starting',NULL);
INSERT INTO "verdicts" VALUES('acme-api','2026-03-02T12:16:00.000Z','2026-03-02T13:31:00.000Z','retry_normally',1.0,'Retry Acme API normally: the page of Acme showed no incident on it at 12:16 UTC; a new post would change it.','quiet',NULL);
INSERT INTO "verdicts" VALUES('acme-web','2026-03-02T12:16:00.000Z',NULL,'retry_normally',1.0,'Retry acme.example normally: the page of Acme showed no incident on it at 12:16 UTC; a new post would change it.','quiet',NULL);
INSERT INTO "verdicts" VALUES('acme-api','2026-03-02T13:31:00.000Z',NULL,'hold_off',0.0,'Hold off Acme API until 14:01 UTC (review): Acme had posted investigating by 13:31 UTC; gentle after 5 min clean; half of such incidents end within 98 min more.','down','inc1');
CREATE TABLE withheld (           -- alerts that wait for a mute or for quiet hours to end
  channel TEXT NOT NULL,
  incident TEXT NOT NULL,
  provider TEXT NOT NULL,
  why TEXT NOT NULL,
  since TEXT NOT NULL,
  PRIMARY KEY (channel, incident)
);
CREATE TABLE worlds (             -- what the rules remember of each provider, so that a restart goes on where it was
  provider TEXT PRIMARY KEY,
  saved_at TEXT NOT NULL,
  world TEXT NOT NULL             -- JSON
);
INSERT INTO "worlds" VALUES('acme','2026-03-02T13:32:00.000Z','{"provider":"acme","components":[{"id":"c-api","name":"API","condition":"major_outage"},{"id":"c-web","name":"Website","condition":"operational"}],"incidents":[{"incident":{"id":"inc1","name":"Errors on the API","stage":"investigating","impact":"major","created_at":"2026-03-02T12:00:00Z","updates":[{"id":"u1","stage":"investigating","body":"We are looking into it.","display_at":"2026-03-02T12:00:00Z","transitions":[{"component_id":"c-api","name":"API","old":"operational","new":"major_outage"}]}],"components":[],"started_at":null,"url":null,"is_maintenance":false,"scheduled_for":null,"scheduled_until":null,"is_unposted":false,"is_suspected":false},"seen_at":"2026-03-02T13:31:00Z","surfaces":["acme-api"],"closed_at":null,"ending":null,"is_baseline":false,"is_retroactive":false,"is_missed":false,"freed":[],"is_backfilled":false,"suspicions":[],"lead":null,"joined":null}],"seen_at":"2026-03-02T13:32:00Z","blind_since":null,"failures":0,"host":"status.acme.example","hits":[{"surface":"acme-api","incident":"inc1","weight":"down","condition":"major_outage","stage":"investigating","basis":"transition","since":"2026-03-02T12:00:00Z","grounds":["update u1","component c-api"],"inferred":false,"residual":false,"expires":null}],"tracks":[{"surface":"acme-api","looked_at":"2026-03-02T13:32:00Z","watched_since":"2026-03-02T12:01:00Z","bad":true,"presumed":false,"bad_by":["inc1"],"bad_since":"2026-03-02T13:31:00Z","bad_until":null,"clean_looks":0,"clean_look_at":"2026-03-02T12:16:00Z","doubted":false,"doubted_until":null,"maintained":false,"maintained_until":null,"residual_since":null,"closed_at":null,"incidents":[{"incident":"inc1","first_at":"2026-03-02T13:31:00Z","stage":"investigating","stage_at":"2026-03-02T13:31:00Z","down":true,"open":true}],"relapses":[],"shown":true,"shown_until":null,"witnessed_until":null},{"surface":"acme-web","looked_at":"2026-03-02T13:32:00Z","watched_since":"2026-03-02T12:01:00Z","bad":false,"presumed":false,"bad_by":[],"bad_since":null,"bad_until":null,"clean_looks":18,"clean_look_at":"2026-03-02T13:32:00Z","doubted":false,"doubted_until":null,"maintained":false,"maintained_until":null,"residual_since":null,"closed_at":null,"incidents":[],"relapses":[],"shown":false,"shown_until":null,"witnessed_until":null}],"states":[{"surface":"acme-api","condition":"major_outage","since":"2026-03-02T13:31:00Z","inferred":false},{"surface":"acme-web","condition":"operational","since":"2026-03-02T12:01:00Z","inferred":false}],"verdicts":[{"surface":"acme-api","call":"hold_off","as_of":"2026-03-02T13:32:00Z","exposure":0.0,"reason":"Hold off Acme API until 14:02 UTC (review): Acme had posted investigating by 13:31 UTC; gentle after 5 min clean; half of such incidents end within 98 min more.","reason_code":"down","review_at":"2026-03-02T14:02:00Z","inferred":false,"incidents":["inc1"],"instead":null,"because":"Acme had posted investigating by 13:31 UTC; gentle after 5 min clean; half of such incidents end within 98 min more"},{"surface":"acme-web","call":"retry_normally","as_of":"2026-03-02T13:32:00Z","exposure":1.0,"reason":"Retry acme.example normally: the page of Acme showed no incident on it at 13:32 UTC; a new post would change it.","reason_code":"quiet","review_at":null,"inferred":false,"incidents":[],"instead":null,"because":"the page of Acme showed no incident on it at 13:32 UTC; a new post would change it"}],"bare":[],"outlook":{"lifetimes":{"minutes":[],"levels":[0.5,0.8,0.9]},"first":[{"incident":"inc1","issued_at":"2026-03-02T13:31:00Z","elapsed":"PT1H31M","p50":"PT1H38M","p80":"PT5H18M","p90":"PT15H14M","n":0,"method":"residual_life+aci"}],"grades":[]},"testimonies":[]}');
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
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
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_last BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE INDEX alerts_by_incident ON alerts (incident);
CREATE INDEX outbox_due ON outbox (channel, id) WHERE state IN ('waiting', 'sending');
CREATE INDEX outbox_drawn ON outbox (channel, incident, id) WHERE kind IN ('alert', 'edit');
CREATE INDEX incidents_by_post ON incidents (posted_at);
CREATE INDEX observations_by_time ON observations (source, last_at);
CREATE TRIGGER incidents_hit AFTER INSERT ON incidents BEGIN
  INSERT INTO incident_surfaces SELECT value, new.posted_at, new.source, new.id FROM json_each(new.surfaces) WHERE true
  ON CONFLICT DO NOTHING; END;
CREATE TRIGGER incidents_widen AFTER UPDATE OF surfaces ON incidents BEGIN
  INSERT INTO incident_surfaces SELECT value, new.posted_at, new.source, new.id FROM json_each(new.surfaces) WHERE true
  ON CONFLICT DO NOTHING; END;
CREATE TRIGGER events_ai AFTER INSERT ON events BEGIN
  INSERT INTO events_fts (rowid, text) VALUES (new.id, new.text); END;
CREATE INDEX observations_by_body ON observations (body_hash) WHERE body_hash IS NOT NULL;
CREATE INDEX fetched_by_body ON fetched (body_hash) WHERE body_hash IS NOT NULL;
CREATE INDEX heard_until ON heard (until);
CREATE INDEX probe_results_by_time ON probe_results (at);
CREATE INDEX outcomes_by_time ON outcomes (until);
CREATE INDEX outbox_parked ON outbox (id) WHERE state = 'parked';
COMMIT;
INSERT INTO events_fts(events_fts) VALUES ('rebuild');

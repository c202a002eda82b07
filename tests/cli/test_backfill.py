"""Histories into the database: what is kept, that a second reading changes nothing, and that nothing live is disturbed."""

import json
from contextlib import closing
from datetime import timedelta

import pytest

from bot import settings
from bot.domain import PollResult
from bot.formats import statuspage
from bot.rules import transition
from bot.storage import Repository
from tests.support.past_incidents import LATE, LIVE, PAGE, T0, RefusedError, at, file, run, update


def dump(path):
    repository = Repository.open(path)
    tables = repository._db.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'events_fts%'")
    found = {t["name"]: repository._db.rows(f"SELECT * FROM {t['name']}") for t in tables}  # noqa: S608
    repository.close()
    return found


def known_of(path, incident):
    with closing(Repository.open(path)) as repository:
        return repository.tracked_incident(incident)


@pytest.fixture
def db(tmp_path):
    return tmp_path / "b.db"


def test_an_incident_of_a_history_is_kept_with_its_updates_and_marked(tmp_path, db):
    run("backfill", file(tmp_path, LIVE), "--db", db)
    _, known = known_of(db, "inc1")
    assert known.is_backfilled
    assert [u.id for u in known.incident.updates] == ["u1", "u2", "u3"]


def test_a_history_tells_conditions_from_the_first_bad_post_to_monitoring(tmp_path, db):
    run("backfill", file(tmp_path, LIVE), "--db", db)
    rows = [r for r in dump(db)["past_conditions"] if r["surface"] == "claude-web"]
    assert [(r["since"][11:16], r["until"][11:16], r["condition"]) for r in rows] == [
        ("10:00", "11:00", "partial_outage")
    ]


def test_an_incident_that_was_posted_only_when_it_was_over_is_kept_and_changes_no_condition(tmp_path, db):
    run("backfill", file(tmp_path, LATE), "--db", db)
    _, known = known_of(db, "inc2")
    assert (known.is_retroactive, known.surfaces, dump(db)["past_conditions"]) == (True, ("claude-web",), [])


def test_the_timeline_of_a_backfilled_incident_has_the_vendors_times_and_no_verdicts(tmp_path, db):
    run("backfill", file(tmp_path, LIVE), "--db", db)
    with closing(Repository.open(db)) as repository:
        kinds = [e.kind for e in repository.events("inc1")]
    assert kinds[:2] == ["incident_opened", "update_posted"]
    assert kinds[-1] == "incident_resolved"
    assert "verdict_changed" not in kinds


def test_reading_a_history_twice_changes_nothing(tmp_path, db):
    path = file(tmp_path, LIVE, LATE)
    run("backfill", path, "--db", db)
    before = dump(db)
    run("backfill", path, "--db", db)
    assert dump(db) == before


def test_a_later_history_goes_on_where_an_earlier_one_ended(tmp_path, db):
    early = LIVE | {"status": "investigating", "incident_updates": LIVE["incident_updates"][2:]}
    run("backfill", file(tmp_path, early, name="early.json"), "--db", db)
    run("backfill", file(tmp_path, LIVE, name="late.json"), "--db", db)
    _, known = known_of(db, "inc1")
    assert (known.incident.stage, len(known.incident.updates), known.is_open) == ("resolved", 3, False)


def test_an_earlier_history_read_after_a_later_one_takes_nothing_back(tmp_path, db):
    early = LIVE | {"status": "investigating", "incident_updates": LIVE["incident_updates"][2:]}
    run("backfill", file(tmp_path, LIVE, name="late.json"), "--db", db)
    run("backfill", file(tmp_path, early, name="early.json"), "--db", db)
    assert known_of(db, "inc1")[1].incident.stage == "resolved"


def test_a_history_owes_nothing_to_anybody_and_leaves_what_the_rules_remember_alone(tmp_path, db):
    run("backfill", file(tmp_path, LIVE), "--db", db)
    found = dump(db)
    assert (found["outbox"], found["alerts"], found["worlds"], found["conditions"]) == ([], [], [], [])


def poll_page(repository, at_minute, *incidents):
    """A poll of our own at a page that lists these incidents."""
    found = settings.load()
    provider = found.provider("claude")
    body = {"page": PAGE, "components": [], "incidents": list(incidents), "scheduled_maintenances": []}
    seen = PollResult(T0 + timedelta(minutes=at_minute), statuspage.parse_body(body))
    world = repository.provider_state("claude") or transition.ProviderState("claude")
    done = transition.apply_poll(world, seen, transition.TransitionContext(provider, found.rules_for(provider), {}))
    repository.record_transition(None, done, ())
    return done


def test_an_incident_that_we_watched_is_not_touched_by_its_history(tmp_path, db):
    repository = Repository.open(db)
    poll_page(repository, -5)
    poll_page(repository, 1, LIVE | {"status": "investigating", "incident_updates": LIVE["incident_updates"][2:]})
    repository.close()
    before = dump(db)
    run("backfill", file(tmp_path, LIVE), "--db", db)
    after = dump(db)
    for table in ("incidents", "worlds", "conditions", "verdicts"):
        assert after[table] == before[table]


def test_an_open_incident_of_a_history_becomes_ours_when_we_see_it_live(tmp_path, db):
    early = LIVE | {"status": "investigating", "incident_updates": LIVE["incident_updates"][2:]}
    run("backfill", file(tmp_path, early), "--db", db)
    with closing(Repository.open(db)) as repository:
        poll_page(repository, -5)
        done = poll_page(repository, 1, early)
        _, known = repository.tracked_incident("inc1")
    assert "incident_opened" in [e.kind for e in done.events]
    assert (known.is_backfilled, known.seen_at) == (False, T0 + timedelta(minutes=1))


def test_the_page_in_the_file_says_whose_history_it_is(tmp_path, db):
    said = run("backfill", "openai", file(tmp_path, LIVE), "--db", db)
    assert said.startswith("claude: 1 incidents")


def test_a_file_of_an_unknown_page_asks_for_the_provider(tmp_path, db):
    with pytest.raises(RefusedError, match="name the provider too"):
        run("backfill", file(tmp_path, LIVE, page={"name": "nobody"}), "--db", db)


def test_polls_that_never_show_a_page_ask_for_the_provider(tmp_path, db):
    path = tmp_path / "polls.ndjson"
    path.write_text(json.dumps({"polled_at": at(0), "body": None}) + "\n")
    with pytest.raises(RefusedError, match="without a name: name the provider too"):
        run("backfill", "--from", path, "--db", db)


def test_the_page_in_the_polls_says_whose_they_are(tmp_path, db):
    page = {"page": PAGE, "components": [], "incidents": [], "scheduled_maintenances": []}
    path = tmp_path / "polls.ndjson"
    path.write_text("".join(json.dumps({"polled_at": at(n), "body": page}) + "\n" for n in range(3)))
    assert run("backfill", "--from", path, "--db", db).startswith("claude: 0 incidents")


def test_a_blind_stretch_of_a_recording_is_not_covered(tmp_path, db):
    page = {"page": PAGE, "components": [], "incidents": [], "scheduled_maintenances": []}
    lines = [(0, page), (60, None), (180, page), (240, page)]
    path = tmp_path / "polls.ndjson"
    path.write_text("\n".join(json.dumps({"polled_at": at(m), "body": b}) for m, b in lines))
    run("backfill", "claude", "--from", path, "--db", db)
    covered = [(r["since"][11:16], r["until"][11:16]) for r in dump(db)["coverage"]]
    assert covered == [("10:00", "11:00"), ("13:00", "14:00")]


def test_among_many_files_one_that_is_no_recording_is_left_out(tmp_path, db):
    (tmp_path / "labels.json").write_text('{"x": [1]}')
    run("backfill", tmp_path / "labels.json", file(tmp_path, LIVE), "--db", db)
    assert known_of(db, "inc1")


def test_no_provider_and_no_file_asks_for_one(db):
    with pytest.raises(RefusedError, match="Name a provider"):
        run("backfill", "--db", db)
    with pytest.raises(RefusedError, match="no provider “clod”"):
        run("backfill", "clod", "--db", db)


def test_a_post_mortem_is_kept_with_the_incident_that_it_is_about(tmp_path, db):
    late = update(4, "postmortem", 3 * 24 * 60, "A deploy broke the login.")
    told = LIVE | {"incident_updates": [late, *LIVE["incident_updates"]]}
    run("backfill", file(tmp_path, told), "--db", db)
    with closing(Repository.open(db)) as repository:
        _, known = repository.tracked_incident("inc1")
        events = repository.events("inc1")
    assert (known.incident.updates[-1].body, known.closed_at.isoformat()[:16]) == (
        "A deploy broke the login.",
        at(90)[:16],
    )
    assert [e.text for e in events].count("A deploy broke the login.") == 1


def test_a_second_reading_brings_the_post_mortem_that_was_written_since(tmp_path, db):
    late = update(4, "postmortem", 3 * 24 * 60, "A deploy broke the login.")
    run("backfill", file(tmp_path, LIVE, name="a.json"), "--db", db)
    told = LIVE | {"incident_updates": [late, *LIVE["incident_updates"]]}
    run("backfill", file(tmp_path, told, name="b.json"), "--db", db)
    assert [u.id for u in known_of(db, "inc1")[1].incident.updates] == ["u1", "u2", "u3", "u4"]


def test_an_empty_history_is_read_and_said_to_hold_nothing(tmp_path, db):
    assert run("backfill", file(tmp_path), "--db", db) == "claude: history.json holds nothing to read in.\n"

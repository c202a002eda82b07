"""Uptime, history, search, notes, labels, export and import, as they are asked for."""

import json
import re
import shutil
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest

from bot import settings
from bot.commands import registry
from bot.commands.parsing import split_off_days
from bot.queries.current import StatusQueries
from bot.storage import Repository
from tests.support.past_incidents import LATE, LIVE, T0, RefusedError, file, incident, run, update
from tests.support.slack_limits import assert_sendable

NOW = T0 + timedelta(days=2)
TERMINAL = "terminal"


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("filled")
    run("backfill", file(folder, LIVE, LATE), "--db", folder / "b.db")
    return folder / "b.db"


@pytest.fixture
def db(tmp_path, filled):
    return shutil.copy(filled, tmp_path / "b.db")


@pytest.fixture
def queries(db):
    found = settings.load()
    repository = Repository.open(db)
    yield StatusQueries(tuple(p for p in found.providers if p.enabled), repository, lambda: NOW, found.rules_for)
    repository.close()


def ask(queries, text, channel="C1", user="U1"):
    return unescape(registry.answer_command(queries, text, channel, user).message.text)


# --- uptime and history -----------------------------------------------------------------------------------------------


def test_less_than_a_day_of_data_gives_no_percentage(queries):
    said = ask(queries, "uptime claude-web 3d")
    assert "Claude web: Not enough data yet: 10 h. Available after 24 h. (2 incidents, 1 h downtime)" in said
    assert "2024-05-01 ◆??" in said
    assert "Downtime: 1 h partial outage (100% of it inferred)" in said
    assert "operational," not in said.partition("(")[0]


def test_services_with_too_little_data_are_named_together(queries):
    said = ask(queries, "uptime claude 3d")
    assert "Not enough data yet: Claude web, Claude mobile apps" in said
    assert "%" not in said


def test_less_than_a_day_of_data_says_that_there_is_none_for_an_objective(queries):
    claude = next(p for p in queries.providers if p.id == "claude")
    surfaces = tuple(replace(s, slo=99.0) for s in claude.surfaces)
    watched = replace(queries, providers=(replace(claude, surfaces=surfaces),))
    assert "SLO 99%, 30 days: no data (" in ask(watched, "uptime claude-web 3d")


def test_history_lists_the_newest_incident_first_and_says_which_was_posted_late(queries):
    said = ask(queries, "history claude-web 30d")
    assert said.startswith("Claude web: 2 incidents in 30 days")
    assert said.index("posted after it was resolved, no duration stated · inc2") < said.index(
        "partial outage, 1 h 30 min · inc1"
    )


def test_history_without_incidents_says_so(queries):
    assert ask(queries, "history github 30d") == "No incidents recorded for GitHub in 30 days."


@pytest.mark.parametrize("whose", ["", "claude ", "claude-web "])
def test_history_without_incidents_in_its_time_says_when_the_newest_was(queries, whose):
    assert "Last: 2024-05-01." in ask(queries, f"history {whose}1h")


@pytest.mark.parametrize(
    ("typed", "days"),
    [
        ("90d", 90),
        ("12h", 0.5),
        ("2w", 14),
        ("1Y", 365),
        ("3mo", 90),
        ("2 weeks", 14),
        ("1d 12h", 1.5),
        ("3660d", 3660),
    ],
)
def test_a_length_is_read_wherever_it_stands(typed, days):
    assert split_off_days(("a", *typed.split(), "b"), 30) == (("a", "b"), days)


def test_without_a_length_the_usual_days_are_meant():
    assert split_off_days(("a", "b"), 30) == (("a", "b"), 30)


@pytest.mark.parametrize("verb", ["history", "uptime"])
@pytest.mark.parametrize("length", ["0d", "99y", "30min", "99999999w", "3661d"])
def test_a_length_beyond_reason_is_refused_with_the_right_form(queries, verb, length):
    said = ask(queries, f"{verb} claude-web {length}")
    assert f"“{length}” is out of range (1h to 10y). Write 30d, 3mo or 1y." in said


@pytest.mark.parametrize("verb", ["history", "uptime"])
@pytest.mark.parametrize("length", ["30m", "12M"])
def test_m_is_no_month_and_the_answer_says_how_to_write_months(queries, verb, length):
    assert f"for months write {length.lower()}o. Write 30d, 3mo or 1y." in ask(queries, f"{verb} claude-web {length}")


@pytest.mark.parametrize("verb", ["history", "uptime"])
@pytest.mark.parametrize("typed", ["claude-web 1x", "1x", "30 claude-web"])
def test_what_looks_like_a_length_is_answered_as_one(queries, verb, typed):
    assert "is not a duration" in ask(queries, f"{verb} {typed}")


@pytest.mark.parametrize("verb", ["history", "uptime"])
def test_a_length_in_plain_words_is_taken(queries, verb):
    assert ask(queries, f"{verb} claude-web 2 weeks") == ask(queries, f"{verb} claude-web 14d")


# --- notes and labels -------------------------------------------------------------------------------------------------


def test_a_note_stands_in_the_timeline_with_its_author(queries):
    ask(queries, "note inc1 we moved the batch to Tuesday")
    assert "by U1\n> we moved the batch to Tuesday" in ask(queries, "timeline inc1")


@pytest.mark.hostile(38, "another channel's notes, asked for from here", "not in any answer here")
def test_a_note_of_one_channel_is_not_read_in_another(queries):
    ask(queries, "note inc1 between us", channel="C1")
    assert "between us" not in ask(queries, "timeline inc1", channel="C2")
    assert queries.repository.archive.search("between us", "C2").found == ()
    assert queries.repository.archive.search("between us", "C1").found


def test_a_correction_is_a_new_event_and_the_note_stays(queries):
    said = ask(queries, "note inc1 it was the cache")
    number = said.split()[1]
    ask(queries, f"note inc1 corrects:{number} it was the database")
    told = ask(queries, "timeline inc1")
    assert f"note #{number} by U1 (corrected by #{int(number) + 1})\n> it was the cache" in told
    assert f"correction #{int(number) + 1} of #{number} by U1\n> it was the database" in told


def test_only_what_is_in_the_timeline_can_be_corrected(queries):
    assert "has no #999999 to correct" in ask(queries, "note inc1 corrects:999999 no")


def test_a_note_without_an_incident_goes_to_the_newest(queries):
    assert "added to incident inc2" in ask(queries, "note still looking")


def test_a_note_without_words_asks_for_them(queries):
    assert "What is the note?" in ask(queries, "note inc1")


def test_labels_are_added_and_taken_off_and_both_are_events(queries):
    ask(queries, "label inc1 postmortem-due cache")
    ask(queries, "label inc1 off:cache")
    said = ask(queries, "timeline inc1")
    assert "Labels: postmortem-due." in said
    assert "label removed by U1: “cache”" in said


# --- search -----------------------------------------------------------------------------------------------------------


def test_search_asks_for_all_words_and_finds_titles_and_posts(db):
    assert "inc1" in run("search", "errors", "look", "--db", db)
    assert "inc2" in run("search", "Trouble", "--db", db)


def test_search_of_words_that_stand_nowhere_says_so(db):
    with pytest.raises(RefusedError, match="No results for"):
        run("search", "errors", "zebra", "--db", db)


def test_a_phrase_and_a_beginning_can_be_searched_for(queries):
    assert [p.incident for p in queries.repository.archive.search('"fix is in"').found] == ["inc1"]
    assert queries.repository.archive.search('"is fix in"').found == ()
    assert [p.incident for p in queries.repository.archive.search("err*").found] == ["inc2", "inc1"]


# --- export and import ------------------------------------------------------------------------------------------------


def test_an_export_as_json_has_every_update_and_event(db):
    said = json.loads(run("export", "inc1", "--format", "json", "--db", db))
    assert [u["id"] for u in said["incident"]["updates"]] == ["u1", "u2", "u3"]
    assert said["events"][0]["kind"] == "incident_opened"


def test_an_export_for_a_calendar_runs_from_the_first_post_to_the_end(db):
    said = run("export", "inc1", "--format", "ics", "--db", db)
    assert "DTSTART:20240501T100000Z" in said
    assert "DTEND:20240501T113000Z" in said


def test_an_export_as_markdown_has_the_facts_and_the_timeline(db):
    said = run("export", "inc1", "--db", db)
    assert said.startswith("# Trouble with requests\n")
    assert "> All is well.  " in said


def test_an_export_as_html_stands_alone(db):
    said = run("export", "inc1", "--format", "html", "--db", db)
    assert said.startswith("<!doctype html>")
    assert "<script" not in said
    assert "http" not in said.replace("https://stspg", "")


def test_everything_exported_and_read_into_an_empty_database_gives_the_same_answers(queries, db, tmp_path):
    ask(queries, "note inc1 kept", channel=TERMINAL)
    ask(queries, "label inc1 kept-too")
    file, copy = tmp_path / "all.json", tmp_path / "copy.db"
    run("export", "--all", file, "--db", db)
    run("import", file, "--db", copy)
    other = replace(queries, repository=Repository.open(copy))
    for question in ("summary inc1", "timeline inc1", "uptime claude-web 3d", "history claude 30d", "status"):
        assert ask(other, question) == ask(queries, question)
    assert other.repository.archive.search("errors") == queries.repository.archive.search("errors")
    other.repository.close()


def test_posts_of_one_moment_stand_in_the_pages_order_in_a_copy_too(tmp_path):
    posts = [update(1, "investigating", 0, "First."), update(0, "identified", 0, "Second.")]
    whole = incident(updates=[update(3, "resolved", 9, "Over."), *posts[::-1]])
    repository, all_of_it, copy = tmp_path / "a.db", tmp_path / "all.json", tmp_path / "b.db"
    run("backfill", file(tmp_path, whole), "--db", repository)
    run("export", "--all", all_of_it, "--db", repository)
    run("import", all_of_it, "--db", copy)
    told = run("timeline", "inc1", "--db", copy)
    assert told.index("First.") < told.index("Second.")
    assert told == run("timeline", "inc1", "--db", repository)
    with closing(Repository.open(copy)) as kept:
        assert [u.id for u in kept.tracked_incident("inc1")[1].incident.updates] == ["u1", "u0", "u3"]


def test_a_surface_that_a_later_telling_takes_back_is_taken_back_from_its_list_of_incidents(tmp_path):
    repository, elsewhere = tmp_path / "a.db", [{"id": "k8w3r06qmzrp", "name": "Claude API"}]
    run("backfill", file(tmp_path, LATE, name="1.json"), "--db", repository)
    edited = LATE | {"components": elsewhere, "incident_updates": [{**LATE["incident_updates"][0], "body": "The API."}]}
    run("backfill", file(tmp_path, edited, name="2.json"), "--db", repository)
    with closing(Repository.open(repository)) as kept:
        listed = kept._db.rows("SELECT surface FROM incident_surfaces")
    assert [row["surface"] for row in listed] == ["claude-api"]


def test_the_whole_database_goes_to_standard_output_too(db, tmp_path):
    run("export", "--all", tmp_path / "all.json", "--db", db)
    assert run("export", "--all", "-", "--db", db) == (tmp_path / "all.json").read_text()


def test_an_export_of_the_copy_is_the_same_file(db, tmp_path):
    first, second, copy = tmp_path / "1.json", tmp_path / "2.json", tmp_path / "copy.db"
    run("export", "--all", first, "--db", db)
    run("import", first, "--db", copy)
    run("export", "--all", second, "--db", copy)
    assert first.read_text() == second.read_text()


def test_an_import_into_a_database_that_is_not_empty_is_refused(db, tmp_path):
    file = tmp_path / "all.json"
    run("export", "--all", file, "--db", db)
    with pytest.raises(RefusedError, match="not empty"):
        run("import", file, "--db", db)


@pytest.mark.hostile(
    60, "an import with SQL as a column, unknown tables, too many values", "refused whole; nothing is kept"
)
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"brownout": "book/9"},
        {"brownout": "book/1", "tables": {"nobody": {"columns": [], "rows": []}}},
        {"brownout": "book/1", "tables": {"events": {"columns": ["id; DROP TABLE events"], "rows": []}}},
        {"brownout": "book/1", "tables": {"events": {"columns": ["id"], "rows": [[1, 2]]}}},
    ],
)
def test_what_is_no_export_is_refused_and_nothing_is_kept(body, tmp_path):
    file = tmp_path / "all.json"
    file.write_text(json.dumps(body))
    with pytest.raises(RefusedError):
        run("import", file, "--db", tmp_path / "new.db")


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_a_picture_comes_with_the_sentence_that_says_the_same(db, tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need the extra 'charts'")
    out = tmp_path / "incident.png"
    said = run("timeline", "inc1", "--picture", out, "--db", db)
    assert out.read_bytes().startswith(b"\x89PNG")
    assert "10:00 partial outage, 11:00 operational" in said.splitlines()[-1]


def test_a_picture_of_days_is_of_one_surface(db, tmp_path):
    with pytest.raises(RefusedError, match="one service"):
        run("uptime", "--picture", tmp_path / "days.png", "--db", db)


@pytest.mark.parametrize(
    ("length", "says"),
    [
        (("1x",), "“1x” is not a duration. Examples: 30d, 3mo or 1y."),
        (("12m",), "for months write 12mo"),
        (("99y",), "out of range"),
    ],
)
def test_a_mistyped_length_is_refused_on_the_command_line_too(db, tmp_path, length, says):
    picture = tmp_path / "days.png"
    with pytest.raises(RefusedError, match=re.escape(says)):
        run("uptime", "claude-web", *length, "--picture", picture, "--db", db)


@pytest.mark.parametrize("words", [("claude-web", "2", "weeks"), ("claude-web", "2 weeks"), ("14d", "claude-web")])
def test_a_length_may_be_several_words_of_the_command_line(db, words):
    assert run("uptime", *words, "--db", db) == run("uptime", "claude-web", "14d", "--db", db)


def test_labels_are_put_on_and_taken_off_on_the_command_line_too(db):
    run("label", "inc1", "cache", "dns", "--db", db)
    assert "“dns”" in run("label", "inc1", "off:cache", "--db", db)


def test_what_is_noted_on_the_command_line_is_for_every_channel(queries, db):
    run("note", "inc1", "for all", "--db", db)
    assert "by the command line\n> for all" in ask(queries, "timeline inc1", channel="C9")


# --- timeline in pages ------------------------------------------------------------------------------------------------


def paged(queries, text="timeline inc1", channel="C1"):
    message = registry.answer_command(queries, text, channel, "U1", "ada").message
    assert_sendable(replace(message, text=message.text[:4000]))
    buttons = {e["text"]["text"]: e["value"] for b in message.blocks if b["type"] == "actions" for e in b["elements"]}
    return unescape(message.text), buttons


def test_a_timeline_of_two_hundred_notes_is_shown_whole_in_pages_the_newest_first(queries):
    for number in range(200):
        ask(queries, f"note inc1 remark {number:03d} {'x' * 300}")
    said, buttons = paged(queries)
    assert said.index("remark 199") < said.index("remark 198")
    seen = set()
    while "Older" in buttons:
        seen |= set(re.findall(r"remark \d{3}", said))
        said, buttons = paged(queries, buttons["Older"])
    seen |= set(re.findall(r"remark \d{3}", said))
    assert len(seen) == 200
    assert "Newer" in buttons


def test_one_page_needs_no_buttons_to_others(queries):
    said, buttons = paged(queries)
    assert "Newest first." in said
    assert not {"Older", "Newer"} & set(buttons)


def test_a_page_that_is_not_there_is_the_last(queries):
    assert paged(queries, "timeline inc1 page:99")[0] == paged(queries)[0]

"""Uptime, history, search, notes, labels, export and import, as they are asked for."""

import json
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest

from bot import settings
from bot.edge.store import Store
from bot.entry import commands
from bot.entry.almanac import split
from bot.entry.desk import Desk
from bot.errors import UsageError
from tests.entry.pasts import LATE, LIVE, T0, RefusedError, file, incident, run, update

NOW = T0 + timedelta(days=2)
TERMINAL = "terminal"


@pytest.fixture
def db(tmp_path):
    path = tmp_path / "book.db"
    run("backfill", file(tmp_path, LIVE, LATE), "--db", path)
    return path


@pytest.fixture
def desk(db):
    found = settings.load()
    book = Store.open(db)
    yield Desk(tuple(p for p in found.providers if p.enabled), book, lambda: NOW, found.rules_for)
    book.close()


def ask(desk, text, channel="C1", user="U1"):
    return unescape(commands.answer(desk, text, channel, user).message.text)


# --- uptime and history -----------------------------------------------------------------------------------------------


def test_uptime_of_a_surface_gives_its_share_by_both_definitions_and_a_strip(desk):
    said = ask(desk, "uptime claude-web 3d")
    assert "90.00 % available: 1 h partly down, in 1 stretch and 2 incidents" in said  # 60 of 600 known minutes
    assert "definition of icpe25" in said
    assert "2024-05-01 ◑??" in said


def test_uptime_says_how_much_is_not_known(desk):
    assert "Nothing is known of" in ask(desk, "uptime claude-web 3d")


def test_uptime_of_a_provider_is_a_line_for_each_surface(desk):
    assert "claude.ai in the browser (claude-web): 90.00 % available" in ask(desk, "uptime claude 3d")


def test_uptime_with_an_objective_says_what_is_left(desk):
    claude = next(p for p in desk.providers if p.id == "claude")
    surfaces = tuple(replace(s, slo=99.0) for s in claude.surfaces)
    watched = replace(desk, providers=(replace(claude, surfaces=surfaces),))
    assert "SLO 99 %, 30 days: error budget overspent by" in ask(watched, "uptime claude-web 3d")


def test_history_lists_the_newest_incident_first_and_says_which_was_told_late(desk):
    said = ask(desk, "history claude-web 30d")
    assert said.index("told after it was over: inc2") < said.index("over after 1 h 30 min: inc1")


def test_history_without_incidents_says_so(desk):
    assert ask(desk, "history github 30d").endswith("None is in the book for this time.")


@pytest.mark.parametrize("whose", ["", "claude ", "claude-web "])
def test_history_without_incidents_in_its_time_says_when_the_newest_was(desk, whose):
    assert "The newest is of 2024-05-01" in ask(desk, f"history {whose}1h")


@pytest.mark.parametrize(("typed", "days"), [("90d", 90), ("12h", 0.5), ("2w", 14), ("1Y", 365)])
def test_a_span_is_read_wherever_it_stands(typed, days):
    assert split(("a", typed, "b"), 30) == (("a", "b"), days)


@pytest.mark.parametrize("typed", ["0d", "99y"])
def test_a_span_beyond_reason_is_refused(typed):
    with pytest.raises(UsageError, match="ten years"):
        split((typed,), 30)


# --- notes and labels -------------------------------------------------------------------------------------------------


def test_a_note_stands_in_the_timeline_with_its_author(desk):
    ask(desk, "note inc1 we moved the batch to Tuesday")
    assert "by U1\n> we moved the batch to Tuesday" in ask(desk, "timeline inc1")


@pytest.mark.hostile(38, "another channel's notes, asked for from here", "not in any answer here")
def test_a_note_of_one_channel_is_not_read_in_another(desk):
    ask(desk, "note inc1 between us", channel="C1")
    assert "between us" not in ask(desk, "timeline inc1", channel="C2")
    assert desk.book.archive.search("between us", "C2").found == ()
    assert desk.book.archive.search("between us", "C1").found


def test_a_correction_is_a_new_event_and_the_note_stays(desk):
    said = ask(desk, "note inc1 it was the cache")
    number = said.split("#")[1].split()[0]
    ask(desk, f"note inc1 corrects:{number} it was the database")
    told = ask(desk, "timeline inc1")
    assert f"note #{number} by U1 (corrected by #{int(number) + 1})\n> it was the cache" in told
    assert f"correction #{int(number) + 1} of #{number} by U1\n> it was the database" in told


def test_only_what_is_in_the_timeline_can_be_corrected(desk):
    assert "has no #999999 to correct" in ask(desk, "note inc1 corrects:999999 no")


def test_a_note_without_an_incident_goes_to_the_newest(desk):
    assert "the timeline of inc2" in ask(desk, "note still looking")


def test_a_note_without_words_asks_for_them(desk):
    assert "What is there to note?" in ask(desk, "note inc1")


def test_labels_are_added_and_taken_off_and_both_are_events(desk):
    ask(desk, "label inc1 postmortem-due cache")
    ask(desk, "label inc1 off:cache")
    said = ask(desk, "timeline inc1")
    assert "Labels: postmortem-due." in said
    assert "label removed by U1: “cache”" in said


# --- search -----------------------------------------------------------------------------------------------------------


def test_search_asks_for_all_words_and_finds_titles_and_posts(db):
    assert "inc1" in run("search", "errors", "look", "--db", db)
    assert "inc2" in run("search", "Trouble", "--db", db)


def test_search_of_words_that_stand_nowhere_says_so(db):
    with pytest.raises(RefusedError, match="stands nowhere"):
        run("search", "errors", "zebra", "--db", db)


def test_a_phrase_and_a_beginning_can_be_searched_for(desk):
    assert [p.incident for p in desk.book.archive.search('"fix is in"').found] == ["inc1"]
    assert desk.book.archive.search('"is fix in"').found == ()
    assert [p.incident for p in desk.book.archive.search("err*").found] == ["inc2", "inc1"]


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


def test_everything_exported_and_read_into_an_empty_book_gives_the_same_answers(desk, db, tmp_path):
    ask(desk, "note inc1 kept", channel=TERMINAL)
    ask(desk, "label inc1 kept-too")
    file, copy = tmp_path / "all.json", tmp_path / "copy.db"
    run("export", "--all", file, "--db", db)
    run("import", file, "--db", copy)
    other = replace(desk, book=Store.open(copy))
    for question in ("summary inc1", "timeline inc1", "uptime claude-web 3d", "history claude 30d", "status"):
        assert ask(other, question) == ask(desk, question)
    assert other.book.archive.search("errors") == desk.book.archive.search("errors")
    other.book.close()


def test_posts_of_one_moment_stand_in_the_pages_order_in_a_copy_too(tmp_path):
    posts = [update(1, "investigating", 0, "First."), update(0, "identified", 0, "Second.")]
    whole = incident(updates=[update(3, "resolved", 9, "Over."), *posts[::-1]])
    book, all_of_it, copy = tmp_path / "a.db", tmp_path / "all.json", tmp_path / "b.db"
    run("backfill", file(tmp_path, whole), "--db", book)
    run("export", "--all", all_of_it, "--db", book)
    run("import", all_of_it, "--db", copy)
    told = run("timeline", "inc1", "--db", copy)
    assert told.index("First.") < told.index("Second.")
    assert told == run("timeline", "inc1", "--db", book)
    assert [u.id for u in Store.open(copy).known("inc1")[1].incident.updates] == ["u1", "u0", "u3"]


def test_a_surface_that_a_later_telling_takes_back_is_taken_back_from_its_list_of_incidents(tmp_path):
    book, elsewhere = tmp_path / "a.db", [{"id": "k8w3r06qmzrp", "name": "Claude API"}]
    run("backfill", file(tmp_path, LATE, name="1.json"), "--db", book)
    edited = LATE | {"components": elsewhere, "incident_updates": [{**LATE["incident_updates"][0], "body": "The API."}]}
    run("backfill", file(tmp_path, edited, name="2.json"), "--db", book)
    listed = Store.open(book)._db.rows("SELECT surface FROM incident_surfaces")
    assert [row["surface"] for row in listed] == ["claude-api"]


def test_the_whole_book_goes_to_standard_output_too(db, tmp_path):
    run("export", "--all", tmp_path / "all.json", "--db", db)
    assert run("export", "--all", "-", "--db", db) == (tmp_path / "all.json").read_text()


def test_an_export_of_the_copy_is_the_same_file(db, tmp_path):
    first, second, copy = tmp_path / "1.json", tmp_path / "2.json", tmp_path / "copy.db"
    run("export", "--all", first, "--db", db)
    run("import", first, "--db", copy)
    run("export", "--all", second, "--db", copy)
    assert first.read_text() == second.read_text()


def test_an_import_into_a_book_that_is_not_empty_is_refused(db, tmp_path):
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
    assert "10:00 partly down, 11:00 working" in said.splitlines()[-1]


def test_a_picture_of_days_is_of_one_surface(db, tmp_path):
    with pytest.raises(RefusedError, match="one surface"):
        run("uptime", "--picture", tmp_path / "days.png", "--db", db)


def test_labels_are_put_on_and_taken_off_on_the_command_line_too(db):
    run("label", "inc1", "cache", "dns", "--db", db)
    assert "“dns”" in run("label", "inc1", "off:cache", "--db", db)


def test_what_is_noted_on_the_command_line_is_for_every_channel(desk, db):
    run("note", "inc1", "for all", "--db", db)
    assert "by the command line\n> for all" in ask(desk, "timeline inc1", channel="C9")

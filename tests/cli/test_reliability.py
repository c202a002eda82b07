"""``brownout reliability``: the study's table exactly, ours in every form, and clear words where there is nothing to say."""

import csv
import io
import json

import pytest

from tests.support.past_incidents import LATE, LIVE, RefusedError, file, run


@pytest.fixture
def filled(tmp_path):
    db = tmp_path / "b.db"
    run("backfill", file(tmp_path, LIVE, LATE), "--db", db)
    return db


def test_the_studys_table_is_equal_in_every_cell(shared, tmp_path):
    folder, path = shared / "llm-2021-2023", tmp_path / "study.db"
    for name in ("openai", "anthropic", "characterai"):
        run("backfill", "--from", folder / f"{name}.json", "--db", path)
    said = json.loads(run("reliability", "--definition", "icpe25", "--json", "--db", path))
    expected = json.loads((folder / "expected-tables.json").read_text())
    assert said["services"] == expected["services"]
    assert (said["incidents"], said["used"], list(said)) == (271, 268, list(expected))


def test_the_report_names_its_definition(filled):
    for definition in ("ours", "icpe25"):
        said = json.loads(run("reliability", "--definition", definition, "--json", "--db", filled))
        assert said["definition"].startswith(definition)


def test_our_report_says_how_the_time_went(filled):
    said = json.loads(run("reliability", "--json", "--db", filled, "--provider", "claude"))["surfaces"]["claude-web"]
    assert (said["incidents"], said["post_hoc"], said["minutes"]["partial_outage"]) == (2, 1, 60.0)
    assert said["vendor_lag_min"]["mean"] == (20 + 620) / 2


def test_a_window_cuts_what_is_outside(filled):
    words = ("--from", "2024-05-01T10:30", "--to", "2024-05-01T11:30")
    said = json.loads(run("reliability", "--json", "--db", filled, *words))["surfaces"]["claude-web"]
    assert (said["incidents"], said["minutes"]["partial_outage"], said["minutes"]["operational"]) == (1, 30.0, 30.0)
    assert said["began_before"] == 1


def test_csv_has_one_line_for_each_surface_and_a_column_for_each_value(filled):
    rows = list(csv.DictReader(io.StringIO(run("reliability", "--csv", "--db", filled, "--provider", "claude"))))
    web = next(r for r in rows if r["surface"] == "claude-web")
    assert (web["incidents"], web["minutes.partial_outage"]) == ("2", "60.0")


def test_markdown_is_a_table_with_its_definition_below(filled):
    said = run("reliability", "--markdown", "--db", filled)
    assert "| claude-web * | 2 |" in said
    assert "MTBF = operational time per outage" in said.rstrip().splitlines()[-2]


def test_the_table_for_people_names_the_surface_and_its_availability(filled):
    assert "claude-web" in run("reliability", "--db", filled)


def test_a_provider_without_a_past_says_that_nothing_is_known(filled):
    with pytest.raises(RefusedError, match="Nothing is known"):
        run("reliability", "--provider", "github", "--db", filled)


def test_a_missing_database_says_how_to_make_one(tmp_path):
    with pytest.raises(RefusedError, match="brownout backfill"):
        run("reliability", "--db", tmp_path / "none.db")


def test_a_window_that_ends_before_it_begins_is_refused(filled):
    with pytest.raises(RefusedError, match="must be before"):
        run("reliability", "--from", "2024-05-02", "--to", "2024-05-01", "--db", filled)


def test_a_word_that_is_no_date_is_refused(filled):
    with pytest.raises(RefusedError, match="is not a date"):
        run("reliability", "--from", "May", "--db", filled)


@pytest.mark.parametrize("date", ["0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "2026-13-01"])
def test_a_date_that_no_status_page_has_is_told(filled, date):
    with pytest.raises(RefusedError, match=r"is not a date|is out of range"):
        run("reliability", "--db", filled, "--from", date)


def test_a_question_makes_no_database_of_an_empty_file(tmp_path):
    empty = tmp_path / "empty.db"
    empty.touch()
    with pytest.raises(RefusedError, match="it is empty"):
        run("reliability", "--db", empty)
    assert empty.stat().st_size == 0


def test_a_column_without_a_figure_is_left_out_for_people(filled):
    said = run("reliability", "--db", filled, "--provider", "claude")
    assert ("maintenance" in said.split("MTTR", 1)[0], "partial outage" in said) == (False, True)

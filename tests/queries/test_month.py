"""The monthly report from an imported history, as page and as message. The numbers were worked out by hand."""

import re
from html.parser import HTMLParser

import pytest

from tests.support.dated_history import API, CODE, DOWN, GREEN, HISTORY, PART, incident
from tests.support.past_incidents import RefusedError, file, run

TOO_EARLY = incident(
    "tooearly",
    API,
    ("07-15 10:00", "investigating", GREEN, DOWN),
    ("07-15 10:30", "monitoring", DOWN, GREEN),
    ("07-15 10:50", "identified", GREEN, PART),
    ("07-15 11:00", "monitoring", PART, GREEN),
    ("07-15 12:00", "resolved", GREEN, GREEN),
    started_at="2026-07-15T09:40:00Z",
) | {"name": "<b>Errors</b> & more"}
BEFORE = incident(
    "before", CODE, ("06-30 23:00", "investigating", GREEN, DOWN), ("07-01 01:00", "resolved", DOWN, GREEN)
)
LATER = incident("later", CODE, ("08-02 10:00", "investigating", GREEN, DOWN), ("08-02 11:00", "resolved", DOWN, GREEN))


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    folder = tmp_path_factory.mktemp("history")
    run("backfill", file(folder, *HISTORY, TOO_EARLY, BEFORE, LATER), "--db", folder / "b.db")
    return folder / "b.db"


@pytest.fixture(scope="module")
def page(db, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "july.html"
    run("report", "--month", "2026-07", "--html", path, "--db", db)
    return path.read_text()


class Cells(HTMLParser):
    """The rows of a page's tables as texts, by their first cell."""

    def __init__(self, html):
        super().__init__()
        self.rows, self._row = [], None
        self.feed(html)

    def handle_starttag(self, tag, _attrs):
        if tag == "tr":
            self._row = []
        elif tag in ("td", "th") and self._row is not None:
            self._row.append("")

    def handle_endtag(self, tag):
        if tag == "tr":
            self.rows.append(self._row)
            self._row = None

    def handle_data(self, data):
        if self._row:
            self._row[-1] += data


def row(page, first):
    return next(r for r in Cells(page).rows if r[0] == first)


def test_the_downtime_of_a_service_is_that_of_the_month(page):
    assert row(page, "Claude API")[2:6] == ["30 min", "1 h 55 min", "0", "2 h 25 min"]


def test_what_began_before_the_month_counts_its_part_in_it(page):
    assert row(page, "Claude Code")[2:6] == ["1 h", "30 min", "0", "1 h 30 min"]


def test_an_incident_that_began_before_is_listed_and_one_of_the_next_month_is_not(page):
    assert row(page, "30 Jun 23:00")[3] == "outage"
    assert "Title of later" not in page


def test_titles_of_the_vendor_are_quoted_and_escaped(page):
    assert "“&lt;b&gt;Errors&lt;/b&gt; &amp; more”" in page


def test_the_post_lag_is_from_the_stated_start(page):
    assert row(page, "Claude")[:4] == ["Claude", "8", "20 min", "1"]


def test_monitoring_that_was_taken_back_was_too_early(page):
    monitoring = next(r for r in Cells(page).rows if r[0] == "Claude" and len(r) == 4)
    assert monitoring == ["Claude", "3", "1", "0"]


def test_the_costliest_hour_is_the_one_with_the_most_service_minutes(page):
    assert row(page, "1 Jul 00:00 to 01:00 UTC")[1:] == ["60", "Claude Code"]


def test_every_column_of_the_page_has_a_name(page):
    assert "<th" in page
    assert not re.search(r"<th[^>]*></th>", page)


def test_the_notes_of_the_page_are_plain_text(page):
    notes = page[page.index("<footer>") :]
    assert "Availability = operational time" in notes
    assert "`" not in notes


def test_the_page_asks_the_network_for_nothing_and_runs_nothing(page):
    assert not re.search(r"<script|<link|<img|src=|@import|url\(", page)


def test_the_message_has_the_totals_of_the_page(db):
    said = run("report", "--month", "2026-07", "--db", db)
    assert "Service report, July 2026: 8 incidents" in said
    assert "• Claude: 1 of 3" in said


def test_uptime_with_a_month_is_the_same_message_as_in_the_shell(db):
    assert (
        run("uptime", "claude", "2026-07", "--db", db).split()
        == run("report", "--month", "2026-07", "--db", db).split()
    )


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--month", "2026-13"], "is not a month. Example: 2026-11"),
        (["--month", "2031-01"], "2031-01 has not begun"),
        (["--month", "2020-01"], "Nothing is known of 2020-01"),
        (["--month", "2026-07", "--from", "2026-07-02"], "--month goes without --from"),
        (["--html", "page.html"], "Name the month of the page"),
    ],
)
def test_a_month_that_cannot_be_reported_is_refused_with_what_to_do(db, words, error):
    with pytest.raises(RefusedError, match=re.escape(error)):
        run("report", *words, "--db", db)

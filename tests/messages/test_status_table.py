"""The table of the status: its order, signs, times and last line."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain import ProviderState
from bot.messages.service_status import view_provider
from bot.messages.status_table import status_as_json, status_lines
from tests.support.acme import ACME, NOON, poll_page
from tests.support.banned_words import banned_words
from tests.support.pages import DOWN, page

BROKEN = view_provider(ACME, poll_page(None, DOWN, NOON).state, NOON)
FINE = view_provider(
    replace(ACME, id="globex", name="Globex"),
    poll_page(poll_page(None, page(), NOON - timedelta(hours=1)).state, page(), NOON).state,
    NOON,
)
UNREAD = view_provider(replace(ACME, id="initech", name="Initech"), ProviderState("initech"), NOON)


def shown(*views, now=NOON, **how):
    return ["".join(span.text for span in line) for line in status_lines(views, now, **how)]


def test_the_headline_comes_first_with_the_time():
    first = shown(BROKEN)[0]
    assert (first.startswith("Acme API outage"), first.endswith("2 Mar 12:00 UTC")) == (True, True)


def test_a_row_has_the_id_the_status_the_advice_and_both_times():
    row = shown(BROKEN)[2].split()
    assert row[:6] == ["acme-api", "●", "outage", "✗", "don't", "retry"]


def test_a_terminal_of_ascii_gets_signs_of_ascii():
    assert all(line.isascii() for line in shown(BROKEN, FINE, UNREAD, is_ascii=True))


def test_what_is_affected_comes_before_what_is_unknown_or_operational():
    assert shown(FINE, UNREAD, BROKEN)[0].startswith("Acme API outage")


def test_the_last_line_counts_the_others_and_names_the_unknown():
    last = shown(FINE, UNREAD, BROKEN)[-1]
    assert last == "1 provider operational, 1 unknown (initech). Details: brownout status initech"


def test_operational_services_are_listed_on_request_only():
    assert [any("✓ operational" in line for line in shown(FINE, BROKEN, show_all=a)) for a in (False, True)] == [
        False,
        True,
    ]


def test_when_all_is_operational_one_line_says_so():
    assert shown(FINE) == ["✓ Globex: operational  checked 12:00 UTC"]


def test_before_the_first_check_it_says_that_there_is_no_data():
    assert shown(UNREAD) == ["No data yet for 1 provider. The first check takes under 1 min."]


def test_an_old_database_is_never_operational():
    now = NOON + timedelta(days=2)
    lines = shown(view_provider(ACME, BROKEN.state, now), now=now)
    assert lines == [
        "? 1 provider unknown: last good check 2026-03-02 12:00 UTC",
        "Is `brownout run` running on this database? Start it, or pass --db FILE.",
    ]


def test_a_time_of_another_day_has_its_date():
    now = NOON + timedelta(days=1)
    old = view_provider(ACME, replace(BROKEN.state, seen_at=now), now)
    assert "2 Mar 12:00" in shown(old, now=now)[2]


@pytest.mark.parametrize("how", [{}, {"show_all": True}])
def test_the_table_has_standard_words_only(how):
    assert banned_words("\n".join(shown(BROKEN, FINE, UNREAD, **how))) == []


def test_the_json_holds_every_service_with_its_machine_values():
    form = status_as_json([FINE, BROKEN, UNREAD], NOON)
    assert [(p["id"], p["services"][0]["status"], p["services"][0]["verdict"]) for p in form["providers"]] == [
        ("acme", "outage", "hold_off"),
        ("initech", "unknown", "unknown"),
        ("globex", "operational", FINE.services[0].verdict.call),
    ]

"""The days of services are kept until something changes, and worked out for all in the end."""

from bot.domain import Condition
from bot.queries.board import BoardQueries
from bot.storage.incident_list import IncidentFilter
from tests.support.scenario import ACME


def test_every_service_has_its_days(scenario):
    scenario.poll_page(until=3)
    board = BoardQueries(scenario.queries())
    assert set(board.uptimes(scenario.queries().snapshot())) == {"acme-api", "acme-web", "globex-api"}


def test_the_days_are_kept_while_nothing_changes(scenario):
    scenario.poll_page(until=3)
    board = BoardQueries(scenario.queries())
    first = board.uptimes(scenario.queries().snapshot())
    assert (board.uptimes(scenario.queries().snapshot()))["acme-api"] is first["acme-api"]


def test_the_days_are_worked_out_again_once_a_service_is_affected(scenario):
    scenario.poll_page(until=10)
    board = BoardQueries(scenario.queries())
    board.uptimes(scenario.queries().snapshot())
    scenario.breaks()
    assert (board.uptimes(scenario.queries().snapshot()))["acme-api"].days[-1].worst.is_bad


def test_what_a_page_had_no_time_for_is_worked_out_after_it(scenario):
    scenario.poll_page(until=3)
    board = BoardQueries(scenario.queries())
    board.cache.missing = {s.id: (s, Condition.OPERATIONAL) for s in ACME.surfaces}
    board.work_out_missing()
    assert (set(board.cache.kept), board.cache.missing) == ({"acme-api", "acme-web"}, {})


def test_a_search_and_a_filter_hold_together(scenario):
    board = BoardQueries(scenario.is_over().queries())
    assert board.incident_list(IncidentFilter(provider="globex"), search="errors").incidents == ()

"""The days of services are kept until something changes, and worked out for all in the end."""

import pytest

from bot.queries.board import BoardQueries
from bot.storage.incident_list import IncidentFilter

pytestmark = pytest.mark.anyio


async def test_every_service_has_its_days(town):
    town.look(until=3)
    board = BoardQueries(town.desk())
    assert set(await board.uptimes(town.desk().snapshot())) == {"acme-api", "acme-web", "globex-api"}


async def test_the_days_are_kept_while_nothing_changes(town):
    town.look(until=3)
    board = BoardQueries(town.desk())
    first = await board.uptimes(town.desk().snapshot())
    assert (await board.uptimes(town.desk().snapshot()))["acme-api"] is first["acme-api"]


async def test_the_days_are_worked_out_again_once_a_service_is_affected(town):
    town.look(until=10)
    board = BoardQueries(town.desk())
    await board.uptimes(town.desk().snapshot())
    town.breaks()
    assert (await board.uptimes(town.desk().snapshot()))["acme-api"].days[-1].worst.is_bad


async def test_a_search_and_a_filter_hold_together(town):
    board = BoardQueries(town.is_over().desk())
    assert board.incident_list(IncidentFilter(provider="globex"), search="errors").incidents == ()

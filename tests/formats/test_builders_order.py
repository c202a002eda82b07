"""Updates of one and the same time stand as their page shows them, whatever their ids are, wherever they are kept."""

import json
from datetime import timedelta

import pytest

from bot.domain import Stage, Update
from bot.formats import builders, reconstruction, statuspage
from bot.storage import Repository
from tests.support.acme import NOON, poll_page
from tests.support.pages import incident, page, update

EARLIER = NOON - timedelta(minutes=5)


def posts(*ids, at=NOON):
    return [Update(i, Stage.INVESTIGATING, "", at) for i in ids]


def order(updates):
    return "".join(u.id for u in updates)


@pytest.mark.parametrize(
    ("shown", "oldest_first"),
    [
        ([*posts("a", "b"), *posts("c", at=EARLIER)], "cba"),  # newest first, as on most pages
        ([*posts("c", at=EARLIER), *posts("a", "b")], "cab"),  # oldest first
        (posts("a", "b", "c"), "cba"),
        (posts("a", "b", "c", at=builders.UNDATED), "cba"),
        ([], ""),
    ],
)
def test_of_equal_times_the_order_of_the_page_counts(shown, oldest_first):
    assert order(builders.oldest_first(shown)) == oldest_first


# "identified" is told first, and its id is the greater one
TOLD = (update("9", "identified"), update("1", "monitoring"))


def test_a_page_is_read_in_its_own_order():
    [found] = statuspage.parse(page(incident(*TOLD))).incidents
    assert [u.stage for u in found.updates] == [Stage.IDENTIFIED, Stage.MONITORING]


def test_so_is_a_history():
    raw = json.dumps({"page": {"id": "p", "name": "Acme"}, "incidents": [incident(*TOLD)]}).encode()
    told = reconstruction.read_history(raw)
    assert [u["status"] for u in told.incidents["inc1"].updates] == ["identified", "monitoring"]


def test_what_is_remembered_and_what_is_kept_keep_that_order(tmp_path):
    first = poll_page(None, page(incident(TOLD[0])), NOON)
    second = poll_page(first.state, page(incident(*TOLD)), NOON + timedelta(minutes=1))
    assert [u.stage for u in second.state.tracked_incident("inc1").incident.updates] == [
        Stage.IDENTIFIED,
        Stage.MONITORING,
    ]
    repository = Repository.open(tmp_path / "b.db")
    for change in (first, second):
        repository.record_transition(None, change, [])
    _, known = repository.tracked_incident("inc1")
    repository.close()
    assert [u.stage for u in known.incident.updates] == [Stage.IDENTIFIED, Stage.MONITORING]

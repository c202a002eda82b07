"""Which cards Slack shows: kept over a restart, bounded, and forgotten."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain import LinkCard, LinkKind, LinkPlace, LinkSubject
from bot.storage import Repository
from bot.storage.link_cards import MAX_CARDS
from tests.support.acme import NOON
from tests.support.scenario import incident
from tests.support.stores import place

PLACE = LinkPlace("C1", "1.5", "u1", "conversations_history")
CARD = LinkCard(PLACE, "https://status.acme.example/i-1", LinkSubject(LinkKind.INCIDENT, "i-1"), "d1", NOON, True)


def test_a_card_is_there_after_a_restart(tmp_path):
    path = place(tmp_path / "cards.db")
    with closing(Repository.open(path)) as before:
        before.link_cards.add([CARD])
    with closing(Repository.open(path)) as after:
        assert after.link_cards.all() == (CARD,)


def test_a_card_that_is_shown_again_keeps_its_age(repository):
    repository.link_cards.add([CARD])
    repository.link_cards.add([replace(CARD, digest="d2", shown_at=NOON + timedelta(hours=1))])
    assert repository.link_cards.all() == (replace(CARD, digest="d2"),)


def test_the_cards_of_a_message_are_forgotten_together(repository):
    other = replace(CARD, place=replace(PLACE, ts="2.5"))
    repository.link_cards.add([CARD, replace(CARD, url="https://status.acme.example"), other])
    repository.link_cards.remove(PLACE)
    assert repository.link_cards.all() == (other,)


def test_old_cards_are_forgotten(repository):
    repository.link_cards.add([CARD])
    assert repository.link_cards.remove_before(NOON) == 0
    assert repository.link_cards.remove_before(NOON + timedelta(seconds=1)) == 1
    assert repository.link_cards.all() == ()


def test_of_too_many_cards_the_oldest_are_forgotten(repository):
    cards = [
        replace(CARD, place=replace(PLACE, ts=f"{n}.0"), shown_at=NOON + timedelta(seconds=n))
        for n in range(MAX_CARDS + 5)
    ]
    repository.link_cards.add(cards)
    kept = repository.link_cards.all()
    assert (len(kept), kept[-1].place.ts) == (MAX_CARDS, "5.0")


def test_of_cards_of_the_same_moment_no_more_than_the_surplus_is_forgotten(repository):
    repository.link_cards.add([replace(CARD, place=replace(PLACE, ts=f"{n:04}.0")) for n in range(MAX_CARDS + 1)])
    kept = {card.place.ts for card in repository.link_cards.all()}
    assert (len(kept), "0000.0" in kept) == (MAX_CARDS, False)


def test_a_card_moves_with_its_channel(repository):
    repository.link_cards.add([CARD])
    repository.move_channel("C1", "C9", NOON)
    assert [card.place.channel for card in repository.link_cards.all()] == ["C9"]


@pytest.mark.parametrize(
    ("urls", "found"),
    [
        (["https://status.acme.example/i-1"], "i-1"),
        (["https://x.example", "https://status.acme.example/i-1"], "i-1"),
        (["https://x.example"], None),
    ],
)
def test_an_incident_is_found_by_its_address(scenario, urls, found):
    assert scenario.breaks().repository.archive.incident_at(urls) == found


def test_of_two_incidents_with_one_address_the_newest_is_found(scenario):
    scenario.show((1, "investigating", "a"), identity="a")
    scenario.shown.append(incident((2, "investigating", "b"), identity="b", start=scenario.start))
    scenario.minute = 5
    scenario.poll_page()
    assert scenario.repository.archive.incident_at(["https://status.acme.example/i-1"]) == "b"

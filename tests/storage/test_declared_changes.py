"""Two who change a declared incident at once: what either recorded stays."""

import pytest

from bot.domain import ChatUser, DeclaredIncident, DeclaredPlace, DeclaredSeverity, UserAction
from bot.rules import declared as rules
from tests.support.acme import NOON

ADA, BOB = (UserAction(ChatUser(user, name), NOON) for user, name in (("U1", "ada"), ("U2", "bob")))
NEW = DeclaredIncident(0, "Checkout fails", DeclaredSeverity.SEV2, ADA, "C1", ("i-1",), DeclaredPlace.PUBLIC)


@pytest.fixture
def old(repository):
    """The incident as somebody read it before the others changed it."""
    return repository.declared.declare(NEW, "view1")[0]


def test_a_channel_that_was_made_meanwhile_stays(repository, old):
    repository.declared.set_channel(old.number, "C9", NOON)
    repository.declared.change(*rules.acknowledge(old, ADA))
    assert repository.declared.find(old.number).channel == "C9"


def test_a_vendors_incident_that_was_linked_meanwhile_stays(repository, old):
    repository.declared.change(*rules.link(old, "i-2", BOB))
    repository.declared.change(*rules.link(old, "i-3", ADA))
    assert repository.declared.find(old.number).incidents == ("i-1", "i-2", "i-3")


def test_a_severity_that_was_set_meanwhile_stays(repository, old):
    repository.declared.change(*rules.set_severity(old, DeclaredSeverity.SEV1, BOB))
    repository.declared.change(*rules.rename(old, "Checkout is slow", ADA))
    assert repository.declared.find(old.number).severity is DeclaredSeverity.SEV1


def test_of_two_who_close_it_at_once_the_first_counts(repository, old):
    repository.declared.change(*rules.close(old, BOB, None))
    is_changed = repository.declared.change(*rules.close(old, ADA, None))
    assert (is_changed, repository.declared.find(old.number).closed) == (False, BOB)

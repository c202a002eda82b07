"""Whether a page is still the provider's: by its id, its name, and its components."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Component, Condition, PageIdentity, ProviderState, Snapshot
from bot.formats import page_identity
from tests.support.acme import ACME

OWN = ("API", "Website", "Dashboard", "Webhooks")


def components(*names, prefix="c"):
    return tuple(Component(f"{prefix}-{n.lower()}", n, Condition.OPERATIONAL) for n in names)


KNOWN = ProviderState("acme", components(*OWN), page=PageIdentity("p1", "Acme Status"))


def evidence(page_id, name, listed, *, state=KNOWN, provider=ACME):
    return page_identity.other_page_evidence(state, Snapshot(page_id, name, listed), provider)


GLOBEX = ("p2", "Globex Status", components("Parcels", "Tracking", prefix="g"))


def test_another_id_another_name_and_no_known_component_is_another_page():
    assert evidence(*GLOBEX) == (
        "it is the page “Globex Status” (id p2) and not “Acme Status” (id p1);"
        " none or few of its 2 components are known"
    )


@pytest.mark.parametrize(
    "shown",
    [
        ("p1", "Globex Status", components("Parcels", prefix="g")),  # the vendor was renamed, and the page with it
        ("p1", "", None),
        ("p2", "Globex Status", components(*OWN)),  # the same components behind another page id
        ("p2", "Acme Service Health", components(*OWN, prefix="n")),  # moved to another host of status pages
        ("p2", "Acme", None),  # a feed, which lists no components
        ("", "Anything", components("API", prefix="n")),
        ("", "", components("Else", prefix="n")),
        ("p1", "Acme Status", components("API")),  # it lists few today
    ],
)
def test_a_page_that_shares_enough_is_the_providers(shown):
    assert not evidence(*shown)


@pytest.mark.parametrize(
    "shown",
    [
        ("p2", "Globex Status", components("API", "Website", prefix="g")),  # every company has these
        ("p2", "Acme Status", components("Parcels", prefix="g")),
        ("", "Globex Status", components("Parcels", prefix="g")),
        ("p2", "Globex Status", None),
    ],
)
def test_a_page_that_shares_only_common_words_is_another_one(shown):
    assert evidence(*shown)


def test_the_operator_confirms_a_move_with_the_new_pages_id():
    assert not evidence(*GLOBEX, provider=replace(ACME, page_ids=("p1", "p2")))


def test_a_page_that_is_read_for_the_first_time_is_the_providers():
    assert not evidence(*GLOBEX, state=ProviderState("acme"))


def test_a_first_page_is_another_one_where_the_file_names_ids_and_nothing_fits():
    fresh = ProviderState("acme")
    assert evidence(*GLOBEX, state=fresh, provider=replace(ACME, page_ids=("p1",)))


def test_a_first_page_with_a_component_of_the_file_is_the_providers():
    shown = ("p2", "Globex Status", (Component("c-api", "Any name", Condition.OPERATIONAL),))
    assert not evidence(*shown, state=ProviderState("acme"), provider=replace(ACME, page_ids=("p1",)))


def test_a_state_of_an_earlier_version_knows_its_page_by_its_components():
    assert evidence(*GLOBEX, state=replace(KNOWN, page=PageIdentity()))


def test_an_id_that_is_only_the_name_of_the_page_is_none():
    assert page_identity.stated_id(Snapshot("Acme", "Acme"), ACME) == ""


def test_what_a_page_does_not_say_stays_as_it_is_known():
    assert page_identity.identity_of(Snapshot("", "Acme"), ACME, PageIdentity("p1", "Acme Status")) == PageIdentity(
        "p1", "Acme"
    )


NAMES = st.lists(st.sampled_from([*OWN, "Parcels", "Tracking", "Billing"]), unique=True, max_size=6)


@given(st.sampled_from(["", "p1"]), st.text(max_size=20), NAMES)
def test_a_page_that_lists_any_known_component_and_no_other_id_is_never_refused(page_id, name, names):
    assert not evidence(page_id, name, components("API", *names))


@given(NAMES, NAMES, st.text(max_size=20))
def test_a_page_is_never_taken_for_another_than_itself(before, now, name):
    state = ProviderState("acme", components(*before), page=PageIdentity("p1", name))
    assert not evidence("p1", name, components(*now), state=state)

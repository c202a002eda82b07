"""Which earlier incidents of an episode people still look at."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Impact, Incident, IncidentEnding, ProviderState, Stage, TrackedIncident
from bot.rules.alerting.episodes import IncidentSpan, find_recurrence, group_episodes
from bot.rules.alerting.related import MAX_RELATED, RelatedIncidents
from tests.support.acme import NOON


def known(name, begins, *, ends=None, surfaces=("acme-api",), **more):
    start = NOON + timedelta(minutes=begins)
    stage = Stage.INVESTIGATING if ends is None else Stage.RESOLVED
    over = {} if ends is None else {"closed_at": NOON + timedelta(minutes=ends), "ending": IncidentEnding.RESOLVED}
    return TrackedIncident(Incident(name, name, stage, Impact.MAJOR, start), start, surfaces, **over, **more)


def earlier(*before, new=None):
    new = new or known("new", 60)
    return RelatedIncidents(ProviderState("acme", incidents=(*before, new))).related_unresolved(new)


def test_an_open_incident_on_the_same_surface_goes_on():
    assert earlier(known("old", 0)) == ("old",)


def test_all_of_them_are_told_oldest_first():
    assert earlier(known("b", 20), known("a", 0)) == ("a", "b")


def test_what_is_over_but_not_normal_yet_goes_on():
    assert earlier(known("old", 0, ends=30)) == ("old",)


def test_what_is_over_and_normal_again_does_not():
    assert earlier(known("old", 0, ends=30, freed=("acme-api",))) == ()


def test_of_thousands_the_oldest_are_told():
    many = [known(f"{n:04}", -n) for n in range(3000)]
    assert earlier(*many) == tuple(f"{n:04}" for n in range(2999, 2999 - MAX_RELATED, -1))


@pytest.mark.parametrize(
    "other",
    [
        known("old", 0, surfaces=("acme-web",)),
        known("old", -600, ends=-500),
        known("old", 90),
        known("old", 0, ends=10, is_retroactive=True),
        known("old", 0, surfaces=()),
    ],
    ids=["another surface", "hours before", "later", "told afterwards", "no surface"],
)
def test_what_does_not_belong_to_it_is_left_out(other):
    assert earlier(other) == ()


def test_a_maintenance_follows_nothing():
    works = known("new", 60)
    works = replace(works, incident=replace(works.incident, is_maintenance=True))
    assert earlier(known("old", 0), new=works) == ()


def test_what_it_took_over_is_not_followed():
    assert earlier(known("ours", 50, ends=60), new=known("new", 60, suspicions=("ours",))) == ()


def test_one_that_was_still_open_when_we_saw_it_is_not_repeated_though_it_ends_later():
    new = known("new", 60)
    assert RelatedIncidents(ProviderState("acme", incidents=(known("old", 0, ends=70), new))).recurrence_of(new) is None


# --- the one before ---------------------------------------------------------------------------------------------------


def before(*incidents, new=None):
    new = new or known("new", 60)
    return RelatedIncidents(ProviderState("acme", incidents=(*incidents, new))).previous_incident(new)


def test_the_one_before_is_the_latest_of_its_episode():
    assert before(known("a", 0, ends=10), known("b", 20, ends=30, freed=("acme-api",))) == "b"


def test_the_first_of_an_episode_has_none_before():
    assert before(known("old", -600, ends=-500)) == ""


def test_what_it_took_over_is_itself():
    assert before(known("ours", 50, ends=60), new=known("new", 60, suspicions=("ours",))) == ""


def test_what_another_took_over_has_no_message_of_its_own():
    assert before(known("theirs", 20), known("ours", 50, ends=52, joined="theirs")) == "theirs"


# --- what is looked up is what one would find by going through all of them ---------------------------------------------

SPELLS = st.lists(
    st.tuples(
        st.integers(-900, 0),
        st.one_of(st.none(), st.integers(0, 500)),
        st.sampled_from([("acme-api",), ("acme-web",), ("acme-api", "acme-web")]),
        st.sampled_from([None, 1, 2]),
    ),
    min_size=1,
    max_size=12,
)


def as_incidents(spells):
    for number, (begins, lasts, surfaces, cleared) in enumerate(spells):
        ends = None if lasts is None else begins + lasts
        is_clear = ends is not None and cleared is not None
        yield known(
            f"i{number}",
            begins,
            ends=ends,
            surfaces=surfaces,
            cleared_at=NOON + timedelta(days=cleared) if is_clear else None,
        )


def span_of(tracked):
    incident = tracked.incident
    return IncidentSpan(incident.id, "acme", frozenset(tracked.surfaces), incident.created_at, tracked.closed_at)


@given(SPELLS)
def test_the_unresolved_ones_are_those_of_the_episode_before_it_that_are_not_all_clear(spells):
    incidents = {k.incident.id: k for k in as_incidents(spells)}
    related = RelatedIncidents(ProviderState("acme", incidents=tuple(incidents.values())))
    for episode in group_episodes(map(span_of, incidents.values())):
        for place, incident in enumerate(episode.incidents):
            cleared = incidents[incident].cleared_at
            before = [(i, incidents[i].cleared_at) for i in episode.incidents[:place]]
            expected = tuple(i for i, c in before if c is None or c == cleared)
            assert related.related_unresolved(incidents[incident]) == expected


@given(SPELLS)
def test_an_incident_repeats_the_one_resolved_last_on_its_surfaces(spells):
    incidents = [*as_incidents(spells)]
    related = RelatedIncidents(ProviderState("acme", incidents=tuple(incidents)))
    for tracked in incidents:
        resolved = [span_of(k) for k in incidents if k.closed_at is not None and k is not tracked]
        found = find_recurrence(tracked.incident.id, (*resolved, span_of(tracked)))
        ends = {s.incident: s.end for s in resolved}
        is_over = found is not None and ends[found.previous] <= tracked.seen_at
        assert related.recurrence_of(tracked) == (found if is_over else None)

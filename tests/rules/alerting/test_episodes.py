"""Incidents that belong together."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot import settings
from bot.domain import AttributionKind
from bot.formats import recordings, statuspage
from bot.formats.reconstruction import History, change_times, incident_at
from bot.rules.alerting.episodes import IncidentSpan, Recurrence, find_recurrence, group_episodes
from bot.rules.attribution import attribute

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def strand(name, start, end, surfaces="web", provider="claude"):
    minutes = [NOON + timedelta(minutes=m) if m is not None else None for m in (start, end)]
    return IncidentSpan(name, provider, frozenset(surfaces.split()), minutes[0], minutes[1])


def names(*strands):
    return [e.incidents for e in group_episodes(strands)]


def test_a_repeat_on_the_same_surface_joins():
    assert names(strand("a", 0, 60), strand("b", 61, 90)) == [("a", "b")]


def test_another_surface_is_another_story():
    assert names(strand("a", 0, 60), strand("b", 61, 90, "code")) == [("a",), ("b",)]


def test_another_provider_is_another_story():
    assert names(strand("a", 0, 60), strand("b", 61, 90, provider="openai")) == [("a",), ("b",)]


def test_half_a_day_later_is_another_story():
    assert names(strand("a", 0, 60), strand("b", 60 + 12 * 60, None)) == [("a",), ("b",)]


def test_one_that_touches_two_stories_makes_them_one():
    assert names(strand("a", 0, 9, "web"), strand("b", 1, 9, "api"), strand("c", 20, 30, "web api")) == [
        ("a", "b", "c")
    ]


def test_a_story_that_two_make_goes_on_by_every_surface_of_both():
    first, second = (strand("a", 0, 9), strand("b", 1, 9)), strand("c", 2, 9, "api code")
    assert names(*first, second, strand("d", 20, 30, "web api"), strand("e", 40, 50, "code")) == [tuple("abcde")]


def test_a_short_one_within_a_long_one_does_not_end_its_reach():
    assert names(strand("a", 0, 600), strand("b", 10, 20), strand("c", 700, 710)) == [("a", "b", "c")]


def test_while_one_is_open_another_joins_however_late():
    assert names(strand("a", 0, None), strand("b", 5000, None)) == [("a", "b")]


def test_an_episode_is_open_while_one_of_it_is():
    (found,) = group_episodes([strand("a", 0, 60), strand("b", 61, None)])
    assert (found.start, found.end, found.surfaces) == (NOON, None, {"web"})


def test_again_says_how_long_after_the_last_one_was_called_resolved():
    assert find_recurrence("b", [strand("a", 0, 60), strand("b", 61, None)]) == Recurrence("a", timedelta(minutes=1))


def test_the_first_of_its_episode_is_no_repeat():
    assert find_recurrence("a", [strand("a", 0, 60), strand("b", 61, None)]) is None


def test_again_is_at_once_while_the_last_one_is_still_open():
    assert find_recurrence("b", [strand("a", 0, None), strand("b", 61, None)]).after == timedelta(0)


def test_the_six_incidents_of_the_second_of_march_are_one_story(shared):
    history = recordings.read_history((shared / "claude" / "2026-03-02.json").read_bytes())
    found = group_episodes(_strands(history))
    assert [len(e.spans) for e in found] == [6]


def test_on_the_second_of_march_haiku_came_back_within_a_minute(shared):
    history = recordings.read_history((shared / "claude" / "2026-03-02.json").read_bytes())
    repeat = find_recurrence("vqnfq1179169", _strands(history))
    assert (repeat.previous, repeat.after < timedelta(minutes=1)) == ("0j8dkb38jymf", True)


def _strands(history: History):
    claude = settings.load().provider("claude")
    for identity in history.incidents:
        last = statuspage.parse_incident_body(incident_at(history, identity, change_times(history)[-1]))
        hits = attribute.attribute_incident(last, {}, claude, last.updates[-1].display_at)
        surfaces = frozenset(h.surface for h in hits if h.weight is not AttributionKind.WATCH)
        yield IncidentSpan(identity, "claude", surfaces, last.updates[0].display_at, last.updates[-1].display_at)


@st.composite
def strands(draw):
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, 999),
                st.none() | st.integers(0, 999),
                st.sampled_from(["web", "api", "code", "web api", "api code", ""]),
            )
        )
    )
    return [strand(str(n), a, None if b is None else a + b, s) for n, (a, b, s) in enumerate(rows)]


@given(strands())
def test_every_incident_is_in_exactly_one_episode(found):
    told = [i for e in group_episodes(found) for i in e.incidents]
    assert sorted(told) == sorted(s.incident for s in found)


@given(strands(), st.randoms())
def test_the_order_in_which_incidents_come_does_not_matter(found, shuffler):
    mixed = list(found)
    shuffler.shuffle(mixed)
    assert group_episodes(mixed) == group_episodes(found)


def plain(found, within=timedelta(hours=6)):
    """The rule word for word, pair by pair."""
    stories = []
    for new in sorted(found, key=lambda s: (s.start, s.incident)):
        near = [
            story
            for story in stories
            if any(new.surfaces & s.surfaces and (s.end is None or new.start - s.end <= within) for s in story)
        ]
        stories = [s for s in stories if not any(s is n for n in near)] + [[s for n in near for s in n] + [new]]
    return sorted(tuple(sorted(s.incident for s in story)) for story in stories)


@given(strands())
def test_episodes_are_those_of_the_rule_word_for_word(found):
    assert sorted(tuple(sorted(e.incidents)) for e in group_episodes(found)) == plain(found)

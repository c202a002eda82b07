"""App Home: inside Slack's limits whatever is written in it, and nothing left out without a word."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model import (
    Call,
    Condition,
    Habits,
    Impact,
    Incident,
    Known,
    Provider,
    Source,
    Stage,
    Subscription,
    Surface,
    SurfaceState,
    World,
)
from bot.voice import home, views
from bot.voice.home import Resident
from tests.voice.samples import NOON, at, hostile, verdict
from tests.voice.slack_limits import assert_sendable, view_problems

SLOW = settings(max_examples=40)


def provider(name="Acme", number=0, surfaces=2):
    parts = tuple(Surface(f"s{number}-{n}", f"p{number}", f"{name} {n}") for n in range(surfaces))
    return Provider(f"p{number}", name, parts, Source("x", "x", "statuspage", "https://x"))


def world(found, *, title="Errors", down=True, incidents=1, blind=False):
    states = tuple(SurfaceState(s.id, Condition.MAJOR_OUTAGE, NOON) for s in found.surfaces) if down else ()
    verdicts = tuple(verdict(s.id, reason=f"Hold off {title}.") for s in found.surfaces) if down else ()
    open_ = tuple(
        Known(Incident(f"i{n}", title, Stage.INVESTIGATING, Impact.MAJOR, NOON), NOON) for n in range(incidents)
    )
    blind_since = NOON if blind else None
    return World(found.id, (), open_, NOON, blind_since, states=states, verdicts=verdicts)


def resident(*board, mine=(), now=NOON):
    return Resident("U1", board, mine, Habits("U1"), {}, now)


def words(view):
    return str(view["blocks"])


@SLOW
@given(hostile, hostile, st.integers(1, 60), st.integers(0, 20))
def test_slack_takes_every_home(name, title, surfaces, incidents):
    found = provider(name or "x", surfaces=surfaces)
    mine = [
        Subscription(c, f"{name}-{n}", created_by="U1", mention="!subteam^S1|@ops")
        for n in range(30)
        for c in ("U1", "C2")
    ]
    board = [(found, world(found, title=title, incidents=incidents, blind=True))]
    assert view_problems(home.home(resident(*board, mine=mine)), mentions={"#C2"}) == []


def test_slack_takes_a_home_of_eighty_blind_pages():
    board = [(found, world(found, down=False, blind=True)) for found in (provider(number=n) for n in range(80))]
    view = home.home(resident(*board))
    assert view_problems(view) == []
    assert "and 70 more that can't be read" in words(view)


@pytest.mark.parametrize(("surfaces", "more"), [(20, 0), (23, 3)])
def test_what_does_not_fit_is_counted_and_is_to_be_had_elsewhere(surfaces, more):
    found = provider(surfaces=surfaces)
    shown = words(home.home(resident((found, world(found)))))
    assert (f"and {more} more surfaces in trouble: `/brownout status`" in shown) == bool(more)


def test_the_worst_comes_first():
    found = provider()
    mild, down = found.surfaces
    states = (SurfaceState(mild.id, Condition.DEGRADED, NOON), SurfaceState(down.id, Condition.MAJOR_OUTAGE, NOON))
    shown = words(home.home(resident((found, replace(world(found), states=states)))))
    assert shown.index("*Acme 1*") < shown.index("*Acme 0*")


def test_who_has_no_subscription_is_told_how_to_begin():
    view = home.home(resident())
    assert "Begin here" in words(view)
    assert home.PICK in words(view)


def test_a_subscription_shows_where_and_from_which_severity_up():
    mine = [Subscription("C2", "acme", Condition.MAJOR_OUTAGE, "U1"), Subscription("U1", "acme", created_by="U1")]
    shown = words(home.home(resident(mine=mine)))
    assert "*acme*: <#C2>, from “down” up" in shown
    assert "*acme*: here, in direct messages, from “degraded” up" in shown


def test_the_menu_beside_a_subscription_offers_what_it_is_not():
    [row] = [b for b in home.home(resident(mine=[Subscription("U1", "acme")]))["blocks"] if "accessory" in b]
    values = [o["value"] for o in row["accessory"]["options"]]
    assert values == ["partial_outage U1 acme", "major_outage U1 acme", "off U1 acme"]


def test_ages_are_told_as_of_the_drawing():
    found = provider()
    shown = words(home.home(resident((found, world(found, down=False)), now=at(20))))
    assert "the oldest last look was 20 min before (Acme). That is long ago" in shown


def test_time_alone_is_no_reason_to_draw_it_anew():
    found = provider()
    now = resident((found, world(found)))
    assert home.facts(now) == home.facts(replace(now, now=NOON + timedelta(hours=3)))


def test_a_verdict_is():
    found = provider()
    before = world(found)
    after = replace(before, verdicts=tuple(replace(v, call=Call.RETRY_GENTLY) for v in before.verdicts))
    assert home.facts(resident((found, before))) != home.facts(resident((found, after)))


def test_slack_takes_the_home_of_last_resort():
    found = provider("<!channel>")
    assert view_problems(home.bare(resident((found, world(found))))) == []


# --- what leads there -------------------------------------------------------------------------------------------------


@given(hostile)
def test_slack_takes_the_subscriptions_modal(name):
    assert view_problems(views.subscribe((name[:200] or "x", name or "x"), "C1")) == []
    assert view_problems(views.subscribe(None, "U1")) == []


def test_the_welcome_is_a_message_that_slack_takes():
    assert_sendable(views.welcome(7))


def test_a_target_may_be_all_of_a_provider():
    found = views.targets([provider("Acme", 1), provider("Globex", 2)], "globex")
    assert [o["value"] for o in found] == ["p2", "s2-0", "s2-1"]


def test_an_answer_as_a_modal_leaves_its_buttons_behind():
    view = views.told(views.welcome(7))
    assert view_problems(view) == []
    assert "actions" not in words(view)

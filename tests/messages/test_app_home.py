"""App Home: inside Slack's limits whatever is written in it, and nothing left out without a word."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import (
    Advice,
    ChannelPreferences,
    Condition,
    Impact,
    Incident,
    Provider,
    ProviderState,
    Source,
    Stage,
    Subscription,
    Surface,
    SurfaceState,
    TrackedIncident,
)
from bot.messages import app_home, modals
from bot.messages.app_home import HomeModel
from tests.support.samples import NOON, at, hostile, verdict
from tests.support.slack_limits import assert_sendable, view_problems

SLOW = settings(max_examples=40)


def provider(name="Acme", number=0, surfaces=2):
    parts = tuple(Surface(f"s{number}-{n}", f"p{number}", f"{name} {n}") for n in range(surfaces))
    return Provider(f"p{number}", name, parts, Source("x", "x", "statuspage", "https://x"))


def world(found, *, title="Errors", down=True, incidents=1, blind=False):
    states = tuple(SurfaceState(s.id, Condition.MAJOR_OUTAGE, NOON) for s in found.surfaces) if down else ()
    verdicts = tuple(verdict(s.id, reason=f"Hold off {title}.") for s in found.surfaces) if down else ()
    open_ = tuple(
        TrackedIncident(Incident(f"i{n}", title, Stage.INVESTIGATING, Impact.MAJOR, NOON), NOON)
        for n in range(incidents)
    )
    blind_since = NOON if blind else None
    return ProviderState(found.id, (), open_, NOON, blind_since, states=states, verdicts=verdicts)


def resident(*board, mine=(), now=NOON):
    return HomeModel("U1", board, mine, ChannelPreferences("U1"), {}, now)


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
    assert view_problems(app_home.home_view(resident(*board, mine=mine)), mentions={"#C2"}) == []


def test_slack_takes_a_home_of_eighty_blind_pages():
    board = [(found, world(found, down=False, blind=True)) for found in (provider(number=n) for n in range(80))]
    view = app_home.home_view(resident(*board))
    assert view_problems(view) == []
    assert "75 more without current data" in words(view)
    assert "72 more providers that are not operational: `/brownout status`" in words(view)


def test_the_worst_comes_first():
    mild, bad = provider("Mild", 1), provider("Bad", 2)
    degraded = tuple(SurfaceState(s.id, Condition.DEGRADED, NOON) for s in mild.surfaces)
    shown = words(app_home.home_view(resident((mild, replace(world(mild), states=degraded)), (bad, world(bad)))))
    assert shown.index("*Bad outage") < shown.index("*Mild degraded")


def test_who_has_no_subscription_is_told_how_to_begin():
    view = app_home.home_view(resident())
    assert "Set up alerts in 2 steps" in words(view)
    assert app_home.PICK in words(view)


def test_a_subscription_shows_where_and_from_which_severity_up():
    mine = [Subscription("C2", "acme", Condition.MAJOR_OUTAGE, "U1"), Subscription("U1", "acme", created_by="U1")]
    shown = words(app_home.home_view(resident(mine=mine)))
    assert "*acme* → <#C2> · outage only" in shown
    assert "*acme* → direct messages · all severities" in shown


def test_the_menu_beside_a_subscription_offers_what_it_is_not():
    [row] = [b for b in app_home.home_view(resident(mine=[Subscription("U1", "acme")]))["blocks"] if "accessory" in b]
    values = [o["value"] for o in row["accessory"]["options"]]
    assert values == ["partial_outage U1 acme", "major_outage U1 acme", "off U1 acme"]


def test_what_was_not_read_for_five_minutes_is_unknown():
    found = provider()
    shown = words(app_home.home_view(resident((found, world(found, down=False)), now=at(20))))
    assert "*Acme unknown: no recent check*" in shown
    assert "0 of 1 OK" in shown


def test_a_subscription_whose_provider_is_off_is_shown_and_can_only_be_removed():
    mine = [Subscription("U1", "globex", created_by="U1")]
    model = replace(resident(mine=mine), unwatched={"globex": "disabled in config"})
    [row] = [b for b in app_home.home_view(model)["blocks"] if "accessory" in b]
    assert "not watched (disabled in config)" in row["text"]["text"]
    assert [o["value"] for o in row["accessory"]["options"]] == ["off U1 globex"]


def test_time_alone_is_no_reason_to_draw_it_again():
    found = provider()
    now = resident((found, world(found)))
    assert app_home.home_fingerprint(now) == app_home.home_fingerprint(replace(now, now=NOON + timedelta(minutes=3)))


def test_a_verdict_is():
    found = provider()
    before = world(found)
    after = replace(before, verdicts=tuple(replace(v, call=Advice.RETRY_GENTLY) for v in before.verdicts))
    assert app_home.home_fingerprint(resident((found, before))) != app_home.home_fingerprint(resident((found, after)))


def test_slack_takes_the_home_of_last_resort():
    found = provider("<!channel>")
    assert view_problems(app_home.minimal_home_view(resident((found, world(found))))) == []


# --- what leads there -------------------------------------------------------------------------------------------------


@given(hostile)
def test_slack_takes_the_subscriptions_modal(name):
    assert view_problems(modals.subscribe_modal((name[:200] or "x", name or "x"), "C1")) == []
    assert view_problems(modals.subscribe_modal(None, "U1")) == []


def test_the_welcome_is_a_message_that_slack_takes():
    assert_sendable(modals.welcome_message(7))


def test_a_target_may_be_all_of_a_provider():
    found = modals.target_options([provider("Acme", 1), provider("Globex", 2)], "globex")
    assert [o["value"] for o in found] == ["p2", "s2-0", "s2-1"]


def test_an_answer_as_a_modal_leaves_its_buttons_behind():
    view = modals.message_modal(modals.welcome_message(7))
    assert view_problems(view) == []
    assert "actions" not in words(view)

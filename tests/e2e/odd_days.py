"""Days of a Slack that answers what it never should: each is played, and what must hold is counted.

On each day an outage begins while Slack is odd, the vendor posts twice, Slack is well again, and another outage begins.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.e2e import slackdays
from tests.e2e.slackdays import Behaviour, Day, Reply, first, refusing, second
from tests.support.pages import update

HEADS = ("Slack", "old alert", "late", "next outage", "doubled", "posts in a channel", "refused", "given up", "holds")
CHANNELS = 6
HTML = "<html><body>Sign in to the network</body></html>"
NORMAL = {"ok": True, "ts": "1772452140.000100", "channel": "C0"}


@dataclass(frozen=True, slots=True)
class OddDay:
    """A day, and what it may cost.

    Attributes:
        name: What Slack does.
        play: Plays it.
        doubled: The most messages that may appear twice.
        calls: The most calls of Slack that it refuses.
        given_up: The most messages that may be given up.
        late_s: Seconds after which every channel has the old alert once Slack is well again.
        is_long: It is played by the command only, not with the tests.
    """

    name: str
    play: Callable[[Day], Awaitable[None]]
    doubled: int = 0
    calls: int = 400
    given_up: int = 0
    late_s: float = 60.0
    is_long: bool = False


def answering(reply: Reply, *methods: str, only: Callable[[dict[str, Any]], bool] = lambda _: True) -> Behaviour:
    """A Slack with one answer for these methods; for posts and edits where none is named."""
    named = methods or ("chat.postMessage", "chat.update")
    return lambda method, arguments: reply if method in named and only(arguments) else None


def odd_for(minutes: float, behaviour: Behaviour) -> Callable[[Day], Awaitable[None]]:
    """Slack is odd for so long, from an outage on."""

    async def play(day: Day) -> None:
        day.slack.behaviour = behaviour
        day.show(*first(), api="major_outage")
        await day.passes(minutes=minutes / 2)
        day.show(*first(update(2, "identified", "The cause is found.")), api="major_outage")
        await day.passes(minutes=minutes / 2)
        await well_again(day)

    return play


async def well_again(day: Day) -> None:
    """Slack is well; five minutes later there is another outage."""
    day.slack.behaviour, day.well_at = lambda *_: None, day.now.at
    await day.passes(minutes=6)
    day.show(*first(update(2, "identified", "The cause is found.")), second(), api="major_outage")
    await day.passes(minutes=2)


def by_turns(*replies: Reply) -> Behaviour:
    """A Slack that gives these answers one after the other, for ever."""
    given = [0]

    def behave(method: str, _: dict[str, Any]) -> Reply | None:
        if method not in ("chat.postMessage", "chat.update"):
            return None
        given[0] += 1
        return replies[given[0] % len(replies)]

    return behave


def new_codes() -> Behaviour:
    """A Slack that refuses everything, with another new code each time."""
    given = [0]

    def behave(method: str, _: dict[str, Any]) -> dict[str, Any] | None:
        given[0] += 1
        return {"ok": False, "error": f"new_code_{given[0]}"} if method.startswith("chat.") else None

    return behave


def failing(status: int) -> Reply:
    """A failure of a proxy."""
    return Reply(f"<h1>{status}</h1>", status)


def wait_header(value: str) -> Behaviour:
    """A Slack that asks to wait in this way."""
    return answering(Reply({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": value}))


async def two_channels_are_suspended(day: Day) -> None:
    """Admins have suspended posting in two channels only; a smaller incident comes for all."""
    day.slack.behaviour = refusing("ekm_access_denied", only=lambda a: a["channel"] in ("C0", "C1"))
    day.show(*first(), api="major_outage")
    await day.passes(minutes=40)
    await well_again(day)


async def the_token_is_replaced_twice(day: Day) -> None:
    """The first new token is revoked before it is used."""
    tokens = iter(("xoxb-2", "xoxb-3"))
    day.slack.token = "xoxb-3"  # noqa: S105 - no real token
    day.tokens.reload = lambda: bool((token := next(tokens, "")) and not day.client.set_token(token))
    day.show(*first(), api="major_outage")
    await day.passes(minutes=5)
    await well_again(day)


async def the_clock_steps(day: Day, *steps: timedelta) -> None:
    """The machine's clock is set while Slack refuses everything."""
    day.slack.behaviour = refusing("ekm_access_denied")
    day.show(*first(), api="major_outage")
    await day.passes(minutes=2)
    for step in steps:
        day.now.at += step
        if step < timedelta():
            day.repository.shift_due_times(day.now.at, step)
        await day.passes(minutes=2)
    await well_again(day)


async def edits_are_closed(day: Day) -> None:
    """Messages can't be edited after a minute; the vendor posts ten times."""
    day.slack.behaviour = refusing("edit_window_closed", method="chat.update")
    day.show(*first(), api="major_outage")
    await day.passes(minutes=2)
    for number in range(3, 13):
        day.show(*first(update(number, "identified", f"Post {number}.")), api="major_outage")
        await day.passes(minutes=6)
    await well_again(day)


def kicked(method: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
    """The bot was removed from one channel, which is private."""
    is_there = method.startswith("chat.") and arguments.get("channel") == "C0"
    return (
        {"ok": False, "error": "channel_not_found" if method == "chat.update" else "not_in_channel"}
        if is_there
        else None
    )


async def kicked_during_an_outage(day: Day) -> None:
    """The bot is removed from a channel after the alert, and invited again after an hour."""
    day.show(*first(), api="major_outage")
    await day.passes(minutes=1)
    day.slack.behaviour = kicked
    day.show(*first(update(2, "identified", "The cause is found.")), api="major_outage")
    await day.passes(minutes=60)
    day.repository.probe_channels(day.now.at, "C0")
    await well_again(day)


async def deleted_again_and_again(day: Day) -> None:
    """Somebody deletes the alert's message each time."""
    day.slack.behaviour = refusing("message_not_found", method="chat.update")
    await edits_are_closed(day)


TAKEN_AND_BROKEN = Reply(is_taken=True, is_broken=True)
POSTS_AND_AUTH = ("chat.postMessage", "auth.test")


def accepted(body: dict[str, Any]) -> Callable[[Day], Awaitable[None]]:
    """Slack takes everything for ten minutes, and answers this."""
    return odd_for(10, answering(Reply({"ok": True, **body}, is_taken=True)))


def answered(*replies: Reply, minutes: float = 10, methods: tuple[str, ...] = ()) -> Callable[[Day], Awaitable[None]]:
    """Slack takes nothing, and answers these by turns."""
    return odd_for(minutes, by_turns(*replies) if len(replies) > 1 else answering(*replies, *methods))


async def the_clock_is_set_back(day: Day) -> None:
    """By three hours."""
    await the_clock_steps(day, timedelta(hours=-3))


async def the_clock_goes_ahead_and_back(day: Day) -> None:
    """By thirty hours."""
    await the_clock_steps(day, timedelta(hours=30), timedelta(hours=-30))


async def a_channel_is_shared(day: Day) -> None:
    """A private channel gets a new id; the event comes some minutes later."""
    day.show(*first(), api="major_outage")
    await day.passes(minutes=1)
    day.slack.behaviour = refusing("channel_not_found", only=lambda a: a["channel"] == "C0")
    day.show(*first(update(2, "identified", "The cause is found.")), api="major_outage")
    await day.passes(minutes=6)
    day.repository.move_channel("C0", "C9", day.now.at)
    day.channels = (*day.channels[1:], "C9")
    day.slack.shown_at["C9", "inc1:alert"] = day.slack.shown_at["C0", "inc1:alert"]
    day.slack.shown += [("C9", "inc1:alert", "")]  # what the channel shows, it shows under its new id
    day.well_at = day.now.at
    await day.passes(minutes=2)
    day.show(*first(update(2, "identified", "The cause is found.")), second(), api="major_outage")
    await day.passes(minutes=2)


async def enterprise_migration(day: Day) -> None:
    """The workspace becomes a part of an organization: for two hours nothing works."""
    await odd_for(120, refusing("team_added_to_org"))(day)


DAYS: tuple[OddDay, ...] = (
    # one more message for each channel: an edit needs a message of which the ts is known
    OddDay("ok without a ts", accepted({"channel": "C0"}), doubled=CHANNELS),
    OddDay("ok, the ts is a number", accepted({"ts": 5}), doubled=CHANNELS),
    OddDay("ok, the ts is null", accepted({"ts": None}), doubled=CHANNELS),
    OddDay("ok, the ts is empty", accepted({"ts": ""}), doubled=CHANNELS),
    OddDay("ok, the message alone has a ts", accepted({"message": {"ts": "1.0"}})),
    OddDay("ok is a text", answered(Reply({"ok": "false", "error": "internal_error"})), calls=60, late_s=300),
    OddDay("not ok, without an error", answered(Reply({"ok": False})), calls=60),
    OddDay("not ok, the error is a number", answered(Reply({"ok": False, "error": 5})), calls=60),
    OddDay("not ok, the error is a list", answered(Reply({"ok": False, "error": []})), calls=60),
    OddDay("an empty object", answered(Reply({})), calls=60, late_s=300),
    OddDay("a list", answered(Reply([])), calls=60, late_s=300),
    OddDay("null", answered(Reply(None)), calls=60, late_s=300),
    OddDay(
        "HTML with 200 to everything",
        answered(Reply(HTML), methods=("chat.postMessage", "chat.update", "auth.test")),
        calls=60,
    ),
    OddDay("HTML with 200 to posts alone", answered(Reply(HTML)), calls=60, late_s=300),
    OddDay("taken, and the connection breaks", odd_for(10, answering(TAKEN_AND_BROKEN)), doubled=4 * CHANNELS),
    OddDay("the same, and auth.test too", odd_for(10, answering(TAKEN_AND_BROKEN, *POSTS_AND_AUTH)), doubled=CHANNELS),
    OddDay(
        "the same for three hours", odd_for(180, answering(TAKEN_AND_BROKEN, *POSTS_AND_AUTH)), doubled=8 * CHANNELS
    ),
    OddDay(
        "taken, and 504", odd_for(10, answering(Reply(HTML, 504, is_taken=True), *POSTS_AND_AUTH)), doubled=CHANNELS
    ),
    OddDay(
        "taken, and internal_error",
        odd_for(10, answering(Reply({"ok": False, "error": "internal_error"}, is_taken=True), *POSTS_AND_AUTH)),
        doubled=14 * CHANNELS,
    ),
    OddDay(
        "not taken, and the connection breaks",
        answered(Reply(is_broken=True), methods=("chat.postMessage", "chat.update", "auth.test")),
        calls=60,
    ),
    OddDay(
        "the same for two hours",
        answered(Reply(is_broken=True), minutes=120, methods=("chat.postMessage", "chat.update", "auth.test")),
        calls=300,
        is_long=True,
    ),
    OddDay("502, 503 and 504 by turns", answered(*map(failing, (502, 503, 504))), calls=60),
    OddDay("503 for two hours", answered(failing(503), minutes=120), calls=300, is_long=True),
    OddDay("internal_error with 500", answered(Reply({"ok": False, "error": "internal_error"}, 500)), calls=60),
    OddDay("a redirect to a login page", answered(Reply(HTML, 302, {"Location": "/login"})), calls=60),
    OddDay("403 of a firewall", answered(Reply(HTML, 403)), calls=60),
    *(
        OddDay(
            f"429, Retry-After {value or 'empty'}",
            odd_for(10, wait_header(value)),
            late_s=301,
            is_long=value in ("-1", "1e400", ""),
        )
        for value in ("0", "-1", "soon", "86400", "1e400", "")
    ),
    OddDay("another new code each time", odd_for(10, new_codes()), calls=60),
    OddDay("one new code for everything", odd_for(10, refusing("brand_new")), calls=60),
    OddDay("two channels are suspended", two_channels_are_suspended, calls=90),
    OddDay("the token is replaced twice", the_token_is_replaced_twice, calls=30, late_s=400),
    OddDay("the clock is set back by 3 h", the_clock_is_set_back, calls=30),
    OddDay("the clock goes 30 h ahead, and back", the_clock_goes_ahead_and_back, calls=30),
    OddDay("edits are closed, with ten posts", edits_are_closed, doubled=CHANNELS),
    OddDay("the alert is deleted each time", deleted_again_and_again, doubled=CHANNELS, is_long=True),
    OddDay("removed from a channel during an outage", kicked_during_an_outage, calls=60),
    OddDay("a channel is shared, with a new id", a_channel_is_shared, calls=20),
    OddDay("the workspace joins an organization", enterprise_migration, calls=180),
    OddDay("the thread is locked", odd_for(10, refusing("thread_locked", only=lambda a: bool(a.get("thread_ts"))))),
)


async def row(odd: OddDay) -> tuple[object, ...]:
    """What the day came to."""
    async with slackdays.a_day(CHANNELS) as day:
        await odd.play(day)
        given_up = sum(not p.is_expected for p in day.repository.parked())
        posts = max(sum(c == name and k != "inc2:alert" for c, k, _ in day.slack.shown) for name in day.channels)
        refused = sum(day.slack.refused.values())
        old, new = day.told("inc1:alert"), day.told("inc2:alert")
        is_told = old == new == f"{CHANNELS} of {CHANNELS}"
        late_s = day.late_s("inc1:alert")
        is_told = is_told and late_s <= odd.late_s
        holds = is_told and day.slack.doubled <= odd.doubled and refused <= odd.calls and given_up <= odd.given_up
        costs = (day.slack.doubled, posts, refused, given_up)
        return (odd.name, old, f"{late_s:.0f} s", new, *costs, "yes" if holds else "NO")


async def rows() -> list[tuple[object, ...]]:
    """A row for each day."""
    return [await row(odd) for odd in DAYS]

"""A day of one channel and of two people in it, typed and clicked as they would: what they did, and what they saw.

Ada and Bob sit in C1; Bob also has a Home of his own. Acme's API breaks, then its website; the bot is killed once in
between; and before evening the login fails, which only a probe of the team's sees at first.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.e2e.driver import Driver, World, shown

ADA, BOB = "U1", "U2"
GROUP = "!subteam^S1"
TITLE = "Errors on the API"
DEPLOY, WIDER, FIXED = "A bad deploy is being rolled back.", "The website has it too.", "All fixed."
NOTE = "We moved the batch jobs to <!channel> tomorrow & all is well."
SLOW, GREEN = "People are logged out, and the API is slow.", "All is well."

Shown = dict[str, Any]


@dataclass
class Day:
    """What was answered, by what was typed; and how messages, modals and Home looked, by moment."""

    said: dict[str, str] = field(default_factory=dict)
    seen: dict[str, Shown] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    whispers: dict[str, list[str]] = field(default_factory=dict)
    thread: list[Shown] = field(default_factory=list)
    alerts: list[Shown] = field(default_factory=list)
    direct: list[Shown] = field(default_factory=list)
    posts: list[Shown] = field(default_factory=list)

    def post(self, words: str) -> Shown:
        """The one post to the channel with these words, as it was sent."""
        [found] = [p for p in self.posts if words in shown(p) and p["channel"] == "C1"]
        return found


def live(world: World) -> Day:
    """The whole day."""
    day = Day()
    world.rings = {GROUP}
    world.start()
    for part in (_morning, _outage, _hands, _restart, _end, _look_back, _suspicion, _evening):
        part(world, world.driver, day)
    day.alerts = world.driver.alerts()
    day.thread = world.driver.replies(day.seen["over"]["ts"])
    day.direct = world.driver.messages(world.driver.direct(BOB))
    day.posts = [call["args"] for call in world.driver.calls("chat.postMessage")]
    return day


def _types(day: Day, driver: Driver, text: str, **who: str) -> Shown:
    answer = driver.answer(text, **who)
    day.said[text] = answer["text"]
    return answer


def _heard(driver: Driver, words: str, channel: str = "C1") -> Shown:
    """The first message with these words, once it is there."""
    found = driver.wait_for(lambda: [m for m in driver.messages(channel) if words in shown(m)], what=words)
    return found[0]


def _alert(driver: Driver, words: str, channel: str = "C1") -> Shown:
    """The alert that shows these words, once one does."""
    shows = driver.wait_for(
        lambda: [a for a in driver.alerts(channel) if words in shown(a)], what=f"an alert with {words!r}"
    )
    return shows[-1]


def _whisper(driver: Driver, user: str, words: str, before: frozenset[str] = frozenset()) -> str:
    """What only one person sees, in none of the messages before."""
    found = driver.wait_for(
        lambda: [
            m["text"]
            for m in driver.messages()
            if m.get("ephemeral_to") == user and words in m["text"] and m["ts"] not in before
        ],
        what=f"a word to {user}",
    )
    return found[-1]


# --- what they do -----------------------------------------------------------------------------------------------------


def _morning(world: World, driver: Driver, day: Day) -> None:
    """Ada subscribes the channel in words, Bob himself in his Home."""
    day.seen["menu"] = driver.answer("")
    _types(day, driver, f"subscribe acme mention:<{GROUP}|@ops>")
    day.seen["new home"] = driver.open_home(BOB)
    driver.press_home("home_pick", user=BOB, picked="acme-api")
    day.seen["subscribe"] = driver.modal("acme-api")
    what = {"text": {"type": "external_select", "selected_option": {"value": "acme-api"}}}
    minimum = {"text": {"type": "static_select", "selected_option": {"value": "degraded"}}}
    driver.submit({"target": what, "minimum": minimum}, user=BOB)
    driver.wait_for(lambda: driver.direct(BOB), what="a word to bob")
    driver.wait_for(lambda: "home_change" in str(driver.home(BOB)), what="bob's Home with it")
    driver.wait_for_looks(1)


def _outage(world: World, driver: Driver, day: Day) -> None:
    """The API is down, the vendor knows why, the website joins."""
    world.vendor.opens("inc1", TITLE, "We are looking into errors.", api="major_outage")
    day.seen["alert"] = _alert(driver, TITLE)
    day.seen["alert to bob"] = _alert(driver, TITLE, driver.direct(BOB))
    _types(day, driver, "status", user=BOB)
    driver.press(day.seen["alert"], "affected", user=ADA)
    driver.press(day.seen["alert"], "affected", user=BOB)
    driver.press(day.seen["alert"], "affected", user=ADA)
    day.whispers["affected"] = [_whisper(driver, ADA, "Already counted")]
    day.seen["affected"] = _alert(driver, "2 people affected")
    world.vendor.posts("inc1", "identified", DEPLOY, api="partial_outage")
    _heard(driver, DEPLOY)
    world.vendor.posts("inc1", "identified", WIDER, web="partial_outage")
    _heard(driver, WIDER)
    driver.press(_alert(driver, "Acme partial outage: API, Web"), "affected", "Web", user=ADA)
    day.seen["wider"] = _alert(driver, "People affected: ")


def _hands(world: World, driver: Driver, day: Day) -> None:
    """Bob takes care of it; both say what they know."""
    alert = day.seen["alert"]
    driver.press(alert, "ack", user=BOB)
    day.seen["acknowledged"] = _alert(driver, "Acknowledged by bob")
    driver.press(alert, "ack", user=ADA)
    day.whispers["ack"] = [_whisper(driver, ADA, "bob acknowledged")]
    driver.press(alert, "ack", user=BOB)
    driver.wait_for(lambda: "Acknowledged" not in shown(driver.alerts()[0]), what="the ack to be gone")
    driver.press(alert, "ack", user=BOB)
    _alert(driver, "Acknowledged by bob")
    _types(day, driver, "note we moved the batch", user=BOB)
    driver.press(alert, "more", "Add note", user=BOB)
    day.seen["note"] = driver.modal(TITLE)
    day.errors |= driver.submit({"note": {"text": {"type": "plain_text_input", "value": NOTE}}}, user=BOB)
    _heard(driver, "all is well.")
    for channel in ("C1", "C2"):
        day.said[f"timeline in {channel}"] = driver.answer("timeline inc1", channel=channel)["text"]
    _types(day, driver, "report acme-api it hangs", user=ADA)
    day.said["status after a report"] = driver.answer("status", user=BOB)["text"]


def _restart(world: World, driver: Driver, day: Day) -> None:
    """The bot is killed while the channel is muted; a digest's time passes meanwhile."""
    alert = day.seen["alert"]
    driver.press(alert, "mute", "until resolved")
    day.seen["muted"] = _alert(driver, "Muted until")
    world.bots[-1].kill()
    _order_a_digest(world)
    world.start()
    driver.press(alert, "mute")
    driver.wait_for(lambda: "Muted until" not in shown(driver.alerts()[0]), what="the mute to be gone")
    driver.press(alert, "mute", "until resolved")
    _alert(driver, "Muted until")
    driver.press_home("home_refresh", user=BOB)
    driver.wait_for(lambda: "partial outage" in str(driver.home(BOB)), what="trouble in bob's Home")
    day.seen["troubled home"] = driver.home(BOB)
    driver.press_home("home_ask:0", user=BOB)
    day.seen["advice"] = driver.modal("Acme API")


def _order_a_digest(world: World) -> None:
    """It is due one minute ago, and tells of the day before that."""
    now = datetime.now(UTC)  # noqa: TID251 - the bot has the real clock
    at = (now - timedelta(minutes=1)).strftime("%H:%M")
    with closing(sqlite3.connect(world.db, timeout=10)) as repository, repository:
        yesterday = (now - timedelta(days=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        columns = "channel, at, zone, on_calm, done"
        repository.execute(f"INSERT INTO digests ({columns}) VALUES ('C1', ?, 'UTC', 1, ?)", (at, yesterday))  # noqa: S608


def _end(world: World, driver: Driver, day: Day) -> None:
    world.vendor.resolves("inc1", FIXED, api="operational", web="operational")
    _heard(driver, FIXED)
    day.seen["over"] = _alert(driver, "recovering: resolved after")
    day.seen["over for bob"] = _alert(driver, "recovering: resolved after", driver.direct(BOB))


def _look_back(world: World, driver: Driver, day: Day) -> None:
    """What happened, for one, for all, and as files."""
    before = frozenset(m["ts"] for m in driver.messages())
    driver.press(day.seen["alert"], "more", "Timeline", user=ADA)
    day.whispers["timeline"] = [_whisper(driver, ADA, DEPLOY, before)]
    summary = _types(day, driver, "summary inc1", user=BOB)
    driver.press(summary, "share", user=BOB)
    day.seen["shared"] = _heard(driver, "bob shared: ")
    driver.press(summary, "export", user=BOB)
    [day.seen["files"]] = driver.wait_for(lambda: [m for m in driver.messages() if m.get("files")], what="the files")


def _suspicion(world: World, driver: Driver, day: Day) -> None:
    """A probe of the team's has seen the login fail for four minutes, and the page shows nothing; then it does."""
    secret = world.token()
    driver.tell("/v1/probes", [_try(minutes) for minutes in (4, 3, 2, 1, 0)], secret)
    day.seen["suspected"] = _alert(driver, "suspected")
    world.vendor.opens("inc2", "Trouble again", SLOW, login="partial_outage", api="degraded_performance")
    day.seen["taken over"] = _alert(driver, "Trouble again")
    _heard(driver, SLOW)
    world.vendor.resolves("inc2", GREEN, login="operational", api="operational")
    _heard(driver, GREEN)


def _try(minutes: float, *, ok: bool = False) -> Shown:
    """A try to log in from Paris so many minutes ago."""
    at = datetime.now(UTC) - timedelta(minutes=minutes)  # noqa: TID251 - the probe has the real clock
    return {"surface": "acme-login", "vantage": "paris", "at": at.isoformat(), "ok": ok, "why": "" if ok else "a 503"}


def _evening(world: World, driver: Driver, day: Day) -> None:
    """How the channel wants it from now on, and that it has heard enough."""
    day.seen["digest"] = driver.wait_for(
        lambda: [m for m in driver.messages() if m["text"].startswith("Daily digest")], what="the digest", patience=40
    )[0]
    driver.fault("channel_not_found", method="conversations.info", channel="C2")  # as of a private one
    day.said["in a private channel"] = driver.answer("subscribe acme-web", channel="C2")["text"]
    driver.command("settings")
    day.seen["settings"] = driver.modal("Quiet hours")
    day.errors |= driver.submit({"quiet": {"text": {"type": "plain_text_input", "value": "at night"}}})
    driver.submit({"quiet": {"text": {"type": "plain_text_input", "value": "22-7 Europe/Berlin"}}})
    _heard(driver, "changed the alert settings of this channel")
    for typed in ("list", "mute all 2h", "unmute", "unsubscribe acme"):
        _types(day, driver, typed)
    driver.press_home("home_change", user=BOB, choice="Unsubscribe")
    driver.wait_for(lambda: "Set up alerts in 2 steps" in str(driver.home(BOB)), what="bob's Home without it")
    day.seen["last home"] = driver.home(BOB)

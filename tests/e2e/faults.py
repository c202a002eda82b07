"""``python -m tests.e2e.faults``: Slack's bad days, through the proxy in front of the emulator, and what channels show.

One bot, and a channel for each fault, so that they all happen at once: an incident opens, and every channel is owed an
alert and the vendor's words in its thread. Some faults last for a while and are mended; then it counts how long after
that the alert comes. What happens to the socket follows. ``--long`` has the bad day last 45 s, and a dead connection.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.conftest import a_world, missing
from tests.e2e.driver import Driver, World
from tests.faults.tables import table

POST, HISTORY, THREAD = "chat.postMessage", "conversations.history", "conversations.replies"
SAID = "We are looking into errors."
FOR_EVER = 10**6


@dataclass(frozen=True)
class Fault:
    """What happens in a channel: a kind of proxy.py by method, so many times; ``lasts``: until it is mended."""

    name: str
    happens: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lasts: bool = False
    promise: str = "once"  # or "text alone", "admitted" where a copy may come, "paused"
    bar_s: float = 75.0  # until the alert comes after that: one refused token stops all for a minute


def _once(kind: str, **more: Any) -> dict[str, dict[str, Any]]:
    return {POST: {"kind": kind, "times": 1} | more}


def _lasting(kind: str, **more: Any) -> dict[str, dict[str, Any]]:
    return {POST: {"kind": kind, "times": FOR_EVER} | more}


FAULTS = {
    "C1": Fault("none"),
    "C2": Fault("429, Retry-After 2", _once("slow_down", retry_after=2)),
    "C3": Fault("500", _once("error")),
    "C4": Fault("ok: false (internal_error)", _once("internal_error")),
    "C5": Fault("connection cut, not taken", _once("drop")),
    "C6": Fault("answer lost: taken, connection cut", _once("cut")),
    "C7": Fault("answer lost: taken, never answered", _once("lost")),
    "C8": Fault(
        "answer lost, and not a member there",
        _once("cut") | {HISTORY: {"kind": "not_in_channel", "times": 9}},
        promise="admitted",
    ),
    "C9": Fault("invalid_blocks", {POST: {"kind": "invalid_blocks", "times": 2}}, promise="text alone"),
    "C10": Fault("msg_too_long", _once("msg_too_long"), promise="text alone"),
    "C11": Fault("is_archived", _lasting("is_archived"), promise="paused"),
    "C12": Fault("not_in_channel", _lasting("not_in_channel"), promise="paused"),
    "C13": Fault("channel_not_found", _lasting("channel_not_found"), promise="paused"),
    "C14": Fault("429, Retry-After 5, for a while", _lasting("slow_down", retry_after=5), lasts=True),
    "C15": Fault("500 for a while", _lasting("error"), lasts=True),
    "C16": Fault("connection cut for a while", _lasting("drop"), lasts=True),
    "C17": Fault("hangs for a while", _lasting("hang"), lasts=True),
    "C18": Fault("token_revoked for a while", _lasting("token_revoked"), lasts=True),
}


@dataclass(frozen=True)
class FaultResult:
    """What a channel shows in the end. ``after_s`` is from the opening, or from the mending of what lasted."""

    fault: Fault
    alerts: int
    replies: int
    in_text: bool
    after_s: float | None
    admitted: bool

    HEAD = ("fault", "the channel shows", "lost", "doubled", "after")

    @property
    def lost(self) -> int:
        return 0 if self.fault.promise == "paused" else (self.alerts == 0) + (self.replies == 0)

    @property
    def doubled(self) -> int:
        return max(self.alerts - 1, 0) + max(self.replies - 1, 0)

    def row(self) -> tuple[object, ...]:
        shows = "nothing: paused, and its owner was told" if self.fault.promise == "paused" else self._shows()
        after = (
            "-" if self.after_s is None else f"{self.after_s:.1f} s{' after it was well' if self.fault.lasts else ''}"
        )
        copies = f"{self.doubled}{' (the log says so)' if self.doubled and self.admitted else ''}"
        return self.fault.name, shows, self.lost, copies, after

    def _shows(self) -> str:
        plain = ", in plain text" if self.in_text else ""
        return f"{self.alerts} alert{'s' if self.alerts != 1 else ''}{plain}, {self.replies} in its thread"


# --- the Web API ------------------------------------------------------------------------------------------------------


def bad_day(world: World, lasts_s: float) -> dict[str, FaultResult]:
    """All faults at once; what came of each, by channel."""
    driver = world.driver
    driver.grant("channels:history")
    world.start()
    for channel, fault in FAULTS.items():
        driver.command("subscribe acme", channel=channel)
        for method, how in fault.happens.items():
            driver.fault(how["kind"], method=method, times=how["times"], channel=channel, **_rest(how))
    driver.wait_for_looks(2)
    began = time.time()
    world.vendor.opens("inc1", "Errors on the API", SAID, api="major_outage")
    _sleep(driver, began + lasts_s)
    mended = time.time()
    for channel, fault in FAULTS.items():
        if fault.lasts:
            driver.fault("", method=POST, times=0, channel=channel)
    driver.wait_for(lambda: _is_settled(world), what="all that is owed", patience=120)
    driver.wait_for(lambda: owners_were_told(world), what="the message about paused channels", patience=120)
    driver.wait_for_looks(3)
    return {channel: _came(world, channel, mended if f.lasts else began) for channel, f in FAULTS.items()}


def _rest(how: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in how.items() if key not in ("kind", "times")}


def _sleep(driver: Driver, until: float) -> None:
    driver.wait_for(lambda: time.time() > until, what="time to pass", patience=until - time.time() + 5)


def _is_settled(world: World) -> bool:
    """Nothing is owed but to the channels that stay paused."""
    owed = "SELECT DISTINCT channel FROM outbox WHERE state IN ('waiting', 'sending')"
    with closing(sqlite3.connect(f"file:{world.db}?mode=ro", uri=True)) as connection:
        channels = {row[0] for row in connection.execute(owed)}
    return channels <= {channel for channel, fault in FAULTS.items() if fault.promise == "paused"}


def _came(world: World, channel: str, since: float) -> FaultResult:
    alerts = [m for m in world.driver.alerts(channel) if "Acme API outage" in m["text"]]
    replies = [m for m in world.driver.messages(channel) if "thread_ts" in m and SAID in m["text"]]
    first = min((float(m["ts"]) for m in alerts), default=None)
    in_text = bool(alerts) and not alerts[0].get("blocks")
    admitted = f"alert to {channel}: sent again" in world.said()
    return FaultResult(FAULTS[channel], len(alerts), len(replies), in_text, first and first - since, admitted)


def owners_were_told(world: World) -> int:
    """How many messages about paused channels the one who subscribed them has."""
    return sum("paused" in call["args"]["text"] for call in world.driver.calls(POST) if call["args"]["channel"] == "U1")


# --- Socket Mode ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SocketFaultResult:
    """What a fault of the socket cost: a post of the vendor's meanwhile, and a command after it."""

    fault: str
    alerts: int
    answers: int
    after_s: float

    HEAD = ("socket", "the vendor's post meanwhile", "answers to a command after it", "it answered after")

    def row(self) -> tuple[object, ...]:
        return (
            self.fault,
            f"shown {self.alerts} time{'s' if self.alerts != 1 else ''}",
            self.answers,
            f"{self.after_s:.1f} s",
        )


def bad_lines(world: World, kinds: tuple[str, ...]) -> Iterator[SocketFaultResult]:
    """One fault of the socket after the other."""
    for number, kind in enumerate(kinds):
        words = f"Word {number} of the vendor."
        world.driver.line(kind)
        world.vendor.posts("inc1", "identified", words)
        after_s, answers = _answered(world.driver)
        world.driver.wait_for(lambda said=words: _says(world, said), what=words)
        world.driver.wait_for_looks(2)
        yield SocketFaultResult(kind, _says(world, words), answers(), after_s)
        world.driver.line("mended")


def _says(world: World, words: str) -> int:
    return sum(words in m["text"] for m in world.driver.messages("C1"))


def _answered(driver: Driver) -> tuple[float, Any]:
    """How long until a command is answered, typed again every second, as people do; and how many answers the last got."""
    began = time.monotonic()
    while True:
        seen, asked = {m["ts"] for m in driver.messages("C1")}, time.monotonic()

        def answers(seen: set[str] = seen) -> int:
            new = [m for m in driver.messages("C1") if m["ts"] not in seen]
            return sum(m.get("ephemeral_to") == "U1" for m in new)

        driver.command("list")
        try:
            driver.wait_for(answers, what="an answer", patience=1.5)
        except AssertionError:
            if asked - began > 90:
                raise
            continue
        return time.monotonic() - began, answers


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--long", action="store_true")
    is_long = asked.parse_args().long
    if why := missing():
        sys.exit(why)
    with a_world() as world:
        world.rings = {f"#{channel}" for channel in FAULTS}
        came = bad_day(world, 45 if is_long else 12)
        print(table(FaultResult.HEAD, [c.row() for c in came.values()]), flush=True)
        print(f"\nwho subscribed the three paused channels was told {owners_were_told(world)} times\n")
        kinds = ("abort", "refresh", "repeat", *(("freeze",) if is_long else ()))
        print(table(SocketFaultResult.HEAD, [heard.row() for heard in bad_lines(world, kinds)]))


if __name__ == "__main__":
    main()

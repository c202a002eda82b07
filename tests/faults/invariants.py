"""What must hold after a day of faults, whatever they were: each rule finds what broke it, a sentence each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

from bot.domain import EventKind, NotificationKind
from bot.messages import alerts
from bot.rules.changes import missed

_SAID = (EventKind.UPDATE_POSTED, EventKind.UPDATE_EDITED)


def broken(day: Any) -> Iterator[str]:
    """Everything that did not hold."""
    for rule in RULES:
        yield from (f"{rule.__name__}: {what}" for what in rule(day))


def nothing_is_still_owed(day: Any) -> Iterator[str]:
    yield from day.engine.pending_channels()


def nothing_is_parked(day: Any) -> Iterator[str]:
    yield from day.parked


def what_two_looks_saw_is_posted(day: Any) -> Iterator[str]:
    """A text that two recorded looks saw is in a thread of the channel that listens to everything.

    But for incidents that were over before any poll: those are in the timeline only (``Quiet.RETROACTIVE``).
    """
    words = "\n".join(m.text for m in day.chat.said if m.channel == "C1" and ":alert" not in m.key)
    for (incident, text), looks in day.seen.items():
        if looks > 1 and text not in words and incident not in unseen(day):
            yield f"{incident}: {text!r}, seen by {looks} looks"


def unseen(day: Any) -> set[str]:
    """Incidents that opened and closed between two polls; their threads are empty."""
    return {r["id"] for r in day.store._db.rows("SELECT id FROM incidents WHERE is_retroactive = 1")}


def told_late(day: Any) -> set[str]:
    """Those of them that channels were told of, each by an alert of its own."""
    return unseen(day) & {r["incident"] for r in day.store._db.rows("SELECT incident FROM alerts")}


def what_was_missed_is_told_late(day: Any) -> Iterator[str]:
    """An incident that no good poll showed, and that ended in a long gap between two, is told all the same."""
    shown = {incident for incident, _ in day.seen}
    keys = {m.key for m in day.chat.said if m.channel == "C1"}
    words = "\n".join(m.text for m in day.chat.said if m.channel == "C1")
    for story in (s for s in day.vendor.stories if s.id not in shown and s.closed_at and not s.is_withdrawn):
        start, end = (datetime.fromisoformat(story.updates[n]["display_at"]) for n in (0, -1))
        gap = next((g for g in day.gaps if g.true_end >= end), None)
        is_late = gap and missed.is_monitoring_gap(gap.start, gap.end) and start < end and gap.start < end
        is_told = f"{story.id}:alert" in keys or re.search(rf"Trouble {story.number}\b", words)
        if is_late and not is_told:
            yield f"{story.id}: {start:%H:%M} to {end:%H:%M}"


def no_gap_is_a_storm(day: Any) -> Iterator[str]:
    late_keys = {f"{incident}:alert" for incident in unseen(day)}
    late = Counter(m.at for m in day.chat.said if m.channel == "C1" and m.key in late_keys)
    yield from (f"{at}: {n} messages" for at, n in late.items() if n > missed.MAX_SEPARATE_ALERTS)


def no_key_is_posted_twice(day: Any) -> Iterator[str]:
    """But for copies that the bot could not know of: it died, or the connection broke, before the answer.

    Where the channel's history may be read, not even those.
    """
    taken = Counter((m.channel, m.key) for m in day.chat.said)
    excused = {
        key: n for key, n in day.chat.doubts.items() if not day.chat.can_search_history or key in day.chat.unfound
    }
    yield from (f"{key}: {n} times" for key, n in taken.items() if n > excused.get(key, 0) + 1)


def each_thread_is_in_order(day: Any) -> Iterator[str]:
    """The alert first, and the vendor's posts in their order."""
    for (channel, incident), said in _threads(day):
        first = list(dict.fromkeys(m.key for m in said))
        if not first[0].endswith(":alert"):
            yield f"{channel}, {incident}: {first[0]} came first"
        numbers = [int(k.rpartition(":u")[2]) for k in first if re.search(r":update:u\d+$", k)]
        if numbers != sorted(numbers):
            yield f"{channel}, {incident}: {numbers}"


def replies_are_in_their_thread(day: Any) -> Iterator[str]:
    alert = {m.ts: m.key.removesuffix(":alert") for m in day.chat.said if m.key.endswith(":alert")}
    for said in day.chat.said:
        if said.thread_ts and alert.get(said.thread_ts) != _incident(said.key):
            yield f"{said.key} is in the thread of {alert.get(said.thread_ts)}"


def the_timeline_is_what_was_posted(day: Any) -> Iterator[str]:
    """Of incidents that the channel was told of, and not late: the same texts, no more and no fewer."""
    told = {r["incident"] for r in day.store._db.rows("SELECT incident FROM alerts WHERE channel = 'C1'")}
    for incident in sorted(told - unseen(day)):
        known = {e.text for e in day.store.events(incident) if e.kind in _SAID}
        words = "\n".join(m.text for m in day.chat.said if m.channel == "C1" and m.key.startswith(f"{incident}:"))
        posted = set(re.findall(r"Word [a-j]+ of ours\.", words))
        missing, extra = known - posted, posted - known
        if missing or extra:
            yield f"{incident}: not posted {sorted(missing)}, not in the timeline {sorted(extra)}"


def no_incident_is_false(day: Any) -> Iterator[str]:
    for said in day.chat.said:
        if said.key.endswith(":alert") and day.vendor.story(_incident(said.key)) is None:
            yield said.key


def no_incident_is_over_too_early(day: Any) -> Iterator[str]:
    yield from day.early


def every_told_incident_is_drawn_as_it_ended(day: Any) -> Iterator[str]:
    """The last drawing is of the last state, and that is an end."""
    found = day.store._db.rows("SELECT channel, incident, ts FROM alerts WHERE ts IS NOT NULL")
    for row in found:
        post = day.store.user_actions._latest_message(row["channel"], row["incident"])
        shown = next((m.text for m in day.chat.said if m.ts == row["ts"]), "")
        if post.about.closed_at is None:
            yield f"{row['channel']}, {row['incident']}: still open"
        elif (
            post.kind in (NotificationKind.ALERT, NotificationKind.EDIT)
            and shown != alerts.render_notification(post).text
        ):
            yield f"{row['channel']}, {row['incident']}: an old drawing"


def every_dark_stretch_is_told_once(day: Any) -> Iterator[str]:
    """One notice that the page can't be read, and one that it can again, for the same stretch; one message a day."""
    told = {kind: set(_notices(day, kind)) for kind in ("blind", "back")}
    yield from (f"blind since {since}, and never back" for since in told["blind"] - told["back"])
    yield from (f"back since {since}, and never blind" for since in told["back"] - told["blind"])
    if not day.dark.sure <= len(told["blind"]) <= day.dark.sure + day.dark.unsure:
        yield f"{len(told['blind'])} notices for {day.dark.sure} (or {day.dark.unsure} more) stretches"
    messages = {m.key for m in day.chat.said if m.channel == "C1" and re.match(r"acme:(blind|back):", m.key)}
    days = {since[:10] for since in told["blind"]}
    if len(messages) > len(days):
        yield f"{len(messages)} messages on {len(days)} days"


def _notices(day: Any, kind: str) -> Iterator[str]:
    """Since when, of each notice of this kind that was delivered."""
    for row in day.store._db.rows("SELECT key FROM outbox WHERE channel = 'C1' AND state = 'sent'"):
        if row["key"].startswith(f"acme:{kind}:"):
            yield row["key"].partition(f"{kind}:")[2]


def _incident(key: str) -> str:
    return re.split(r":[a-z]+(?::|$)", key)[0]


def _threads(day: Any) -> Iterator[tuple[tuple[str, str], list[Any]]]:
    def place(said: Any) -> tuple[str, str]:
        return said.channel, _incident(said.key)

    told = sorted((m for m in day.chat.said if not m.key.startswith("acme:")), key=place)
    yield from ((where, list(group)) for where, group in groupby(told, place))


RULES = (
    nothing_is_still_owed,
    nothing_is_parked,
    what_two_looks_saw_is_posted,
    what_was_missed_is_told_late,
    no_gap_is_a_storm,
    no_key_is_posted_twice,
    each_thread_is_in_order,
    replies_are_in_their_thread,
    the_timeline_is_what_was_posted,
    no_incident_is_false,
    no_incident_is_over_too_early,
    every_told_incident_is_drawn_as_it_ended,
    every_dark_stretch_is_told_once,
)

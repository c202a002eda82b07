"""``python -m tests.bench.words``: how much a channel is shown, in words, on recorded days.

Counts the words of each new alert, of each edit of one, and of each broadcast; and the broadcasts of each incident, with
the share that came within five minutes of the one before. Needs the recordings in ``BROWNOUT_SHARED``.
"""

from __future__ import annotations

import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from bot.domain import Message, Notification, NotificationKind
from bot.messages.alerts import render_notification
from tests.bench.table import percentile
from tests.replays.transcript import DEMO, changes_of, posts_of

WITHIN = timedelta(minutes=5)
HEAD = ("recording", "what", "n", "median", "P95", "most")
_MARKUP = re.compile(r":[a-z_]+:|[*_>•·]|<!date\^\d+\^[^|]*\||<[^|>]*\||>")


def words_of(message: Message) -> int:
    """The words that a reader sees of a message: its blocks, without emoji, markup and buttons; else its text."""
    texts = [*_texts(message.blocks), *(t for a in message.attachments for t in _texts(a.get("blocks", ())))]
    return sum(len(_MARKUP.sub(" ", text).split()) for text in texts or [message.text])


def _texts(blocks: Iterable[dict[str, object]]) -> Iterator[str]:
    for block in blocks:
        if block["type"] in ("header", "section"):
            yield block["text"]["text"]  # type: ignore[index]
        elif block["type"] == "context":
            yield from (element["text"] for element in block["elements"])  # type: ignore[attr-defined]


def shown_to_channel(path: Path, provider: str, since: datetime | None) -> Iterator[tuple[datetime, Notification]]:
    """What one channel that follows the provider gets from a recording, with its time."""
    for change, posts in posts_of(changes_of(path, provider), provider):
        if since is None or change.at >= since:
            yield from ((change.at, post) for post in posts)


def rows_of(name: str, shown: Sequence[tuple[datetime, Notification]]) -> Iterator[tuple[object, ...]]:
    """The rows of one recording."""
    alerts = [words_of(render_notification(p)) for _, p in shown if p.kind is NotificationKind.ALERT]
    edits = [words_of(render_notification(p)) for _, p in shown if p.kind is NotificationKind.EDIT]
    loud = [(at, p) for at, p in shown if p.news and p.news.broadcast]
    times: dict[str, list[datetime]] = defaultdict(list)
    for at, post in loud:
        times[post.incident].append(at)
    incidents = {p.incident for _, p in shown if p.kind is NotificationKind.ALERT}
    per_incident = [len(times[incident]) for incident in incidents]
    close = sum(b - a <= WITHIN for one in times.values() for a, b in pairwise(one))
    yield name, "words of a new alert", *_figures(alerts)
    yield name, "words of an edited alert", *_figures(edits)
    yield name, "words of a broadcast", *_figures([len(render_notification(p).text.split()) for _, p in loud])
    yield name, "broadcasts of an incident", *_figures(per_incident)
    yield name, "broadcasts within 5 min of the one before", f"{close} of {len(loud)}", "", "", ""


def _figures(values: Sequence[int]) -> tuple[object, ...]:
    if not values:
        return 0, "-", "-", "-"
    return len(values), f"{percentile(values, 0.5):g}", f"{percentile(values, 0.95):g}", max(values)


def main() -> int:
    """Prints the table; 1 where there are no recordings."""
    shared = Path(os.environ.get("BROWNOUT_SHARED", ""))
    days = [("2 March 2026, paraphrased", DEMO, "claude", None)]
    recorded = [
        ("2 March 2026", shared / "claude" / "2026-03-02.json", "claude", None),
        ("GitHub, polls of 2024", shared / "github" / "polls-2020-11_2024-12.ndjson.xz", "github", 2024),
    ]
    days += [day for day in recorded if day[1].is_file()]
    sys.stdout.write(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}\n")
    for name, path, provider, year in days:
        since = datetime.fromisoformat(f"{year}-01-01T00:00:00+00:00") if year else None
        for row in rows_of(name, list(shown_to_channel(path, provider, since))):
            sys.stdout.write(f"| {' | '.join(map(str, row))} |\n")
    return 0 if len(days) > 1 else 1


if __name__ == "__main__":
    raise SystemExit(main())

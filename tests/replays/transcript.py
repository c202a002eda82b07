"""A recording -> what a channel that follows its provider is shown, and what the bot makes of it without any words.

``python -m tests.replays.transcript`` writes the golden files anew; read their diff before you commit it.
"""

import os
from collections.abc import Iterator
from html import unescape
from itertools import islice
from pathlib import Path

from bot import settings
from bot.domain import EventKind, Notification, NotificationKind, Subscription
from bot.evaluation.replay import replay
from bot.formats import recordings
from bot.messages import alerts, formatting
from bot.rules.alerting import routing
from bot.rules.alerting.decide import decide
from bot.rules.transition import StateTransition

HERE = Path(__file__).parent
DEMO = HERE.parents[1] / "config" / "demo" / "2026-03-02.json"


def strokes_of(path, provider_id, *, polls=None) -> Iterator[StateTransition]:
    """The strokes of a recording; of a recording of polls only those that ``polls``, a range, counts."""
    found = settings.load()
    provider = found.provider(provider_id)
    with path.open("rb") as file:
        recording = recordings.read_recording(file)
        if polls is not None:
            recording = islice(recording, polls.start, polls.stop)
        yield from replay(recording, provider, found.rules_for(provider))


def posts_of(strokes, provider_id) -> Iterator[tuple[StateTransition, tuple[Notification, ...]]]:
    """With each stroke what one channel is owed for it, if it follows the whole provider."""
    provider = settings.load().provider(provider_id)
    told: set[str] = set()
    subscription = Subscription("C1", provider_id)
    for stroke in strokes:
        decision = decide(stroke, provider, blind_after=3)
        posts = [
            post
            for alert in decision.alerts
            for post in routing.route_alert(
                alert, [subscription], {"C1"} if alert.incident in told else (), _what_it_has(alert, told)
            )
        ]
        posts += [p for n in decision.notices for p in routing.route_notice(n, [subscription], ())]
        told |= {p.incident for p in posts if p.kind is NotificationKind.ALERT}
        yield stroke, tuple(posts)


def _what_it_has(alert, told):
    earlier = tuple((incident, {"C1"} if incident in told else ()) for incident in alert.follows)
    return routing.ChannelDeliveryState(earlier=earlier)


def channel(path, provider_id) -> str:
    """Everything that the channel is shown, in order; a message that is drawn anew only by what it says at a glance."""
    lines = []
    for stroke, posts in posts_of(strokes_of(path, provider_id), provider_id):
        for post in posts:
            loud = ", also in the channel" if post.news and post.news.broadcast else ""
            lines += [f"## {stroke.at:%d %b %H:%M:%S} {post.kind}{loud}", "", *_told(post), ""]
    return "\n".join(lines)


def _told(post):
    if post.kind is not NotificationKind.EDIT:
        return unescape(alerts.render_notification(post).text).splitlines()
    glance = [
        f"{line.name}: {formatting.CONDITION_WORDS[line.condition]}; {formatting.advice_text(line.verdict)}"
        for line in post.about.lines
    ]
    return [alerts.headline(post.about), *glance]


def facts(path, provider_id) -> str:
    """Times, kinds, surfaces, conditions and verdicts; incidents are numbered, and no word of the vendor is kept."""
    numbers: dict[str, str] = {}
    lines = []
    for event in (e for s in strokes_of(path, provider_id) for e in s.events):
        incident = numbers.setdefault(event.incident, f"#{len(numbers) + 1}") if event.incident else "-"
        what = event.verdict or event.condition if event.surface else event.stage
        is_ours = event.kind in (EventKind.SURFACE_CHANGED, EventKind.VERDICT_CHANGED)
        row = (
            f"{event.seen_at:%d %H:%M:%S}",
            incident,
            event.kind,
            event.surface,
            what,
            (event.reason_code or "") * is_ours,
        )
        lines.append("- " + " ".join(str(cell) for cell in row if cell))
    return "\n".join(lines) + "\n"


GOLDEN = {"demo-day": lambda: channel(DEMO, "claude")}

if __name__ == "__main__":
    if shared := os.environ.get("BROWNOUT_SHARED"):
        GOLDEN["2026-03-02"] = lambda: facts(Path(shared) / "claude" / "2026-03-02.json", "claude")
    for name, text in GOLDEN.items():
        (HERE / name / "transcript.md").write_text(text(), encoding="utf-8")

"""A recording -> what a channel that follows its provider is shown, and what the bot makes of it without any words.

``python -m tests.replays.transcript`` writes the golden files again; read their diff before you commit it.
"""

import json
import os
from collections.abc import Iterator
from functools import cache, partial
from html import unescape
from itertools import islice
from pathlib import Path

from bot import settings
from bot.domain import ChannelPreferences, EventKind, Notification, NotificationKind, Provider, Subscription
from bot.evaluation.replay import replay
from bot.formats import recordings
from bot.formats.recordings import RecordedPoll
from bot.messages import alert_view, alerts, formatting, markup
from bot.rules.alerting import routing
from bot.rules.alerting.decide import decide
from bot.rules.transition import StateTransition
from tests.replays import made_days

HERE = Path(__file__).parent
DEMO = HERE.parents[1] / "config" / "demo" / "2026-03-02.json"


def changes_of(path, provider_id, *, polls=None) -> Iterator[StateTransition]:
    """The transitions of a recording; of a recording of polls only those that ``polls``, a range, counts."""
    found = settings.load()
    provider = found.provider(provider_id)
    with path.open("rb") as file:
        recording = recordings.read_recording(file)
        if polls is not None:
            recording = islice(recording, polls.start, polls.stop)
        yield from replay(recording, provider, found.rules_for(provider))


@cache
def kept_changes_of(path, provider_id) -> tuple[StateTransition, ...]:
    """The transitions of a recording that many tests read: it is replayed once in a run."""
    return tuple(changes_of(path, provider_id))


def changes_of_polls(polls, provider) -> Iterator[StateTransition]:
    """The transitions of polls that a test has made: pairs of a time and the page's body."""
    recording = (RecordedPoll(at, body) for at, body in polls)
    yield from replay(recording, provider, settings.load().rules_for(provider))


def posts_of(changes, provider_id) -> Iterator[tuple[StateTransition, tuple[Notification, ...]]]:
    """With each transition what one channel is sent for it, if it follows the whole provider with its maintenance."""
    provider = provider_id if isinstance(provider_id, Provider) else settings.load().provider(provider_id)
    told: set[str] = set()
    subscription = Subscription("C1", provider.id)
    for change in changes:
        decision = decide(change, provider, blind_after=3)
        posts = [
            post
            for alert in decision.alerts
            for post in routing.route_alert(
                alert, [subscription], {"C1"} if alert.incident in told else (), _what_it_has(alert, told)
            )
        ]
        posts += [p for n in decision.notices for p in routing.route_notice(n, [subscription], ())]
        told |= {p.incident for p in posts if p.kind is NotificationKind.ALERT}
        yield change, tuple(posts)


def _what_it_has(alert, told):
    earlier = tuple((incident, {"C1"} if incident in told else ()) for incident in alert.follows)
    wanted = {"C1": ChannelPreferences("C1", maintenance=True)}
    return routing.ChannelDeliveryState(preferences=wanted, earlier=earlier)


def channel(changes, provider) -> str:
    """Everything that the channel is shown, in order; an edit only by what it says at a glance."""
    lines = []
    for change, posts in posts_of(changes, provider):
        for post in posts:
            loud = ", also in the channel" if post.news and post.news.broadcast else ""
            lines += [f"## {change.at:%d %b %H:%M:%S} {post.kind}{loud}", "", *_told(post), ""]
    return "\n".join(lines)


def _told(post):
    if post.kind is not NotificationKind.EDIT:
        return unescape(alerts.render_notification(post).text).splitlines()
    if len(post.about.lines) > 12:
        return [alerts.headline(post.about), *map(markup.to_plain, alert_view.lines(post.about))]
    glance = [
        f"{line.name}: {formatting.CONDITION_WORDS[line.condition]}; {formatting.advice_text(line.verdict)}"
        for line in post.about.lines
    ]
    return [alerts.headline(post.about), *glance]


def payloads(changes, provider) -> str:
    """What Slack is sent, a message a line: new messages, broadcasts, and each edit that has another headline."""
    lines, headlines = [], {}
    for change, posts in posts_of(changes, provider):
        for post in posts:
            message = alerts.render_notification(post)
            headline = message.blocks[0] if post.kind is not NotificationKind.REPLY else None
            is_new = post.kind is not NotificationKind.REPLY and headlines.get(post.incident) != headline
            if post.kind is NotificationKind.NOTICE or is_new or (post.news and post.news.broadcast):
                sent = {"text": message.text, "blocks": message.blocks, "attachments": message.attachments}
                row = {"at": f"{change.at:%H:%M:%S}", "kind": post.kind, **sent}
                lines.append(json.dumps(row, ensure_ascii=False))
            if headline:
                headlines[post.incident] = headline
    return "\n".join(lines) + "\n"


def facts(path, provider_id) -> str:
    """Times, kinds, surfaces, conditions and verdicts; incidents are numbered, and no word of the vendor is kept."""
    numbers: dict[str, str] = {}
    lines = []
    for event in (e for s in changes_of(path, provider_id) for e in s.events):
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


def made(form, name) -> str:
    """A day of our own making in a form: ``channel`` or ``payloads``."""
    provider, polls = made_days.DAYS[name]
    return form(changes_of_polls(polls(), provider), provider)


GOLDEN = {"demo-day/transcript.md": lambda: channel(changes_of(DEMO, "claude"), "claude")}
GOLDEN["demo-day/messages.ndjson"] = lambda: payloads(changes_of(DEMO, "claude"), "claude")
for day in made_days.DAYS:
    GOLDEN |= {
        f"{day}/transcript.md": partial(made, channel, day),
        f"{day}/messages.ndjson": partial(made, payloads, day),
    }

if __name__ == "__main__":
    if shared := os.environ.get("BROWNOUT_SHARED"):
        GOLDEN["2026-03-02/transcript.md"] = lambda: facts(Path(shared) / "claude" / "2026-03-02.json", "claude")
    for name, text in GOLDEN.items():
        (HERE / name).parent.mkdir(exist_ok=True)
        (HERE / name).write_text(text(), encoding="utf-8")

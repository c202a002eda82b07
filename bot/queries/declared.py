"""What is known of an incident that a team declared, and what is to be posted about it.

Every post is worked out from what is recorded, and its key from the record, so that it can be worked out again at any
time, and is put into the outbox once.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from bot.domain import (
    DeclaredEntry,
    DeclaredEntryKind,
    DeclaredIncident,
    DeclaredPost,
    DeclaredStep,
    Message,
    NewsItem,
    NewsKind,
    Notification,
    NotificationKind,
    ToolTarget,
)
from bot.domain.subscription import TERMINAL
from bot.errors import UsageError
from bot.messages import alert_view, declared
from bot.messages.declared_timeline import DeclaredView, VendorIncident
from bot.queries.current import StatusQueries
from bot.rules import declared as declared_rules
from bot.rules.alerting import decide

_DIGEST_LENGTH = 16
_MAX_NUMBER = 2**31 - 1  # more than both engines number, and less than either refuses
_MAX_TAKEOVERS = 5  # incidents that take over another one after the other
_STEPS = {
    DeclaredEntryKind.ACKED: DeclaredStep.ACKNOWLEDGED,
    DeclaredEntryKind.SEVERITY: DeclaredStep.UPDATED,
    DeclaredEntryKind.RENAMED: DeclaredStep.UPDATED,
    DeclaredEntryKind.LINKED: DeclaredStep.UPDATED,
    DeclaredEntryKind.CLOSED: DeclaredStep.CLOSED,
    DeclaredEntryKind.REOPENED: DeclaredStep.OPENED,
}
_BROADCAST = (DeclaredEntryKind.CLOSED, DeclaredEntryKind.REOPENED)


@dataclass(frozen=True, slots=True)
class PostPlan:
    """What decides which posts are due, beside the incident itself.

    Attributes:
        enqueued: The channel and key of everything about it that was put into the outbox before.
        tools: The tools of ``[[notify]]`` that get declared incidents.
        home_ts: Slack's id of the card where people handle it; None while it is not posted.
        keep_emoji: The emoji that keeps a message in the timeline; empty where it does not work.
    """

    enqueued: Container[tuple[str, str]]
    tools: Sequence[ToolTarget] = ()
    home_ts: str | None = None
    keep_emoji: str = ""


def view(queries: StatusQueries, incident: DeclaredIncident) -> DeclaredView:
    """Everything that is known of a declared incident now."""
    vendors = tuple(filter(None, (vendor_incident(queries, key, incident.origin) for key in incident.incidents)))
    return DeclaredView(
        incident,
        queries.repository.declared.entries(incident.number),
        vendors,
        declared_rules.safe_since(v.alert for v in vendors) if len(vendors) == len(incident.incidents) else None,
        queries.surfaces(),
        queries.now(),
    )


def find(queries: StatusQueries, number: int, channel: str = TERMINAL) -> DeclaredIncident:
    """The declared incident with this number. UsageError if there is none that the channel may read.

    A channel may read what was declared there, or is handled there; the operator's terminal everything.
    """
    found = queries.repository.declared.find(number) if number <= _MAX_NUMBER else None
    if found is None or channel not in (TERMINAL, found.origin, found.channel):
        raise UsageError(f"No incident No. {number} was declared here.", actions=(("All of them", "declared"),))
    return found


def vendor_incident(queries: StatusQueries, key: str, channel: str) -> VendorIncident | None:
    """A vendor's incident as it is now, or the one that took it over; None where it is not known any more."""
    for _ in range(_MAX_TAKEOVERS):
        stored = queries.repository.tracked_incident(key)
        if stored is None:
            return None
        provider = next((p for p in queries.providers if p.id == stored[0]), None)
        if provider is None:
            return None
        state = queries.provider_state(provider)
        tracked = state.tracked_incident(key) or stored[1]
        if tracked.joined and tracked.joined != key:
            key = tracked.joined
            continue
        alert = decide.build_alert(tracked, state, provider, queries.now())
        return VendorIncident(alert, tracked, queries.repository.events(key, channel))
    return None


def shown_to_readers(queries: StatusQueries, incident: str) -> tuple[DeclaredIncident, ...]:
    """The declared incidents about a vendor's incident that pages and JSON may mention; none by default."""
    return queries.repository.declared.of_vendor_incident(incident) if queries.shows_declared else ()


# --- posts ------------------------------------------------------------------------------------------------------------


def due_posts(view: DeclaredView, plan: PostPlan) -> Iterator[Notification]:
    """The posts about a declared incident that are not in the outbox yet, in their order."""
    for notification in (*_slack_posts(view, plan), *_tool_posts(view, plan)):
        if (notification.channel, notification.key) not in plan.enqueued:
            yield notification


def _slack_posts(view: DeclaredView, plan: PostPlan) -> Iterator[Notification]:
    incident = view.incident
    message = declared.card(view, plan.keep_emoji)
    for channel in dict.fromkeys((incident.origin, incident.home)):
        first = f"{incident.key}:card"
        yield _post(view, channel, NotificationKind.ALERT, first, message)
        if (channel, first) in plan.enqueued:
            key = f"{first}:{_version(view)}:{_digest(message)}"
            yield _post(view, channel, NotificationKind.EDIT, key, message)
    if incident.waits_for_channel or plan.home_ts is None:
        return  # its thread begins once the card is there
    yield from _vendor_posts(view, plan)
    yield from _replies(view)
    yield from _offers(view)


def _vendor_posts(view: DeclaredView, plan: PostPlan) -> Iterator[Notification]:
    """The vendors' timeline: a message in the thread, or in the incident's own channel, that is edited as it grows."""
    incident = view.incident
    if not view.vendors:
        return
    thread = vendor_thread(incident)
    inside = "" if incident.channel else incident.key
    message, first = declared.vendor_timeline(view), f"{thread}:first"
    yield _post(view, incident.home, NotificationKind.ALERT, first, message, thread=thread, inside=inside)
    if (incident.home, first) in plan.enqueued:
        key = f"{thread}:{_version(view)}:{_digest(message)}"
        yield _post(view, incident.home, NotificationKind.EDIT, key, message, thread=thread, inside=inside)


def vendor_thread(incident: DeclaredIncident) -> str:
    """The key of the message with the vendors' timeline."""
    return f"{incident.key}:vendor"


def _replies(view: DeclaredView) -> Iterator[Notification]:
    for entry in view.entries:
        if message := declared.reply(view, entry):
            key = _entry_key(view.incident, entry)
            yield _reply(view, key, message, broadcast=entry.kind in _BROADCAST)
        if entry.kind is DeclaredEntryKind.CLOSED:
            yield _reply(view, f"{_entry_key(view.incident, entry)}:summary", declared.summary(view))


def _entry_key(incident: DeclaredIncident, entry: DeclaredEntry) -> str:
    return f"{incident.key}:e{entry.id}"


def _offers(view: DeclaredView) -> Iterator[Notification]:
    incident = view.incident
    if incident.is_open and view.safe_since is not None:
        key = f"{incident.key}:safe:{view.safe_since.isoformat()}"
        yield _reply(view, key, declared.close_offer(view, view.safe_since), broadcast=True)
    events = (event for vendor in view.vendors for event in vendor.events)
    if again := declared_rules.reopened_after(incident, events):
        yield _reply(view, f"{incident.key}:again:{again.isoformat()}", declared.reopen_offer(view), broadcast=True)


def _tool_posts(view: DeclaredView, plan: PostPlan) -> Iterator[Notification]:
    """What each tool gets: the beginning, and one notification for each later step."""
    first = f"{view.incident.key}:card"
    for tool in plan.tools:
        is_known = (tool.channel, first) in plan.enqueued
        if not is_known and not (view.incident.is_open and _is_wanted(view, tool)):
            continue
        yield Notification(tool.channel, NotificationKind.ALERT, first, _tool_post(view, DeclaredStep.OPENED))
        for entry in view.entries:
            if step := _STEPS.get(entry.kind):
                key = _entry_key(view.incident, entry)
                yield Notification(tool.channel, NotificationKind.REPLY, key, _tool_post(view, step))


def _is_wanted(view: DeclaredView, tool: ToolTarget) -> bool:
    """Whether the tool gets declared incidents, and this one by what it is about."""
    about = {name for v in view.vendors for name in (v.alert.provider, *(line.surface for line in v.alert.lines))}
    return tool.declared and (not tool.to or bool(about & set(tool.to)))


def _tool_post(view: DeclaredView, step: DeclaredStep) -> DeclaredPost:
    facts = tuple(fact for vendor in view.vendors for fact in _vendor_facts(vendor))
    url = next((vendor.alert.url for vendor in view.vendors if vendor.alert.url), None)
    return DeclaredPost(view.incident, step, view.incident.key, view.as_of, facts=facts, url=url or "")


def _vendor_facts(vendor: VendorIncident) -> Iterator[str]:
    yield alert_view.headline(vendor.alert).text
    yield alert_view.lines(vendor.alert)[0]


def _reply(view: DeclaredView, key: str, message: Message, *, broadcast: bool = False) -> Notification:
    """A message in the thread of the card."""
    item = NewsItem((NewsKind.NOTE,), key, view.as_of, broadcast=broadcast)
    return _post(view, view.incident.home, NotificationKind.REPLY, key, message, news=item)


def _post(
    view: DeclaredView,
    channel: str,
    kind: NotificationKind,
    key: str,
    message: Message,
    *,
    thread: str = "",
    inside: str = "",
    news: NewsItem | None = None,
) -> Notification:
    step = DeclaredStep.OPENED if view.incident.is_open else DeclaredStep.CLOSED
    about = DeclaredPost(view.incident, step, thread or view.incident.key, view.as_of, said=message, inside=inside)
    return Notification(channel, kind, key, about, news=news)


def _version(view: DeclaredView) -> str:
    """A number that grows with everything that is recorded about it, so that what comes back is another version."""
    events = sum(len(vendor.events) for vendor in view.vendors)
    newest = max((entry.id for entry in view.entries), default=0)
    return f"{newest}.{events}"


def _digest(message: Message) -> str:
    return sha256(repr(message).encode("utf-8", "replace")).hexdigest()[:_DIGEST_LENGTH]

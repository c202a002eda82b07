"""Incidents that a team declares as its own: declaring one, and what people do with it.

``declare`` is the service behind the button, the command and programs; it knows no chat. Only what happened is recorded
here; the posts about it are worked out from that (``bot.queries.declared``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.commands import grammar, permissions
from bot.commands.parsing import plain_text
from bot.commands.types import ButtonClick, Command, CommandRequest, CommandResponse, ModalSubmission
from bot.domain import (
    Advice,
    ChatUser,
    DeclaredEntry,
    DeclaredEntryKind,
    DeclaredIncident,
    DeclaredPlace,
    DeclaredSeverity,
    Message,
    Provider,
    Surface,
    UserAction,
    Verdict,
)
from bot.domain.subscription import TERMINAL
from bot.errors import UsageError
from bot.messages import alert_view, block_kit, declared, declared_modals, modals
from bot.messages.declared_timeline import VendorIncident
from bot.queries import declared as declared_queries
from bot.queries.current import StatusQueries
from bot.rules import declared as rules

MAX_NOTE_LENGTH = modals.MAX_NOTE_LENGTH
_MAX_LISTED = 20
_MAX_CHOICES = 100  # incidents in a menu
_NO_TITLE = "Say in a few words what is wrong for you."
_HOW_TO_DECLARE = (
    "`declare claude-api sev2 Checkout fails` opens the form with that. Without a service, the newest incident of this"
    " channel is used."
)
_HOW_TO_CHANGE = (
    "`declared 7 close`, `declared 7 reopen`, `declared 7 ack`, `declared 7 sev1`, `declared 7 rename Slow checkout`,"
    " `declared 7 note We queue orders`, `declared 7 link openai-api`, `declared 7` (the summary)."
)


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a person declares.

    Attributes:
        title: What is wrong, in the team's words.
        severity: How much it matters.
        channel: Where it is declared; a thread for it begins there.
        by: Who declares it.
        source: What identifies the form or the program's call; the same one declares one incident, however often.
        incidents: The keys of the vendors' incidents that it is about, or none.
        place: Where people want to handle it.
        closes_when_safe: It is closed by itself once it is safe to retry.
    """

    title: str
    severity: DeclaredSeverity
    channel: str
    by: ChatUser
    source: str
    incidents: tuple[str, ...] = ()
    place: DeclaredPlace = DeclaredPlace.THREAD
    closes_when_safe: bool = False


def declare(queries: StatusQueries, declaration: Declaration) -> tuple[DeclaredIncident, bool]:
    """Declares an incident.

    Returns:
        The incident, and whether it is new: where another person has declared one about the same vendor's incident in
        the same channel, and it is still open, that one is returned.

    Raises:
        UsageError: It has no title, or is about an incident that the database does not have.
    """
    title = rules.clean_title(declaration.title)
    if not title:
        raise UsageError(_NO_TITLE)
    for incident in declaration.incidents:
        if queries.repository.tracked_incident(incident) is None:
            raise UsageError(f"No incident “{incident}”.", actions=(("Recent incidents", "history"),))
    new = DeclaredIncident(
        0,
        title,
        declaration.severity,
        UserAction(declaration.by, queries.now()),
        declaration.channel,
        declaration.incidents,
        declaration.place,
        closes_when_safe=declaration.closes_when_safe and bool(declaration.incidents),
    )
    found = queries.repository.declared.declare(new, declaration.source)
    _post_due(queries)
    return found


def _post_due(queries: StatusQueries) -> None:
    """Has what is due posted now, if the bot runs in this process; otherwise the running bot does at its next tick."""
    if queries.running is not None:
        queries.running.post_declared()


# --- the form ---------------------------------------------------------------------------------------------------------


def open_form(queries: StatusQueries, incident: str, channel: str) -> CommandResponse:
    """The form that declares an incident about a vendor's incident, or what is declared already."""
    vendor = declared_queries.vendor_incident(queries, incident, channel)
    if vendor is None:
        raise UsageError("This message is out of date: its incident is not in the database.")
    same = (incident, vendor.tracked.incident.id, *vendor.tracked.suspicions)  # one message of the channel is about all
    if found := next(filter(None, (_declared_here(queries, key, channel) for key in same)), None):
        return CommandResponse(declared.already_declared(found))
    return _form(queries, channel, [vendor], title=alert_view.headline(vendor.alert).text)


def _declared_here(queries: StatusQueries, incident: str, channel: str) -> DeclaredIncident | None:
    found = queries.repository.declared.of_vendor_incident(incident)
    return next((d for d in found if d.is_open and channel in (d.origin, d.channel)), None)


def _form(
    queries: StatusQueries,
    channel: str,
    vendors: Sequence[VendorIncident],
    *,
    title: str,
    severity: DeclaredSeverity = DeclaredSeverity.SEV2,
) -> CommandResponse:
    places = queries.running.places if queries.running else (DeclaredPlace.THREAD,)
    if channel[:1] in ("U", "W"):
        places = (DeclaredPlace.THREAD,)  # direct messages have no channel to leave
    view = declared_modals.declare_modal(channel, vendors, title=title, severity=severity, places=places)
    text = f"Declare your incident with `/brownout declare`: {title}"
    return CommandResponse(Message(text, (block_kit.section(text),)), view=view)


def submit_declaration(queries: StatusQueries, submission: ModalSubmission) -> dict[str, str] | CommandResponse:
    """Declares what the form says. Returns error texts by block id, or what another person had declared before."""
    if permissions.is_guest(queries, submission.other_team):
        return {declared_modals.TITLE: permissions.guest_denied().message.text}
    channel, incidents = declared_modals.read_metadata(submission.private_metadata)
    values = submission.values
    try:
        found, is_new = declare(
            queries,
            Declaration(
                plain_text(values.get(declared_modals.TITLE, "")),
                DeclaredSeverity(values.get(declared_modals.SEVERITY) or DeclaredSeverity.SEV2),
                channel,
                submission.person,
                source=submission.view,
                incidents=incidents,
                place=DeclaredPlace(values.get(declared_modals.PLACE) or DeclaredPlace.THREAD),
                closes_when_safe=bool(values.get(declared_modals.WHEN_SAFE)),
            ),
        )
    except UsageError as error:
        return {declared_modals.TITLE: str(error)}
    is_own = found.declared.by.id == submission.person.id
    return {} if is_new or is_own else CommandResponse(declared.already_declared(found))


def submit_edit(queries: StatusQueries, submission: ModalSubmission) -> dict[str, str]:
    """Changes the title, or links one more incident of a vendor. Returns error texts by block id."""
    what, _, number = submission.private_metadata.partition(" ")
    if permissions.is_guest(queries, submission.other_team):
        return {what: permissions.guest_denied().message.text}
    value = plain_text(submission.values.get(what, "")).strip()
    if not value:
        return {what: _NO_TITLE if what == declared.RENAME else "Pick an incident."}
    mark = UserAction(submission.person, queries.now())
    incident = declared_queries.find(queries, int(number))
    change = rules.rename if what == declared.RENAME else rules.link
    _apply(queries, change(incident, value, mark))
    return {}


def add_note(queries: StatusQueries, number: int, text: str, mark: UserAction) -> None:
    """Adds a note to a declared incident's timeline and thread. UsageError for none."""
    if not text.strip():
        raise UsageError("Write the note first.")
    incident = declared_queries.find(queries, number)
    entry = DeclaredEntry(DeclaredEntryKind.NOTE, mark, text.strip()[:MAX_NOTE_LENGTH])
    queries.repository.declared.add_entry(incident.number, entry)
    _post_due(queries)


def _apply(queries: StatusQueries, change: rules.Change) -> bool:
    """Stores a change, and has it posted; False where it changes nothing."""
    is_changed = queries.repository.declared.change(*change)
    _post_due(queries)
    return is_changed


# --- buttons ----------------------------------------------------------------------------------------------------------


def handle_click(queries: StatusQueries, click: ButtonClick) -> CommandResponse | None:
    """What the buttons of a declared incident do; None where its updated messages show the result."""
    what, number, *rest = (*click.value.split(" "), "", "")
    if not number.isdecimal():
        raise UsageError("This message is out of date.", actions=(("Declared incidents", "declared"),))
    incident = declared_queries.find(queries, int(number), click.channel)
    mark = UserAction(click.person, queries.now())
    if what == declared.DROP:
        queries.repository.declared.remove_message(incident.number, rest[0])
        return CommandResponse(declared.message_removed())
    if what in _FORMS:
        return CommandResponse(Message(declared.name(incident)), view=_FORMS[what](queries, incident))
    return _act(queries, incident, what, mark)


def _act(queries: StatusQueries, incident: DeclaredIncident, what: str, mark: UserAction) -> CommandResponse | None:
    """One of the actions that need no more words."""
    if what == declared.SUMMARY:
        view = declared_queries.view(queries, incident)
        return CommandResponse(declared.summary(view))
    change = _change(queries, incident, what, mark)
    if _apply(queries, change):
        return None
    return CommandResponse(declared.unchanged(incident, what))


def _change(queries: StatusQueries, incident: DeclaredIncident, what: str, mark: UserAction) -> rules.Change:
    if what == declared.ACK:
        return rules.acknowledge(incident, mark)
    if what == declared.CLOSE:
        return rules.close(incident, mark, declared_queries.view(queries, incident).safe_since)
    if what == declared.REOPEN:
        return rules.reopen(incident, mark)
    if what in set(DeclaredSeverity):
        return rules.set_severity(incident, DeclaredSeverity(what), mark)
    raise UsageError(f"Unknown word “{what[:60]}”. {_HOW_TO_CHANGE}")


def _note_form(_: StatusQueries, incident: DeclaredIncident) -> modals.View:
    return modals.note_modal(incident.key, declared.name(incident), incident.home)


def _rename_form(_: StatusQueries, incident: DeclaredIncident) -> modals.View:
    return declared_modals.rename_modal(incident)


def _link_form(queries: StatusQueries, incident: DeclaredIncident) -> modals.View:
    choices = [
        (f"{provider.name}: {tracked.incident.name}", tracked.incident.id)
        for provider, state in queries.quick_snapshot()
        for tracked in state.open_incidents
        if tracked.incident.id not in incident.incidents
    ]
    if not choices:
        raise UsageError("No other incident of a vendor is open now.")
    return declared_modals.link_modal(incident, choices[:_MAX_CHOICES])


_FORMS: dict[str, Callable[[StatusQueries, DeclaredIncident], modals.View]] = {
    declared.NOTE: _note_form,
    declared.RENAME: _rename_form,
    declared.LINK: _link_form,
}


# --- commands ---------------------------------------------------------------------------------------------------------


def declare_command(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """Opens the form, with what was typed."""
    if request.channel == TERMINAL:
        raise UsageError("An incident is declared in Slack, where people handle it.")
    severity, words = _split_off_severity(request.words)
    incident, title = _named_incident(queries, words, request.channel)
    if incident and (found := _declared_here(queries, incident, request.channel)):
        return CommandResponse(declared.already_declared(found))
    vendor = declared_queries.vendor_incident(queries, incident, request.channel) if incident else None
    headline = alert_view.headline(vendor.alert).text if vendor else ""
    return _form(queries, request.channel, [vendor] if vendor else [], title=title or headline, severity=severity)


def _split_off_severity(words: Sequence[str]) -> tuple[DeclaredSeverity, tuple[str, ...]]:
    known = [w for w in words if w.casefold() in set(DeclaredSeverity)]
    severity = DeclaredSeverity(known[0].casefold()) if known else DeclaredSeverity.SEV2
    return severity, tuple(w for w in words if w not in known)


def _named_incident(queries: StatusQueries, words: Sequence[str], channel: str) -> tuple[str, str]:
    """The vendor's incident that the words begin with, and the rest as a title.

    The incident is empty where a service is named that has none now: then the title begins with its name.
    """
    if not words:
        return queries.repository.user_actions.latest_incident(channel) or "", ""
    if key := queries.incident_key(words[0]):
        return key, " ".join(words[1:])
    is_sure, targets, rest = grammar.split_off_leading_name(queries.find_targets, words)
    if not is_sure or len(targets) != 1:
        return queries.repository.user_actions.latest_incident(channel) or "", " ".join(words)
    [target] = targets
    incident = present_incident(queries, target.provider, target.surfaces)
    return (incident, rest) if incident else ("", rest or target.name)


def present_incident(queries: StatusQueries, provider: Provider, surfaces: Sequence[Surface]) -> str:
    """The key of the newest incident of these services that is open, or not safe to retry yet; empty for none."""
    services = {surface.id for surface in surfaces}
    state = queries.provider_state(provider)
    current = [k for k in state.incidents if not k.joined and services & set(k.surfaces) and k.cleared_at is None]
    unsafe = [k for k in current if k.is_open or _is_limited(state.verdicts, k.surfaces)]
    return unsafe[-1].incident.id if unsafe else ""


def _is_limited(verdicts: Sequence[Verdict], surfaces: Sequence[str]) -> bool:
    return any(v.surface in surfaces and v.call is not Advice.RETRY_NORMALLY for v in verdicts)


def declared_command(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """Lists the declared incidents of a channel, shows one, or changes it."""
    words = grammar.without_grammar(request.words)
    if not words or words[0].casefold() == "all":
        return _listed(queries, request)
    number, *rest = words
    if not number.lstrip("#").isdecimal():
        raise UsageError(f"“{number[:60]}” is no number of an incident. {_HOW_TO_CHANGE}")
    incident = declared_queries.find(queries, int(number.lstrip("#")), request.channel)
    what, mark = (rest[0].casefold() if rest else declared.SUMMARY), UserAction(request.person, queries.now())
    typed = plain_text(" ".join(request.words[2:]))
    return _typed_action(queries, incident, what, typed, mark)


def _typed_action(
    queries: StatusQueries, incident: DeclaredIncident, what: str, typed: str, mark: UserAction
) -> CommandResponse:
    if what == declared.NOTE:
        add_note(queries, incident.number, typed, mark)
    elif what == declared.RENAME:
        if not typed:
            raise UsageError(_NO_TITLE)
        _apply(queries, rules.rename(incident, typed, mark))
    elif what == declared.LINK:
        _, tracked, _ = queries.find_incident(typed, incident.origin)
        _apply(queries, rules.link(incident, tracked.incident.id, mark))
    elif response := _act(queries, incident, what, mark):
        return response
    changed = declared_queries.find(queries, incident.number)
    return CommandResponse(declared.listed([changed], queries.now()))


def _listed(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """Those of the channel; on the command line those of all."""
    channels = None if request.channel == TERMINAL else [request.channel]
    found = queries.repository.declared.newest(_MAX_LISTED, channels)
    return CommandResponse(declared.listed(found, queries.now()))


DECLARED_COMMANDS = {
    "declare": Command(
        "[service|incident] [sev1|sev2|sev3] [title]",
        "declares that an incident hits you, with a form",
        declare_command,
        more=_HOW_TO_DECLARE,
    ),
    "declared": Command(
        "[number [close|reopen|ack|sev1|rename|note|link]]",
        "the incidents that you declared here, or one of them",
        declared_command,
        more=_HOW_TO_CHANGE,
    ),
}

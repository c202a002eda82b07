"""An alert and what people have done about it -> the lines that tell of it, and the buttons to do more. Pure.

A button's value names what it is about, so that it works after a restart and in any process: ``WORD INCIDENT``, where
the word is a surface or a choice and has no space in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from bot.model import Alert, Message, Mute, People, SurfaceLine
from bot.voice import blocks, words

AFFECTED, ACK, MUTE, NOTE, SUMMARY = "affected", "ack", "mute", "note", "summary"  # action_ids; they never change
SHARE, EXPORT, ASK, PICK = "share", "export", "ask", "pick"
WATCH = "watch"
OFF = "off"
LONGEST = 2000  # characters of a button's value
SPANS = {  # what the mute menu offers; None is until the incident is over
    "1h": ("for 1 hour", timedelta(hours=1)),
    "4h": ("for 4 hours", timedelta(hours=4)),
    "over": ("until it is over", None),
}
_VALUE = 150  # of an option; a vendor's id that is longer gets no buttons
_OPTIONS = 100
_NAMED = 20
_LABEL = 75


def spoken(alert: Alert, people: People) -> Iterator[str]:
    """What people have done about an alert, in plain sentences."""
    names = {line.surface: line.name for line in alert.lines}
    return told(names, people, is_over=alert.closed_at is not None)


def told(names: Mapping[str, str], people: People, *, is_over: bool) -> Iterator[str]:
    """What people have done, in plain sentences; ``names`` are what surfaces are called."""
    if people.affected:
        each = (f"{names.get(surface, surface)} {count}" for surface, count in people.affected)
        yield f"People affected here: {words.listing(each)}."
    if people.ack:
        yield f"Acknowledged by {people.ack.by.name} at {words.clock(people.ack.at)}."
    if people.mute and not is_over:
        yield f"Muted in this channel by {people.mute.mark.by.name} {until(people.mute)}."


def until(mute: Mute) -> str:
    """When a mute ends, in words."""
    return f"until {words.day(mute.until)}" if mute.until else "until it is over"


def lines(alert: Alert, people: People) -> list[blocks.Block]:
    """The same as small print; nothing where nobody has done anything."""
    said = " ".join(spoken(alert, people))
    return [blocks.context(blocks.escape(said))] if said else []


def buttons(alert: Alert, people: People) -> list[blocks.Block]:
    """What a reader can do about it. Once it is over, taking care of it and muting it are past."""
    if len(alert.incident) > _VALUE - len("over "):
        return []
    found = [blocks.button(SUMMARY, "Summary", alert.incident), *_affected(alert)]
    if alert.closed_at is None:
        found += [_ack(alert, people), _mute(alert, people)]
    found.append(blocks.button(NOTE, "Note…", alert.incident, "Add a note to the timeline and the thread"))
    return [blocks.actions(found)]


def share(text: str, export: str = "") -> blocks.Block:
    """A button that asks the same once more, for everybody to see; and one for files of it, where it has some."""
    row = [blocks.button(SHARE, "Share", text, "Show this answer to the channel")]
    if export and len(export) <= LONGEST:
        row.append(blocks.button(EXPORT, "Export", export, "Put it into the channel as files"))
    return blocks.actions(row)


def asks(questions: Iterable[tuple[str, str]]) -> blocks.Block:
    """Buttons that ask something: a label and what it types each."""
    found = [
        blocks.button(f"{ASK}:{n}", words.cut(label, _LABEL, "…"), text)
        for n, (label, text) in enumerate(questions)
        if len(text) <= LONGEST
    ]
    return blocks.actions(found)


def denied(admins: Iterable[str], *, unasked: bool = False) -> Message:
    """Who may do what somebody else may not. Only the one who asked sees it, so that it rings nobody.

    ``unasked``: Slack has not told who is in a group of them, so that nobody passes for a member.
    """
    who = words.listing(_who(admin) for admin in sorted(admins)[:_NAMED])
    text = f"That is for the admins of this bot here: {who}."
    text += " Slack does not tell me now who is in that group; my log says why." if unasked else ""
    return Message(text, (blocks.section(text),))


def _who(admin: str) -> str:
    return f"<!subteam^{admin}>" if admin.startswith("S") else f"<@{admin}>"


def _affected(alert: Alert) -> Iterator[blocks.Block]:
    """A button for one surface, a menu for several."""
    label = "I'm affected" if alert.closed_at is None else "I was affected"
    fits = [line for line in alert.lines if len(_about(line, alert)) <= _VALUE]
    if len(fits) == 1:
        yield blocks.button(AFFECTED, label, _about(fits[0], alert), f"{label}: {words.cut(fits[0].name, 50, '…')}")
    elif fits:
        options = [(words.cut(line.name, _LABEL, "…"), _about(line, alert)) for line in fits[:_OPTIONS]]
        yield blocks.menu(AFFECTED, f"{label} by…", options)


def _about(line: SurfaceLine, alert: Alert) -> str:
    return f"{line.surface} {alert.incident}"


def _ack(alert: Alert, people: People) -> blocks.Block:
    if people.ack is None:
        return blocks.button(ACK, "Ack", alert.incident, "Acknowledge: I take care of it")
    return blocks.button(ACK, "Undo ack", alert.incident, "Take the acknowledgement back")


def _mute(alert: Alert, people: People) -> blocks.Block:
    if people.mute:
        return blocks.button(MUTE, "Unmute", f"{OFF} {alert.incident}", "Hear of it in this channel again")
    return blocks.menu(MUTE, "Mute here…", [(label, f"{word} {alert.incident}") for word, (label, _) in SPANS.items()])

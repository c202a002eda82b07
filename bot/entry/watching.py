"""The verb ``watch`` and its buttons: a page that somebody names is shown first, and watched when they confirm it.

Everything slow comes after the acknowledgement, as the rest of an answer (``Reply.later``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.entry import deeds, typed
from bot.entry.desk import Desk
from bot.entry.draft import Wish, caveats, surfaces
from bot.entry.question import Ask, Press, Reply
from bot.errors import UsageError
from bot.model import Component, Person
from bot.sources import KINDS, sniff
from bot.voice import blocks, hands, words
from bot.voice.sheet import Para, sheet

if TYPE_CHECKING:  # as in bot.entry.running
    from bot.entry.watch import Proposal, Watch

NEVER_MIND = "never mind"
HOW = (
    "Any status page or feed on the public web: what it serves is found out and shown, and nothing is written before"
    " you confirm. `watch mistral` switches on a provider of the catalogue that is off. `id:acme` names a new one;"
    " `page:`, `region:` and `product:` say what the address does not."
)
_OPTIONS = ("id", "page", "region", "product")
_COMPONENTS = 30


def watch(desk: Desk, ask: Ask) -> Reply:
    """Looks at the address, and then shows what it is. For admins, also where the channel is somebody's own."""
    if not deeds.may_be(desk, ask.user):
        return Reply(hands.denied(desk.admins))
    if not ask.words:
        raise UsageError("Which page? `/brownout watch https://status.example.com`")
    watcher = _watcher(desk)
    first = typed.plain(ask.words[0])
    asked = (sniff.address(ask.words[0]) if "." in first else first, *map(typed.plain, ask.words[1:]))
    return Reply(sheet("", [f"Looking at {asked[0]} …"]), later=lambda: _proposed(watcher, asked))


def pressed(desk: Desk, done: Press) -> Reply:
    """Confirms, or not, what was shown."""
    if done.value == NEVER_MIND:
        return Reply(sheet("", ["Nothing was written."]), replaces=True)
    if not deeds.may_be(desk, done.person.id):
        return Reply(hands.denied(desk.admins))
    watcher = _watcher(desk)
    digest, *asked = json.loads(done.value)
    return Reply(
        sheet("", ["Looking once more …"]),
        replaces=True,
        later=lambda: _confirmed(watcher, tuple(asked), digest, done.person),
    )


def _watcher(desk: Desk) -> Watch:
    if desk.running is None or desk.running.watch is None:
        raise UsageError("Only a running bot can begin to watch a page; `brownout add URL` writes the same file.")
    return desk.running.watch


async def _proposed(watcher: Watch, asked: tuple[str, ...]) -> Reply:
    proposal = await watcher.propose(_wish(asked))
    return _shown(proposal, asked)


async def _confirmed(watcher: Watch, asked: tuple[str, ...], digest: str, by: Person) -> Reply:
    proposal = await watcher.propose(_wish(asked))
    if proposal.digest != digest:
        changed = _shown(proposal, asked)
        note = blocks.section("*The page has changed since you saw it, so it is shown once more.*")
        return replace(changed, message=replace(changed.message, blocks=(note, *changed.message.blocks)))
    try:
        provider = await watcher.keep(proposal, by)
    except UsageError as error:
        return _by_hand(proposal, str(error))
    told = (
        f"**{provider.name}** is watched from now on as `{provider.id}`, with {_count(len(provider.surfaces))}. What is"
        f" open on its page now is not news; what comes is. Its file is providers/{proposal.file.name}: rename and join"
        " its surfaces there, and start me again after that."
    )
    message = sheet("", [told])
    ask = hands.asks([("Subscribe this channel", f"subscribe {provider.id}")])
    return Reply(replace(message, blocks=(*message.blocks, ask)))


def _by_hand(proposal: Proposal, why: str) -> Reply:
    """The file could not be written here: whoever runs the bot can do it."""
    how = f"Put this into providers/{proposal.file.name} of my config folder, and start me again:"
    return Reply(sheet("", [why, how, Para(proposal.text, is_quote=True)]))


def _shown(proposal: Proposal, asked: tuple[str, ...]) -> Reply:
    """What was found and what would come of it, with the buttons."""
    value = json.dumps([proposal.digest, *asked])
    if len(value) > hands.LONGEST:
        raise UsageError("This address is too long for a button; `brownout add URL` takes it.")
    message = sheet("", _told(proposal))
    confirm = blocks.button(hands.WATCH, "Watch it", value) | {"style": "primary"}
    cancel = blocks.button(f"{hands.WATCH}:1", "Cancel", NEVER_MIND)
    return Reply(replace(message, blocks=(*message.blocks, blocks.actions([confirm, cancel]))))


def _told(proposal: Proposal) -> Iterator[Para | str]:
    source, snapshot = proposal.found.source, proposal.found.snapshot
    components = snapshot.components or ()
    ident = proposal.file.stem
    what = f"It is `{ident}` of the catalogue, switched off so far" if proposal.is_known else f"It would be `{ident}`"
    yield f"{proposal.found.url} serves {KINDS[source.kind].name}. {what}."
    yield from caveats(source)
    if proposal.found.url.split("/")[2] != source.url.split("/")[2]:
        yield f"It was asked for at {source.url}, which redirects there."
    if not proposal.is_known:
        yield from _proposed_surfaces(ident, components)
    if components:
        yield f"Components on the page: {len(components)}"
        lines = [f"{words.SIGNS[c.condition]} {c.name}: {words.CONDITIONS[c.condition]}" for c in components]
        rest = [f"… and {len(lines) - _COMPONENTS} more"] if len(lines) > _COMPONENTS else []
        yield Para("\n".join([*lines[:_COMPONENTS], *rest]), is_quote=True)
    going_on = [i.name for i in snapshot.incidents or () if not i.stage.is_closed]
    yield f"Open incidents: {len(going_on)}"
    if going_on:
        yield Para("\n".join(going_on[:10]), is_quote=True)


def _proposed_surfaces(ident: str, components: Sequence[Component]) -> Iterator[Para | str]:
    found = surfaces(ident, components)
    yield f"Proposed: {_count(len(found) or 1)}{':' if found else ', the service as a whole.'}"
    if found:
        yield Para("\n".join(f"{surface}: {component.name}" for surface, component in found), is_quote=True)


def _count(number: int) -> str:
    return f"{number} surface{'s' * (number != 1)}"


def _wish(asked: tuple[str, ...]) -> Wish:
    """What was typed: an address, and ``key:value`` for what it does not say."""
    url, *rest = asked
    given: dict[str, list[str]] = {key: [] for key in _OPTIONS}
    for word in rest:
        key, _, value = word.partition(":")
        if key not in given or not value:
            raise UsageError(f"I don't know “{word}”. {HOW}")
        given[key].append(value)
    one = {key: (given[key] or [""])[-1] for key in ("id", "page")}
    return Wish(url, one["id"], "", one["page"], tuple(given["region"]), tuple(given["product"]))

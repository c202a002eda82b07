"""The command ``watch`` and its buttons: shows what a status page serves, and adds it after a confirmation.

Slow work runs after the acknowledgement, as the rest of an answer (``CommandResponse.later``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bot.app.provider_draft import caveats, propose_surfaces
from bot.commands import parsing, permissions
from bot.commands.types import ButtonClick, CommandRequest, CommandResponse
from bot.domain import ChatUser, Component
from bot.errors import UsageError
from bot.formats import FORMATS, detection
from bot.messages import alert_actions, block_kit, formatting
from bot.messages.builder import Paragraph, build_message
from bot.queries.current import StatusQueries
from bot.queries.runtime import BotRole, Onboarding, ProviderOptions, ProviderProposal

CANCEL = "never mind"
USAGE = (
    "Any status page or feed on the public web: its services are shown first, and nothing is written before you"
    " confirm. `watch mistral` switches on a provider that is available but off. `id:acme` names a new one; `page:`,"
    " `region:` and `product:` say what the address does not."
)
_ON_EACH = (
    "Add the page on each bot's machine with `brownout add URL` (`brownout add mistral` for a provider that is"
    " available but off), then reload each bot (`systemctl reload brownout`)."
)
FOLLOWER_TEXT = f"Several bots share this database, and the one that answers you polls no pages. {_ON_EACH}"
SHARING_TEXT = f"Several bots share the pages of this database, and each has files of its own. {_ON_EACH}"
OTHER_BOTS_TEXT = "Where several bots share this database, copy that file to the others, too, and reload them."
_OPTION_NAMES = ("id", "page", "region", "product")
_MAX_COMPONENTS = 30


def watch(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """Fetches the address and shows what it serves. Only for admins, also in direct messages."""
    if not permissions.is_admin(queries, request.user):
        return CommandResponse(alert_actions.permission_denied_message(queries.admins))
    if not request.words:
        raise UsageError("Which page? Example: `/brownout watch https://status.example.com`")
    onboarding = _require_onboarding(queries)
    first = parsing.plain_text(request.words[0])
    arguments = (
        detection.normalize_address(request.words[0]) if "." in first else first,
        *map(parsing.plain_text, request.words[1:]),
    )
    return CommandResponse(
        build_message("", [f"Checking {arguments[0]} …"]), later=lambda: _propose(onboarding, arguments)
    )


def handle_click(queries: StatusQueries, click: ButtonClick) -> CommandResponse:
    """Handles the buttons of a proposal: confirms or cancels it."""
    if click.value == CANCEL:
        return CommandResponse(build_message("", ["Nothing was written."]), replaces=True)
    if not permissions.is_admin(queries, click.person.id):
        return CommandResponse(alert_actions.permission_denied_message(queries.admins))
    onboarding = _require_onboarding(queries)
    digest, *arguments = json.loads(click.value)
    return CommandResponse(
        build_message("", ["Checking the page again …"]),
        replaces=True,
        later=lambda: _confirm(queries, onboarding, tuple(arguments), digest, click.person),
    )


def _require_onboarding(queries: StatusQueries) -> Onboarding:
    running = queries.running
    if running is not None and (running.role is BotRole.FOLLOWER or running.shards is not None):
        raise UsageError(FOLLOWER_TEXT if running.shards is None else SHARING_TEXT)
    if queries.running is None or queries.running.onboarding is None:
        raise UsageError("Only a running bot can add a page here. On the command line: `brownout add URL`")
    return queries.running.onboarding


async def _propose(onboarding: Onboarding, arguments: tuple[str, ...]) -> CommandResponse:
    proposal = await onboarding.propose(_parse_options(arguments))
    return _proposal_response(proposal, arguments)


async def _confirm(
    queries: StatusQueries, onboarding: Onboarding, arguments: tuple[str, ...], digest: str, person: ChatUser
) -> CommandResponse:
    proposal = await onboarding.propose(_parse_options(arguments))
    if proposal.digest != digest:
        changed = _proposal_response(proposal, arguments)
        note = block_kit.section("*The page has changed since you saw it. This is the new version.*")
        return replace(changed, message=replace(changed.message, blocks=(note, *changed.message.blocks)))
    try:
        provider = await onboarding.accept(proposal, person)
    except UsageError as error:
        return _manual_instructions(proposal, str(error))
    services, file = formatting.pluralize(len(provider.surfaces), "service"), proposal.file.name
    text = (
        f"Now watching **{provider.name}** ({services}) as `{provider.id}`. Incidents open now are not alerted."
        f" Its file is providers/{file}: rename and join its services there, and restart Brownout after that."
    )
    if not isinstance(queries.repository.path, Path):
        text += f" {OTHER_BOTS_TEXT}"
    message = build_message("", [text])
    subscribe_button = alert_actions.question_buttons([("Subscribe", f"subscribe {provider.id}")])
    return CommandResponse(replace(message, blocks=(*message.blocks, subscribe_button)))


def _manual_instructions(proposal: ProviderProposal, reason: str) -> CommandResponse:
    """The answer if the file could not be written: its text, for the operator to save."""
    instruction = f"Put this into providers/{proposal.file.name} of the config folder, and restart Brownout:"
    return CommandResponse(build_message("", [reason, instruction, Paragraph(proposal.text, is_quote=True)]))


def _proposal_response(proposal: ProviderProposal, arguments: tuple[str, ...]) -> CommandResponse:
    """The proposal with the buttons that confirm and cancel it."""
    value = json.dumps([proposal.digest, *arguments])
    if len(value) > alert_actions.MAX_COMMAND_LENGTH:
        raise UsageError("This address is too long for a button. On the command line: `brownout add URL`")
    message = build_message("", _proposal_text(proposal))
    confirm = block_kit.button(alert_actions.WATCH, "Watch it", value) | {"style": "primary"}
    cancel = block_kit.button(f"{alert_actions.WATCH}:1", "Cancel", CANCEL)
    return CommandResponse(replace(message, blocks=(*message.blocks, block_kit.actions([confirm, cancel]))))


def _proposal_text(proposal: ProviderProposal) -> Iterator[Paragraph | str]:
    source, snapshot = proposal.page.source, proposal.page.snapshot
    components = snapshot.components or ()
    ident = proposal.file.stem
    description = f"It is the provider `{ident}`, off so far" if proposal.is_known else f"It would be `{ident}`"
    yield f"{proposal.page.url} serves {FORMATS[source.kind].name}. {description}."
    yield from caveats(source)
    if proposal.page.url.split("/")[2] != source.url.split("/")[2]:
        yield f"It was asked for at {source.url}, which redirects there."
    if not proposal.is_known:
        yield from _proposed_surfaces(ident, components)
    if components:
        yield f"Components on the page: {len(components)}"
        lines = [
            f"{formatting.CONDITION_SYMBOLS[c.condition]} {c.name}: {formatting.CONDITION_WORDS[c.condition]}"
            for c in components
        ]
        rest = [f"… and {len(lines) - _MAX_COMPONENTS} more"] if len(lines) > _MAX_COMPONENTS else []
        yield Paragraph("\n".join([*lines[:_MAX_COMPONENTS], *rest]), is_quote=True)
    open_incidents = [i.name for i in snapshot.incidents or () if not i.stage.is_closed]
    yield f"Open incidents: {len(open_incidents)}"
    if open_incidents:
        yield Paragraph("\n".join(open_incidents[:10]), is_quote=True)


def _proposed_surfaces(ident: str, components: Sequence[Component]) -> Iterator[Paragraph | str]:
    proposed = propose_surfaces(ident, components)
    ending = ":" if proposed else ", the service as a whole."
    yield f"Proposed: {formatting.pluralize(len(proposed) or 1, 'service')}{ending}"
    if proposed:
        yield Paragraph("\n".join(f"{surface}: {component.name}" for surface, component in proposed), is_quote=True)


def _parse_options(arguments: tuple[str, ...]) -> ProviderOptions:
    """Parses the typed words: an address, then ``key:value`` options. UsageError for an unknown option."""
    url, *rest = arguments
    values: dict[str, list[str]] = {key: [] for key in _OPTION_NAMES}
    for word in rest:
        key, _, value = word.partition(":")
        if key not in values or not value:
            raise UsageError(f"Unknown option “{word}”. {USAGE}")
        values[key].append(value)
    last_values = {key: (values[key] or [""])[-1] for key in ("id", "page")}
    return ProviderOptions(
        url, last_values["id"], "", last_values["page"], tuple(values["region"]), tuple(values["product"])
    )

"""The forms of declared incidents as Slack's view JSON. No I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from bot.domain import DeclaredIncident, DeclaredPlace, DeclaredSeverity
from bot.messages import alert_view, block_kit, declared, formatting, markup, modals
from bot.messages.declared_timeline import VendorIncident

DECLARE, EDIT = "declare", "declared_edit"  # callback_ids: never change them
TITLE, SEVERITY, PLACE, WHEN_SAFE = "title", "severity", "place", "when_safe"  # block_ids of the declaration
MAX_TITLE = 150  # characters
_MAX_VENDORS = 3
_NEEDS_SCOPES = "A channel of its own needs the scope channels:manage, a private one groups:write."


def declare_modal(
    channel: str,
    vendors: Sequence[VendorIncident],
    *,
    title: str,
    severity: DeclaredSeverity,
    places: Sequence[DeclaredPlace] = (DeclaredPlace.THREAD,),
) -> modals.View:
    """Asks what to declare.

    Args:
        channel: Where it is declared.
        vendors: The vendors' incidents that it is about.
        title: The first value of the title.
        severity: The severity that is chosen at first.
        places: Where it can be handled with the scopes that the app has.
    """
    hint = _NEEDS_SCOPES if len(places) == 1 else ""
    metadata = json.dumps({"channel": channel, "incidents": [v.tracked.incident.id for v in vendors]})
    about = [block_kit.section(markup.to_mrkdwn(_vendor_text(v))) for v in vendors[:_MAX_VENDORS]]
    return modals.form(DECLARE, "Declare an incident", "Declare", metadata) | {
        "blocks": [
            *about,
            modals.input_block(TITLE, "What is wrong for you?", _text_input(title), is_needed=True),
            modals.input_block(SEVERITY, "Severity", _severities(severity), is_needed=True),
            modals.input_block(PLACE, "Where to handle it", _places(places), hint, is_needed=True),
            *([_when_safe()] if vendors else []),
        ]
    }


def read_metadata(private_metadata: str) -> tuple[str, tuple[str, ...]]:
    """The channel of a declaration, and the keys of the vendors' incidents."""
    metadata = json.loads(private_metadata)
    return metadata["channel"], tuple(metadata["incidents"])


def rename_modal(incident: DeclaredIncident) -> modals.View:
    """Asks for another title."""
    view = modals.form(EDIT, "Change the title", "Change", f"{declared.RENAME} {incident.number}")
    block = modals.input_block(declared.RENAME, "What is wrong for you?", _text_input(incident.title), is_needed=True)
    return view | {"blocks": [block]}


def link_modal(incident: DeclaredIncident, choices: Iterable[tuple[str, str]]) -> modals.View:
    """Asks for one more incident of a vendor, of pairs of title and key."""
    view = modals.form(EDIT, "Link an incident", "Link", f"{declared.LINK} {incident.number}")
    usable = [(label, key) for label, key in choices if len(key) <= block_kit.MAX_OPTION_VALUE]
    menu = block_kit.menu(
        modals.TEXT, "Pick an incident", [(formatting.truncate(markup.clean(label), 75, "…"), k) for label, k in usable]
    )
    return view | {"blocks": [modals.input_block(declared.LINK, "Open incidents of vendors", menu, is_needed=True)]}


def _vendor_text(vendor: VendorIncident) -> str:
    headline = alert_view.headline(vendor.alert)
    return f"{markup.emoji(headline.emoji)} {markup.bold(markup.clean(headline.text))}"


def _text_input(initial: str) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": modals.TEXT, "max_length": MAX_TITLE}
    return element | ({"initial_value": initial[:MAX_TITLE]} if initial else {})


def _severities(chosen: DeclaredSeverity) -> dict[str, Any]:
    options = [
        {
            "text": block_kit.plain_text(declared.severity_text(severity)),
            "description": block_kit.plain_text(text),
            "value": severity.value,
        }
        for severity, text in declared.SEVERITY_TEXTS.items()
    ]
    return _radio_buttons(options, chosen)


_PLACE_TEXTS = {
    DeclaredPlace.THREAD: "In a thread here",
    DeclaredPlace.PUBLIC: "In a new public channel",
    DeclaredPlace.PRIVATE: "In a new private channel",
}


def _places(places: Sequence[DeclaredPlace]) -> dict[str, Any]:
    options = [{"text": block_kit.plain_text(_PLACE_TEXTS[place]), "value": place.value} for place in places]
    return _radio_buttons(options, places[0])


def _radio_buttons(options: list[dict[str, Any]], chosen: str) -> dict[str, Any]:
    [initial] = [option for option in options if option["value"] == chosen]
    return {"type": "radio_buttons", "action_id": modals.TEXT, "options": options, "initial_option": initial}


def _when_safe() -> dict[str, Any]:
    options = [{"text": block_kit.plain_text("Close it once it is safe to retry"), "value": "on"}]
    checkboxes = {"type": "checkboxes", "action_id": modals.TEXT, "options": options}
    return modals.input_block(WHEN_SAFE, "Closing", checkboxes, "Otherwise you are asked then.")

"""What a modal asks -> Slack's view as JSON values, inside Slack's limits (slack.md 2.1). Pure."""

from __future__ import annotations

from typing import Any

from bot.voice import blocks

View = dict[str, Any]

NOTE = "note"  # callback_ids; they never change
TEXT = "text"
LONGEST_NOTE = 2000


def note(incident: str, title: str, channel: str) -> View:
    """Asks for a note to an incident; what comes back has it in block and action ``note`` and ``text``."""
    asked = {
        "type": "plain_text_input",
        "action_id": TEXT,
        "multiline": True,
        "max_length": LONGEST_NOTE,
        "focus_on_load": True,
    }
    hint = blocks.plain("It goes into the timeline and into the thread here. Other channels do not see it.")
    return _modal(NOTE, "Note", "Add note", f"{channel} {incident}") | {
        "blocks": [
            blocks.quote(title, 600),
            {
                "type": "input",
                "block_id": NOTE,
                "label": blocks.plain("What happened?"),
                "element": asked,
                "hint": hint,
            },
        ]
    }


def _modal(callback_id: str, title: str, submit: str, memory: str) -> View:
    """``memory`` comes back with the answer."""
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": blocks.plain(title),
        "submit": blocks.plain(submit),
        "close": blocks.plain("Cancel"),
        "private_metadata": memory,
    }

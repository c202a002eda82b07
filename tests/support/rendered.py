"""Everything that tests render and find sendable -> TypeScript that ``tsc`` holds against Slack's own types.

Types know nothing of lengths, so that of a thousand blocks of one shape one is enough: words are left out, and of equal
items in a list the first is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

_WORDS = frozenset(
    {
        *("caption", "fallback"),
        *("text", "value", "title", "url", "image_url", "alt_text", "action_id", "block_id", "callback_id"),
        *("accessibility_label", "initial_value", "private_metadata", "external_id"),
    }
)
_BLOCKS: dict[str, Any] = {}
_VIEWS: dict[str, dict[str, Any]] = {"modal": {}, "home": {}}
_ENTITIES: dict[str, Any] = {}


def keep(blocks: Iterable[Any]) -> None:
    """The blocks of a message."""
    _put(_BLOCKS, blocks)


def keep_view(view: dict[str, Any]) -> None:
    """A modal or a Home; its blocks by themselves, so that a long one is not kept for one line more."""
    keep(view.get("blocks", ()))
    _put(_VIEWS[view["type"]], [view | {"blocks": view.get("blocks", [])[:1]}])


def keep_entity(entity: dict[str, Any]) -> None:
    """A Work Object, of a card or of a pane."""
    _put(_ENTITIES, [entity])


def typescript() -> str:
    """A module that is well typed where Slack would take all of it, as far as types go."""
    lists = {
        "blocks": ("KnownBlock", _BLOCKS),
        "modals": ("ModalView", _VIEWS["modal"]),
        "homes": ("HomeView", _VIEWS["home"]),
        "entities": ("EntityMetadata", _ENTITIES),
    }
    typed = (f"export const {name} = {_listed(found)} satisfies {kind}[];" for name, (kind, found) in lists.items())
    return "\n".join(
        ['import type { EntityMetadata, HomeView, KnownBlock, ModalView } from "@slack/types";', *typed, ""]
    )


def _listed(found: dict[str, Any]) -> str:
    return "[\n" + "".join(f"{json.dumps(item)},\n" for item in found.values()) + "]"


def _put(kept: dict[str, Any], items: Iterable[Any]) -> None:
    for item in items:
        shape = _shape(item)
        kept.setdefault(json.dumps(shape, sort_keys=True), shape)


def _shape(node: Any, key: str = "") -> Any:
    if isinstance(node, dict):
        return {name: _shape(value, name) for name, value in node.items()}
    if isinstance(node, list | tuple):
        each = {json.dumps(shape, sort_keys=True): shape for shape in map(_shape, node)}
        return list(each.values())
    return "x" if isinstance(node, str) and key in _WORDS else node

"""A Message -> what real Slack would refuse or what could ring somebody's phone; nothing where it may be sent.

Three opinions: slack_sdk's own models, the limits that those miss, and a reading of every token in angle brackets
(bot/docs/slack-limits.md#message-limits, #validation, #formatting-and-mentions). The emulator checks none of this:
green there is necessary and not sufficient.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.domain import Message
from bot.messages import newer_blocks
from tests.support import rendered

MAX_BLOCKS = 50
ATTACHMENT = {"blocks", "color"}  # other keys beside blocks are refused
MAX_TEXT = 4000  # of chat.update; should it mean bytes, the edge cuts
MAX_CHARACTERS = 13_000  # of all blocks together; undocumented
MAX_ID = 255
MAX_VIEW = 100
MAX_MEMORY = 3000
VIEW = {"title": 24, "submit": 24, "close": 24}

LENGTHS = {  # (kind, key): the longest string; every string here needs at least one character
    ("header", "text"): 150,
    ("section", "text"): 3000,
    ("fields", "text"): 2000,
    ("context", "text"): 3000,
    ("markdown", "text"): 12_000,
    ("button", "text"): 75,
    ("button", "value"): 2000,
    ("button", "url"): 3000,
    ("button", "accessibility_label"): 75,
    ("option", "text"): 75,
    ("option", "description"): 75,
    ("option", "value"): 150,
    ("option", "url"): 3000,
    ("option_group", "label"): 75,
    ("placeholder", "text"): 150,
    ("input", "label"): 2000,
    ("input", "hint"): 2000,
    ("plain_text_input", "initial_value"): 3000,
    ("image", "image_url"): 3000,
    ("image", "alt_text"): 2000,
    ("image", "title"): 2000,
    ("confirm", "title"): 100,
    ("confirm", "text"): 300,
    ("confirm", "confirm"): 30,
    ("confirm", "deny"): 30,
}
COUNTS = {  # (kind, key): the most items
    ("section", "fields"): 10,
    ("context", "elements"): 10,
    ("actions", "elements"): 25,
    ("overflow", "options"): 5,
    ("select", "options"): 100,
    ("select", "option_groups"): 100,
    ("choice", "options"): 10,
}
PLAIN = {("header", "text"), ("button", "text"), ("confirm", "title"), ("confirm", "confirm"), ("confirm", "deny")}
PLAIN |= {("placeholder", "text"), ("option_group", "label"), ("image", "title"), ("input", "label"), ("input", "hint")}

_LINK = r"https?://[^\s<>|]+(?:\|[^<>|\n]+)?"
_DATE = r"!date\^-?\d+\^[^<>|^]+(?:\^https?://[^\s<>|]+)?\|[^<>|]+"
_CHANNEL = r"#[CG][A-Z0-9]+"  # a link, which rings nobody
_SAFE = re.compile(rf"(?:{_LINK}|{_DATE}|{_CHANNEL})")
_TOKEN = re.compile(r"<([^<>]*)(>?)")
_AT = re.compile(r"@(?:here|channel|everyone)\b", re.IGNORECASE)


def assert_sendable(message: Message, *, mentions: Collection[str] = ()) -> None:
    """Fails with every problem at once. ``mentions`` are the tokens that may ring, like ``!subteam^S1`` or ``@U1``."""
    found = problems(message, mentions=mentions)
    assert not found, "\n".join(["Slack would not take this message as it is meant:", *found])


def problems(message: Message, *, mentions: Collection[str] = ()) -> list[str]:
    """One line per problem, with where it is."""
    blocks = [*message.blocks, *(block for attachment in message.attachments for block in attachment["blocks"])]
    found = [
        *(f"attachment: {sorted(a)} instead of blocks and color" for a in message.attachments if set(a) != ATTACHMENT),
        *(f"color: {a['color']}" for a in message.attachments if not re.fullmatch(r"#[0-9A-F]{6}", a["color"])),
        *_text_problems(message.text, mentions),
        *(f"blocks: {len(blocks)} of them, at most {MAX_BLOCKS}" for _ in [0] if len(blocks) > MAX_BLOCKS),
        *(line for i, block in enumerate(blocks) for line in _checked(block, f"blocks[{i}]")),
        *(line for i, block in enumerate(blocks) for line in _token_problems(block, f"blocks[{i}]", mentions)),
        *_duplicates(blocks),
        *_total([block for block in blocks if block.get("type") not in _CHECKS]),
        *_newer_problems(message),
    ]
    rendered.keep(() if found else [b for b in blocks if b.get("type") != newer_blocks.CHART])
    return found


def _checked(block: dict[str, Any], where: str) -> Iterator[str]:
    """What is wrong with a block: a newer one, which slack_sdk does not know, by what Slack publishes of it."""
    check = _CHECKS.get(block.get("type", ""))
    yield from check(block) if check else _block_problems(block, where)


def _newer_problems(message: Message) -> list[str]:
    """The same for the message with its newer blocks: their limits, and what can be read on a phone."""
    blocks = newer_blocks.with_newer_blocks(message.blocks, newer_blocks.NEWER_TYPES)
    newer = [block for block in blocks if block["type"] in newer_blocks.NEWER_TYPES]
    if not newer:
        return []
    found = [
        *(f"blocks: {len(blocks)} of them, at most {MAX_BLOCKS}" for _ in [0] if len(blocks) > MAX_BLOCKS),
        *(line for i, block in enumerate(blocks) for line in _checked(block, f"newer[{i}]")),
        *_duplicates(blocks),
        *_total([block for block in blocks if block not in newer]),
    ]
    rendered.keep(() if found else [b for b in newer if b["type"] != newer_blocks.CHART])
    return found


def _table_problems(block: dict[str, Any]) -> Iterator[str]:
    """https://docs.slack.dev/reference/block-kit/blocks/table-block and data-table-block."""
    head, *rows = block["rows"]
    where = block["type"]
    if not 1 <= len(rows) < MAX_TABLE_ROWS:
        yield f"{where}: {len(rows)} rows"
    if any(len(row) != len(head) for row in rows) or len(head) > newer_blocks.MAX_COLUMNS:
        yield f"{where}: {len(head)} columns, on a phone {newer_blocks.MAX_COLUMNS} can be read"
    if any(cell["type"] != "raw_text" for cell in head):
        yield f"{where}: the head is plain text"
    if where == newer_blocks.DATA_TABLE and not (block["caption"] and 1 <= block["page_size"] <= 100):
        yield f"{where}: needs a caption and 1 to 100 rows a page"
    texts = [*_values(block, "text"), *_values(block, "fallback"), *_values(block, "name")]
    if not all(texts) or sum(map(len, texts)) > MAX_TABLE_CHARACTERS:
        yield f"{where}: {sum(map(len, texts))} characters, and none may be empty"
    yield from (f"{where}: a raw number is a number" for v in _values(block, "value") if not isinstance(v, int | float))


def _chart_problems(block: dict[str, Any]) -> Iterator[str]:
    """https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block."""
    chart, categories = block["chart"], block["chart"]["axis_config"]["categories"]
    if set(block) != {"type", "title", "chart"} or set(chart) != {"type", "series", "axis_config"}:
        yield f"chart: {sorted(block)}, {sorted(chart)}"
    titles = (block["title"], chart["axis_config"]["x_label"], chart["axis_config"]["y_label"])
    yield from (line for title in titles for line in _length(title, 50, "chart title"))
    yield from (line for label in categories for line in _length(label, 20, "chart label"))
    if not 1 <= len(categories) <= 20 or len(set(categories)) != len(categories):
        yield f"chart: categories {categories}"
    names = [series["name"] for series in chart["series"]]
    if not 1 <= len(names) <= 6 or len(set(names)) != len(names):
        yield f"chart: series {names}"
    for series in chart["series"]:
        yield from _length(series["name"], 20, "chart series")
        if [point["label"] for point in series["data"]] != categories:
            yield f"chart: {series['name']} has no value for each category"
        if not all(isinstance(p["value"], int | float) and math.isfinite(p["value"]) for p in series["data"]):
            yield f"chart: {series['name']} has a value that is no number"


MAX_TABLE_ROWS, MAX_TABLE_CHARACTERS = 100, 10_000
_CHECKS = {
    newer_blocks.TABLE: _table_problems,
    newer_blocks.DATA_TABLE: _table_problems,
    newer_blocks.CHART: _chart_problems,
}


def view_problems(view: dict[str, Any], *, mentions: Collection[str] = ()) -> list[str]:
    """The same for a modal or a Home: its own lengths, a submit where something is asked, and every block."""
    blocks = view.get("blocks", [])
    asked = [b for b in blocks if b.get("type") == "input"]
    memory, kind = view.get("private_metadata", ""), view.get("type")
    found = [
        *(line for key, most in VIEW.items() if key in view for line in _length(_string(view[key]), most, key)),
        *(
            f"{key}: must be plain_text"
            for key in VIEW
            if view.get(key, {}).get("type") != "plain_text" and key in view
        ),
        *("title: a modal needs one" for _ in [0] if kind == "modal" and "title" not in view),
        *("submit: inputs need it" for _ in [0] if kind == "modal" and asked and "submit" not in view),
        *(f"private_metadata: {len(memory)} characters, at most {MAX_MEMORY}" for _ in [0] if len(memory) > MAX_MEMORY),
        *(f"blocks: {len(blocks)} of them, at most {MAX_VIEW}" for _ in [0] if not 1 <= len(blocks) <= MAX_VIEW),
        *(line for i, block in enumerate(blocks) for line in _block_problems(block, f"blocks[{i}]")),
        *(line for i, block in enumerate(blocks) for line in _token_problems(block, f"blocks[{i}]", mentions)),
        *(line for line in _duplicates(blocks) if line.startswith("block_id")),
        *_sdk_view(view),
    ]
    if not found:
        rendered.keep_view(view)
    return found


def _sdk_view(view: dict[str, Any]) -> Iterator[str]:
    try:
        told = View(**view).to_dict()
    except (SlackObjectFormationError, TypeError, ValueError) as error:
        yield f"view: {error}"
        return
    if told != view:
        yield f"view: slack_sdk reads it as {told!r}"


def _text_problems(text: str, mentions: Collection[str]) -> Iterator[str]:
    if not text.strip():
        yield "text: empty; notifications and screen readers read nothing else"
    if len(text) > MAX_TEXT:
        yield f"text: {len(text)} characters, at most {MAX_TEXT}"
    yield from _tokens(text, "text", mentions)


def _block_problems(block: dict[str, Any], where: str) -> Iterator[str]:
    yield from _sdk(block, where)
    yield from _walk(block, block.get("type", "?"), where)


def _sdk(block: dict[str, Any], where: str) -> Iterator[str]:
    """What slack_sdk says: a limit it knows, a type it does not know, or a key that it drops."""
    try:
        [parsed] = Block.parse_all([block])
        told = parsed.to_dict() if parsed else None
    except (SlackObjectFormationError, TypeError, ValueError) as error:
        yield f"{where}: {error}"
        return
    if told is None:
        yield f"{where}: no block type that slack_sdk knows: {block.get('type')!r}"
    elif told != block:
        yield f"{where}: slack_sdk reads it as {told!r}"


def _walk(node: dict[str, Any], kind: str, where: str) -> Iterator[str]:
    """The own tables over every object below a block."""
    for key, value in node.items():
        here = f"{where}.{key}"
        yield from _entry(kind, key, value, here)
        children = (
            [(f"{here}[{i}]", child) for i, child in enumerate(value)] if isinstance(value, list) else [(here, value)]
        )
        for place, child in children:
            if isinstance(child, dict):
                yield from _walk(child, _kind(child, key, kind), place)
    if kind == "image" and not node.get("alt_text"):
        yield f"{where}: an image needs alt_text"
    if kind == "section" and not (node.get("text") or node.get("fields")):
        yield f"{where}: a section needs text or fields"


def _entry(kind: str, key: str, value: Any, where: str) -> Iterator[str]:
    if (kind, key) in COUNTS and not 1 <= len(value) <= COUNTS[kind, key]:
        yield f"{where}: {len(value)} items, 1 to {COUNTS[kind, key]} are taken"
    if (kind, key) in LENGTHS:
        yield from _length(_string(value), LENGTHS[kind, key], where)
    if (kind, key) in PLAIN and isinstance(value, dict) and value.get("type") != "plain_text":
        yield f"{where}: must be plain_text"
    if key in ("block_id", "action_id"):
        yield from _length(value, MAX_ID, where)


def _kind(child: dict[str, Any], key: str, parent: str) -> str:
    """Under which name the tables know an object: its place in the parent, else its type."""
    places = {"fields": "fields", "options": "option", "confirm": "confirm", "placeholder": "placeholder"}
    if key in places and not (parent == "confirm" and key == "confirm"):
        return places[key]
    if key == "option_groups":
        return "option_group"
    if key == "elements" and parent == "context" and "text" in child:
        return "context"
    kind = str(child.get("type", key))
    kind = "select" if kind.endswith("_select") else kind
    return "choice" if kind in ("checkboxes", "radio_buttons") else kind


def _string(value: Any) -> str:
    return str(value.get("text", "")) if isinstance(value, dict) else str(value)


def _length(value: str, most: int, where: str) -> Iterator[str]:
    if not 1 <= len(value) <= most:
        yield f"{where}: {len(value)} characters, 1 to {most} are taken"


def _token_problems(node: Any, where: str, mentions: Collection[str]) -> Iterator[str]:
    """Every text that Slack reads tokens in: mrkdwn objects and markdown blocks."""
    if isinstance(node, list):
        for i, child in enumerate(node):
            yield from _token_problems(child, f"{where}[{i}]", mentions)
    if not isinstance(node, dict):
        return
    if node.get("type") in ("mrkdwn", "markdown"):
        yield from _tokens(_string(node), where, mentions)
        if _AT.search(_string(node)) and node.get("verbatim") is not True:
            yield f"{where}: @here and the like need verbatim: true, or Slack links them"
    for key, child in node.items():
        yield from _token_problems(child, f"{where}.{key}", mentions)


def _tokens(text: str, where: str, mentions: Collection[str]) -> Iterator[str]:
    for inside, closed in _TOKEN.findall(text):
        if not closed:
            yield f"{where}: a raw '<' before {inside[:20]!r}; write &lt;"
        elif inside.split("|")[0] not in mentions and not _SAFE.fullmatch(inside):
            yield f"{where}: <{inside}> is a token that we do not send"


def _duplicates(blocks: list[dict[str, Any]]) -> Iterator[str]:
    for key in ("block_id", "action_id"):
        for value, times in Counter(_values(blocks, key)).items():
            if times > 1:
                yield f"{key} {value!r} is used {times} times"


def _values(node: Any, key: str) -> Iterator[str]:
    if isinstance(node, list):
        for child in node:
            yield from _values(child, key)
    elif isinstance(node, dict):
        yield from ([node[key]] if key in node else [])
        for child in node.values():
            yield from _values(child, key)


def _total(blocks: list[dict[str, Any]]) -> Iterator[str]:
    size = sum(len(text) for text in _values(blocks, "text") if isinstance(text, str))
    if size > MAX_CHARACTERS:
        yield f"blocks: {size} characters together, at most {MAX_CHARACTERS}"

"""What is configured: keys of the TOML files, and environment variables; and the loggers that log levels name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from typing_extensions import override

from bot.adapters import litestream
from bot.cli import probe
from bot.errors import UsageError
from bot.formats import FORMATS
from bot.settings.base import StrictModel
from bot.settings.brownout_toml import MainSettings
from bot.settings.provider_toml import ProviderTable
from bot.settings.verdict_toml import VerdictTable
from bot.slack import credentials, socket_mode
from tests.contract.text import sections, written

_OURS = r'"((?:BROWNOUT|SLACK)_[A-Z_]*[A-Z])"'


def config_keys() -> str:
    """A line per key: its dotted name, and what it may be."""
    return sections(
        {
            "brownout.toml": _keys(MainSettings),
            "verdict.toml": _keys(VerdictTable),
            "providers/NAME.toml": _keys(ProviderTable),
            "keys that a source kind needs or takes": [
                f"{name} needs {','.join(sorted(k.needs)) or '-'} takes {','.join(sorted(k.takes)) or '-'}"
                for name, k in FORMATS.items()
            ],
            "environment variables": _variables(),
            "environment variables handed to Litestream": [
                *(f"{prefix}*" for prefix in litestream._ENVIRONMENT_PREFIXES),
                *litestream._ENVIRONMENT_NAMES,
            ],
        }
    )


def loggers() -> str:
    """Names of loggers that are written in code; those named after modules are no contract."""
    return sections({"loggers": written(r'getLogger\("([^"]+)"\)')})


def _keys(table: type[StrictModel]) -> Iterator[str]:
    schema = table.model_json_schema()
    return _walked(schema, schema.get("$defs", {}), "", is_required=True)


def _walked(node: dict[str, Any], defs: dict[str, Any], name: str, *, is_required: bool) -> Iterator[str]:
    """The leaves of a JSON schema below this name."""
    node = _resolved(node, defs)
    dot = f"{name}." if name else ""
    maps = [node["additionalProperties"]] if isinstance(node.get("additionalProperties"), dict) else []
    maps += node.get("patternProperties", {}).values()
    if "properties" in node:
        for key, child in node["properties"].items():
            yield from _walked(child, defs, f"{dot}{key}", is_required=key in node.get("required", ()))
    elif maps:
        names = "|".join(node.get("propertyNames", {}).get("enum", ["NAME"]))
        for child in maps:
            yield from _walked(child, defs, f"{dot}<{names}>", is_required=False)
    elif "properties" in (item := _resolved(node.get("items", {}), defs)):
        yield from _walked(item, defs, f"{name}[]", is_required=is_required)
    else:
        told = {key: value for key, value in node.items() if key not in ("title", "description")}
        told |= {"required": True} if is_required else {}
        yield f"{name} {json.dumps(told, sort_keys=True, ensure_ascii=False)}"


def _resolved(node: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any]:
    """What a reference is to; of a table or nothing, the table."""
    refs = [n["$ref"] for n in (node, *node.get("anyOf", ())) if "$ref" in n]
    return defs[refs[0].rpartition("/")[2]] if refs else node


class RecordingEnvironment(dict[str, str]):
    """An empty environment that keeps the names that it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    @override
    def get(self, key: str, default: Any = None) -> Any:
        self.names.append(key)
        return default


def _variables() -> list[str]:
    """Those that code was seen to read, and those whose names stand in it."""
    asked = RecordingEnvironment()
    credentials.read_tokens(asked)
    socket_mode.outage_limit_s(None, asked)
    with suppress(UsageError):
        probe._read_token(asked)
    return [*asked.names, *written(_OURS)]

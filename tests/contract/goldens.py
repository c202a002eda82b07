"""The public surface as text: each golden file and the function that makes it from the code.

A line that disappears from a golden file breaks somebody: add lines, never change or remove them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.contract import configuration, http_api, mcp_tools, outbox, shell, slack_ids, storage, values

GOLDENS: Mapping[str, Callable[[], str]] = {
    "config_keys.txt": configuration.config_keys,
    "exit_codes.txt": shell.exit_codes,
    "help.txt": shell.help_text,
    "http_paths.txt": http_api.paths,
    "loggers.txt": configuration.loggers,
    "mcp_tools.json": mcp_tools.tools,
    "metrics.txt": http_api.metric_names,
    "openapi.json": http_api.openapi,
    "outbox_keys.txt": outbox.keys,
    "reason_codes.txt": values.reason_codes,
    "schema.sql": storage.schema,
    "slack_ids.txt": slack_ids.ids,
    "stored_fields.txt": storage.fields,
    "values.txt": values.enums,
}


def path(name: str) -> Path:
    """Where the golden file is."""
    return Path(__file__).parent / "golden" / name

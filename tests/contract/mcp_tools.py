"""The MCP tools: names, schemas of arguments and answers."""

from __future__ import annotations

import asyncio
import json

from bot.mcp_server import server
from bot.settings import Settings
from tests.support.acme import Clock


def tools() -> str:
    """What an agent's host is told of each tool."""
    made = server.create_server(server.AgentTools(Settings(), None, Clock()))
    found = asyncio.run(made.list_tools())
    told = [t.model_dump(mode="json", by_alias=True, exclude_none=True) for t in sorted(found, key=lambda t: t.name)]
    return json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False) + "\n"

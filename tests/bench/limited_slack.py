"""A fake Slack with the documented limits: posts and edits a minute in the workspace, one post a second in a channel.

What it refuses with 429 counts as refused; what it takes is kept with its time.
"""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.bench.soak.slack import FakeSlackServer

POSTS_A_MINUTE, POSTS_BURST = 300, 50
EDITS_A_MINUTE, EDITS_BURST = 50, 20


@dataclass
class Allowance:
    """A token bucket: ``rate`` per second, at most ``size`` at once."""

    rate: float
    size: float
    level: float = field(init=False)
    at: float = field(init=False)

    def __post_init__(self) -> None:
        """Begins full."""
        self.level, self.at = self.size, time.monotonic()

    def wait_s(self) -> float:
        """Takes one, and returns 0; or the seconds until there is one."""
        now = time.monotonic()
        self.level, self.at = min(self.size, self.level + (now - self.at) * self.rate), now
        if self.level >= 1:
            self.level -= 1
            return 0.0
        return (1 - self.level) / self.rate


@dataclass
class Taken:
    """A message that Slack took: when (monotonic), where, its key, its text, and whether it is an edit."""

    at: float
    channel: str
    key: str
    text: str
    is_edit: bool


class LimitedSlack(FakeSlackServer):
    """``taken`` are the messages in their order; ``limited`` counts the answers with 429 by method."""

    def __init__(self) -> None:
        super().__init__(lambda _: None, lambda: "")
        self.posts = Allowance(POSTS_A_MINUTE / 60, POSTS_BURST)
        self.edits = Allowance(EDITS_A_MINUTE / 60, EDITS_BURST)
        self.channels: dict[str, Allowance] = {}
        self.taken: list[Taken] = []
        self.limited: Counter[str] = Counter()

    async def _chat(self, request: web.Request, method: str) -> web.StreamResponse:
        args: dict[str, Any] = (
            await request.json() if "json" in request.content_type else dict(await request.post())  # type: ignore[assignment]
        )
        is_edit = method == "chat.update"
        channel = args["channel"]
        if is_edit:
            wait_s = self.edits.wait_s()
        else:
            wait_s = self.channels.setdefault(channel, Allowance(1, 1)).wait_s() or self.posts.wait_s()
        if wait_s:
            self.limited[method] += 1
            headers = {"retry-after": str(max(1, math.ceil(wait_s)))}
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
        ts = self._take(method, args)
        key = "" if is_edit else _key(args)
        self.taken.append(Taken(time.monotonic(), channel, key, args.get("text", ""), is_edit))
        return web.json_response({"ok": True, "ts": ts, "channel": channel})


def _key(args: dict[str, Any]) -> str:
    metadata = args["metadata"] if isinstance(args["metadata"], dict) else json.loads(args["metadata"])
    return str(metadata["event_payload"]["key"])

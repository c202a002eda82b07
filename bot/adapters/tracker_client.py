"""Reads one JSON answer of an outage tracker. Every failure is a SourceError; no key is in it.

The address comes from the operator's own configuration and may be private. Redirects are not followed, since the key
would go along; an answer has at most 1 MB.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlsplit

from bot import __version__
from bot.errors import SourceError
from bot.formats.http_body import retry_after
from bot.import_guard import block_import

with block_import("pygments"):
    import httpx

MAX_BYTES = 1_000_000


class TrackerClient:
    """A client for all trackers. Use it as an async context manager, which closes it."""

    def __init__(self) -> None:
        """Creates the client with the first request: most bots have no trackers."""
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._client is not None:
            await self._client.aclose()

    def _created_client(self) -> httpx.AsyncClient:
        if self._client is None:
            agent = {"user-agent": f"brownout/{__version__} (tracker)", "accept-encoding": "identity"}
            self._client = httpx.AsyncClient(trust_env=False, follow_redirects=False, headers=agent)
        return self._client

    async def read(self, url: str, headers: Mapping[str, str], *, within_s: float) -> Any:
        """The parsed answer.

        Args:
            url: The address.
            headers: Further headers, that of the key among them.
            within_s: Seconds for the whole request.

        Raises:
            SourceError: There is no answer, or none that is JSON with finite numbers.
        """
        try:
            _ = urlsplit(url).port  # ValueError for a port that httpx would try and fail with something else
            async with asyncio.timeout(within_s):
                body = await self._body(url, headers)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise SourceError(f"no answer within {within_s:g} s", code="timeout") from error
        except (httpx.InvalidURL, ValueError) as error:
            raise SourceError("its address or a header has a sign that can't be sent", code="connect") from error
        except (httpx.HTTPError, OSError) as error:
            raise SourceError("it can't be reached", code="connect") from error
        try:
            return json.loads(body, parse_constant=_refuse_constant, parse_float=_finite_float)
        except (ValueError, RecursionError) as error:
            raise SourceError("the answer is no JSON", code="bad_json") from error

    async def _body(self, url: str, headers: Mapping[str, str]) -> bytes:
        async with self._created_client().stream("GET", url, headers=dict(headers), timeout=None) as response:
            if not response.is_success:
                raise SourceError(
                    f"it answered {response.status_code}",
                    code=f"http_{response.status_code}",
                    retry_after=retry_after(response.headers),
                )
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise SourceError(f"the answer is longer than {MAX_BYTES // 1_000_000} MB", code="too_large")
            return bytes(body)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _finite_float(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError("a number is too large")
    return value

"""Results of probes -> a bot elsewhere, by its ``POST /v1/probes``. Every failure is a DeliveryError."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from bot import __version__
from bot.errors import DeliveryError
from bot.model import ProbeResult
from bot.sources.answer import retry_after
from bot.unseen import unseen

with unseen("rich"):
    import httpx

PATIENCE_S = 10.0
MOST = 200  # results that the other side takes at once
LONGEST = 200  # characters of a reason, likewise
_UNFIT = (400, 413, 422)  # what was sent is wrong, and stays wrong


class Outpost:
    """Tells one bot. Closes as an async context manager."""

    def __init__(self, url: str, token: str) -> None:
        """``url`` is the bot's address without a path."""
        self._url = f"{url.rstrip('/')}/v1/probes"
        headers = {"authorization": f"Bearer {token}", "user-agent": f"brownout/{__version__} (probes)"}
        self._client = httpx.AsyncClient(headers=headers, timeout=PATIENCE_S, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def tell(self, results: Sequence[ProbeResult]) -> tuple[str, ...]:
        """Tells up to ``MOST`` results; why some of them were not taken, one line each.

        A DeliveryError is permanent where these results will never be taken.
        """
        try:
            answer = await self._client.post(self._url, json=[_wire(r) for r in results])
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise DeliveryError(
                f"it can't be reached ({_plain(error) or type(error).__name__})", code="away"
            ) from error
        if answer.status_code != httpx.codes.OK:
            raise DeliveryError(
                _said(answer),
                code=f"http_{answer.status_code}",
                permanent=answer.status_code in _UNFIT,
                retry_after=retry_after(answer.headers),
            )
        left = _json(answer).get("left")
        found = [one for one in left if isinstance(one, dict)] if isinstance(left, list) else []
        return tuple(f"{_plain(one.get('surface'))}: {_plain(one.get('why'))}" for one in found)


def _wire(result: ProbeResult) -> dict[str, Any]:
    """As ``bot.entry.testify.ProbeIn`` reads it."""
    names = ("surface", "ok", "vantage", "why", "status", "dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "took_ms")
    told = {name: getattr(result, name) for name in names}
    return {"at": result.at.isoformat(), **told, "why": result.why[:LONGEST]}


def _said(answer: httpx.Response) -> str:
    detail = _json(answer).get("detail")
    if isinstance(detail, list):
        detail = "; ".join(str(one.get("msg")) for one in detail[:3] if isinstance(one, dict))
    return f"it answered {answer.status_code}" + (f": {_plain(detail)}" if detail else ", and is perhaps no Brownout")


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _plain(told: object) -> str:
    """Another's words, which may be anything, as one line of text."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(told)[:300]).split())

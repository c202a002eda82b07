"""Sends probe results to another Brownout through its ``POST /v1/probes``. Every failure is a DeliveryError."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from bot import __version__
from bot.domain import ProbeResult
from bot.errors import DeliveryError
from bot.formats.http_body import retry_after
from bot.import_guard import block_import

with block_import("pygments"):
    import httpx

TIMEOUT_S = 10.0
MAX_BATCH = 200  # results that the receiver accepts in one request
MAX_REASON_LENGTH = 200  # characters of a reason that it accepts
_REJECTED_STATUSES = (400, 413, 422)  # the request is invalid, and a retry would be too


class RemoteReporter:
    """Client of one remote bot. Use it as an async context manager, which closes it."""

    def __init__(self, url: str, token: str) -> None:
        """``url`` is the bot's address without a path, ``token`` its API token."""
        self._url = f"{url.rstrip('/')}/v1/probes"
        headers = {"authorization": f"Bearer {token}", "user-agent": f"brownout/{__version__} (probes)"}
        self._client = httpx.AsyncClient(headers=headers, timeout=TIMEOUT_S, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def send_results(self, results: Sequence[ProbeResult]) -> tuple[str, ...]:
        """Sends up to ``MAX_BATCH`` results, and returns why some of them were rejected, one line each.

        Raises DeliveryError, permanent where these results will never be accepted.
        """
        try:
            response = await self._client.post(self._url, json=[_result_to_json(r) for r in results])
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise DeliveryError(
                f"it can't be reached ({_one_line(error) or type(error).__name__})", code="away"
            ) from error
        if response.status_code != httpx.codes.OK:
            raise DeliveryError(
                _error_message(response),
                code=f"http_{response.status_code}",
                permanent=response.status_code in _REJECTED_STATUSES,
                retry_after=retry_after(response.headers),
            )
        rejected = _read_json(response).get("left")
        rejections = [one for one in rejected if isinstance(one, dict)] if isinstance(rejected, list) else []
        return tuple(f"{_one_line(one.get('surface'))}: {_one_line(one.get('why'))}" for one in rejections)


def _result_to_json(result: ProbeResult) -> dict[str, Any]:
    """The JSON that ``bot.web.evidence_schemas.ProbeIn`` accepts."""
    names = ("surface", "ok", "vantage", "why", "status", "dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "took_ms")
    fields = {name: getattr(result, name) for name in names}
    return {"at": result.at.isoformat(), **fields, "why": result.why[:MAX_REASON_LENGTH]}


def _error_message(response: httpx.Response) -> str:
    detail = _read_json(response).get("detail")
    if isinstance(detail, list):
        detail = "; ".join(str(one.get("msg")) for one in detail[:3] if isinstance(one, dict))
    return f"it answered {response.status_code}" + (
        f": {_one_line(detail)}" if detail else ", and is perhaps no Brownout"
    )


def _read_json(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _one_line(text: object) -> str:
    """Untrusted text as a single line of printable characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)[:300]).split())

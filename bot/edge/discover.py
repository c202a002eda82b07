"""An address -> the page there and its format, found by trying the known places one after the other over a Web."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.errors import ParseError, SourceError
from bot.model import Snapshot, Source
from bot.sources import KINDS, sniff
from bot.sources.kind import Bodies

_NOBODY = {"refused", "dns", "connect", "tls", "timeout", "reset", "closed", "private_address", "bad_url"}


class Page(Protocol):
    """An HTTP answer."""

    @property
    def url(self) -> str: ...  # noqa: D102
    @property
    def body(self) -> bytes: ...  # noqa: D102


class Web(Protocol):
    """Reads pages; every failure is a SourceError."""

    async def get(self, source_url: str, path: str, *, accept: str) -> Page: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Found:
    """A page that was read. ``url`` is where its first body was, after redirects."""

    source: Source
    snapshot: Snapshot
    url: str


async def discover(web: Web, guesses: Iterable[sniff.Guess], at: datetime) -> tuple[Found | None, tuple[str, ...]]:
    """The first guess that holds, and for those before it why they did not.

    A host that can't be reached at all ends the search of it: SourceError where no other host is left.
    """
    told: list[str] = []
    dead: dict[str, SourceError] = {}
    for guess in guesses:
        source = guess.source
        if source.url in dead:
            continue
        try:
            return await _try(web, source, at), tuple(told)
        except SourceError as error:
            if error.code in _NOBODY:
                dead[source.url] = error
            told.append(f"{KINDS[source.kind].name}: {error}")
        except ParseError as error:
            told.append(f"{KINDS[source.kind].name}: {error}")
    if dead and len(told) == len(dead):
        raise next(iter(dead.values()))
    return None, tuple(told)


async def _try(web: Web, source: Source, at: datetime) -> Found:
    kind = KINDS[source.kind]
    first, *rest = kind.paths_of(source)
    page = await web.get(source.url, first, accept=kind.accept)
    if source.kind not in sniff.candidates(page.body) and not _is_bare(page.body, source):
        raise ParseError("it does not look like it")
    others: Bodies = tuple([(await web.get(source.url, path, accept=kind.accept)).body for path in rest])
    return Found(source, kind.parse((page.body, *others), source, at), page.url)


def _is_bare(body: bytes, source: Source) -> bool:
    """AWS and Google say that all is well with an empty list, which looks like nothing."""
    return source.kind in ("aws", "google") and body.strip(b"\xff\xfe\xef\xbb\xbf\x00 \r\n") in (b"[]", b"[\x00]")


async def evidence(web: Web, source: Source, at: datetime) -> str:
    """What an address that no longer serves its format serves instead, in one sentence; empty where that is nothing."""
    try:
        found, _ = await discover(web, [g for g in sniff.guesses(source.url, source) if g.kind != source.kind], at)
    except SourceError:
        return ""
    if found is None:
        return ""
    kind = KINDS[found.source.kind].name
    return f'{found.url} serves {kind} (kind = "{found.source.kind}")'

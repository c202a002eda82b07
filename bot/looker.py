"""One look at a provider's page: read what its format asks for, parse it, and ask after the incidents that left it.

A failed look is a look (DESIGN.md section 4): it comes out as Blindness, and never as an exception. Pages move to other
hosts and other formats (status-sources.md 12): an answer that looks like another format is told as that, and after some
failures a scout may say what the address serves now. Nothing is ever switched. Who reads the pages is a Protocol.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from bot.core import diff, missed
from bot.errors import ParseError, SourceError
from bot.model import Blindness, Ending, Incident, Known, Look, Observation, Provider, Snapshot, Source, World
from bot.sources import KINDS, sniff
from bot.sources.kind import Absence, Bodies, Kind, filled, recent


class OtherFormatError(ParseError):
    """The bytes are no page of the format they should be in, and look like one of another."""


class Page(Protocol):
    """An HTTP answer."""

    @property
    def url(self) -> str: ...  # noqa: D102
    @property
    def body(self) -> bytes: ...  # noqa: D102
    @property
    def etag(self) -> str | None: ...  # noqa: D102
    @property
    def not_modified(self) -> bool: ...  # noqa: D102
    @property
    def took_s(self) -> float: ...  # noqa: D102
    @property
    def fallback_because(self) -> str | None: ...  # noqa: D102


class Web(Protocol):
    """Reads pages; every failure is a SourceError."""

    async def get(  # noqa: D102
        self, source_url: str, path: str, *, fallback: str | None, etag: str | None, accept: str
    ) -> Page: ...


@dataclass(slots=True)
class Kept:
    """What is kept of a source between looks, so that only what changed is parsed; a restart begins without it."""

    etag: str | None = None
    snapshot: Snapshot | None = None
    digest: bytes = b""  # of the bodies
    bodies: Bodies = ()  # themselves, only where they mean something else later: thousands of pages weigh


Scout = Callable[[Source], Awaitable[str]]
_MAY_HAVE_MOVED = {
    "html",
    "http_404",
    "http_410",
    "unparsable",
    "other_format",
    "empty",
    "too_many_redirects",
    "downgrade",
}


@dataclass(slots=True)
class Looker:
    """Looks at pages. ``now`` must give aware UTC times.

    ``scout`` says in one sentence what an address serves instead of its page, or nothing; it is asked once in a row of
    failures, at the one that makes it ``scout_after``.
    """

    web: Web
    now: Callable[[], datetime]
    kinds: Mapping[str, Kind] = field(default_factory=lambda: KINDS)
    scout: Scout | None = None
    scout_after: int = 3
    kept: dict[str, Kept] = field(default_factory=dict)
    _unread: dict[str, datetime] = field(default_factory=dict)  # since when a list of all incidents is to be read

    async def look(self, provider: Provider, world: World) -> tuple[Look, Observation]:
        """What the page says now, and the look for the record."""
        source, kept = provider.source, self.kept.setdefault(provider.id, Kept())
        try:
            page, bodies = await self._read(provider, kept)
            digest = _digest(bodies) if bodies else kept.digest
            is_same = kept.snapshot is not None and digest == kept.digest
            snapshot = self._parsed(provider, bodies or kept.bodies, kept if is_same else Kept())
            etag = page.etag or (kept.etag if page.not_modified else None)
            lasting = (bodies or kept.bodies) if self._kind(provider).timed else ()
            self.kept[provider.id] = Kept(etag, snapshot, digest, lasting)
            snapshot = recent(snapshot, frozenset(k.incident.id for k in world.incidents), self.now())
            endings = await self._ask(provider, world, snapshot)
            snapshot, since = await self._missed(provider, world, snapshot)
        except (SourceError, ParseError) as error:
            kept.etag = None
            return await self._blind(provider, world, error)
        at = self.now()
        body = None if is_same else b"\n".join(bodies)
        observation = Observation(source.id, at, "same" if is_same else "changed", body=body, took_s=page.took_s)
        host = "" if page.fallback_because else page.url.partition("://")[2].partition("/")[0]
        is_same = is_same and since is None and not self._kind(provider).timed
        return Look(at, snapshot, endings, host, since, is_same=is_same), observation

    def forget(self, provider_id: str) -> None:
        """The next look is unconditional, and all of what it sees counts as new."""
        self.kept.pop(provider_id, None)

    async def _blind(
        self, provider: Provider, world: World, error: SourceError | ParseError
    ) -> tuple[Look, Observation]:
        code, wait = (error.code, error.retry_after) if isinstance(error, SourceError) else ("unparsable", None)
        why = str(error)
        if isinstance(error, OtherFormatError):
            code = "other_format"
        is_time = world.failures + 1 == self.scout_after and code in _MAY_HAVE_MOVED
        if self.scout and is_time and (evidence := await self.scout(provider.source)):
            code, why = "other_format", f"{why}; now {evidence}. Nothing was switched: `brownout add` shows more"
        at = self.now()
        return Look(at, Blindness(why, code, wait)), Observation(provider.source.id, at, code, why=why)

    async def _read(self, provider: Provider, kept: Kept) -> tuple[Page, Bodies]:
        """Every path of the format; the first answer stands for all. Nothing where it is still what is kept.

        Only a single path is asked for conditionally.
        """
        first, *rest = self._kind(provider).paths_of(provider.source)
        page = await self._get(provider, first, etag=None if rest else kept.etag)
        if page.not_modified and kept.snapshot is not None:
            return page, ()
        return page, (page.body, *[(await self._get(provider, path)).body for path in rest])

    def _parsed(self, provider: Provider, bodies: Bodies, kept: Kept) -> Snapshot:
        kind = self._kind(provider)
        if kept.snapshot is not None and not kind.timed:
            return kept.snapshot
        try:
            return kind.parse(bodies, provider.source, self.now())
        except ParseError as error:
            others = [self.kinds[k].name for k in sniff.candidates(bodies[0]) if k != provider.source.kind]
            if not others:
                raise
            host = provider.source.url.partition("://")[2]
            raise OtherFormatError(
                f"{host} answers in another format than {kind.name}: it looks like {others[0]}"
            ) from error

    async def _get(self, provider: Provider, path: str, etag: str | None = None) -> Page:
        source = provider.source
        return await self.web.get(
            source.url, path, fallback=source.fallback, etag=etag, accept=self._kind(provider).accept
        )

    def _kind(self, provider: Provider) -> Kind:
        return self.kinds[provider.source.kind]

    # --- what nobody saw ----------------------------------------------------------------------------------------------

    async def _missed(self, provider: Provider, world: World, snapshot: Snapshot) -> tuple[Snapshot, datetime | None]:
        """After a time without looks: the page with what opened and ended meanwhile, and since when that is.

        A list that can't be read now is read at the next look; meanwhile nothing is called missed.
        """
        kind, at = self._kind(provider), self.now()
        since = self._unread.get(provider.id) or (world.seen_at if missed.is_gap(world.seen_at, at) else None)
        if since is None or kind.absence is not Absence.ASK or not kind.all_path:
            return snapshot, since
        self._unread[provider.id] = since
        try:
            every = await self._every(provider)
        except (SourceError, ParseError):
            return snapshot, None
        del self._unread[provider.id]
        known = {k.incident.id for k in world.incidents}
        return missed.with_missed(snapshot, diff.listed(every), known, since, at), since

    async def _every(self, provider: Provider) -> Snapshot:
        """The list of all incidents, ended ones too."""
        kind = self._kind(provider)
        page = await self._get(provider, filled(kind.all_path, provider.source))
        return (kind.parse_all or kind.parse)((page.body,), provider.source, self.now())

    # --- last words ---------------------------------------------------------------------------------------------------

    async def _ask(self, provider: Provider, world: World, snapshot: Snapshot) -> dict[str, Incident | Ending]:
        """How incidents ended that the page shows no longer; who gives no answer stays open and is asked again.

        A 404 is a withdrawal only where the list of all incidents can be read and lacks it too.
        """
        kind, known = self._kind(provider), {k.incident.id: k for k in world.open_incidents}
        if kind.absence is Absence.NOTHING or not known:
            return {}
        if kind.absence is Absence.OVER:
            return dict.fromkeys(diff.gone(known, snapshot), Ending.UNRECORDED)
        endings: dict[str, Incident | Ending] = {}
        missing: list[Known] = []
        for incident_id in diff.unlisted(known, snapshot):
            answer = await self._own(provider, known[incident_id].incident)
            if answer is Ending.WITHDRAWN:
                missing.append(known[incident_id])
            elif answer is not None:
                endings[incident_id] = answer
        return endings | (await self._find(provider, missing) if missing else {})

    async def _own(self, provider: Provider, incident: Incident) -> Incident | Ending | None:
        """What the incident's own page says; WITHDRAWN where it has none, None where there is no telling."""
        kind = self._kind(provider)
        if kind.own_path is None or kind.parse_own is None:
            return Ending.WITHDRAWN
        try:
            page = await self._get(provider, kind.own_path(incident, provider.source))
            return kind.parse_own(page.body, provider.source)
        except SourceError as error:
            return Ending.WITHDRAWN if error.code == "http_404" else None
        except ParseError:
            return None

    async def _find(self, provider: Provider, missing: Iterable[Known]) -> dict[str, Incident | Ending]:
        """What the list of all incidents says of those that have no page of their own."""
        kind = self._kind(provider)
        if not kind.all_path:
            return {k.incident.id: _left(k, None) for k in missing}
        try:
            whole = await self._every(provider)
        except (SourceError, ParseError):
            return {}
        listed = {i.id: i for i in diff.listed(whole)}
        oldest = min((i.created_at for i in listed.values()), default=None) if kind.own_path is None else None
        return {k.incident.id: listed.get(k.incident.id) or _left(k, oldest) for k in missing}


def _digest(bodies: Bodies) -> bytes:
    return sha256(b"\0".join(bodies)).digest()


def _left(known: Known, oldest: datetime | None) -> Ending:
    """How it ended that is on no list. A maintenance may just be over; and a list does not reach back for ever."""
    if known.incident.is_maintenance or (oldest is not None and diff.first_post(known.incident) < oldest):
        return Ending.UNRECORDED
    return Ending.WITHDRAWN

"""``Poller``: polls a provider's status page: fetches it, parses it, and finds out what the page alone does not tell.

A failed poll is a result too (bot/docs/decisions.md#rule-7-unreadable-is-unknown): it is returned as ``PollFailure``,
never raised. Pages move to other hosts and other formats (bot/docs/status-page-formats.md#pages-that-move): a response
in another known format is reported as such, and after several failures a ``RelocationDetector`` may describe what the
address serves now. The source is never switched automatically. HTTP is behind the ``PageClient`` Protocol.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from bot.domain import (
    Condition,
    Incident,
    Observation,
    PollFailure,
    PollResult,
    Provider,
    ProviderState,
    Snapshot,
    Source,
    UnsettledEnding,
    incident_keys,
)
from bot.errors import ParseError, SourceError
from bot.formats import FORMATS, continuity, detection, page_identity
from bot.formats.base import Absence, Bodies, SourceFormat, drop_old_incidents, fill_path, mark_complete
from bot.poller.incident_endings import CONFIRMING_POLLS, DOUBTFUL_FOR, EndingSearch, doubtful_reason
from bot.poller.key_assigner import HolderLookup, KeyAssigner, no_holders
from bot.poller.page_client import PageClient, PageResponse
from bot.poller.side_requests import PATIENCE_S, SideRequests
from bot.poller.source_cache import SourceCache, answer_age, hash_bodies
from bot.rules.changes import diff, missed

COMPONENTS_STAND_FOR = timedelta(minutes=5)  # as they were read last, where their own path fails
FULL_LIST_EVERY = timedelta(hours=1)  # the list of all incidents is read for those that were created as resolved

RelocationDetector = Callable[[Source], Awaitable[str]]
_MAY_HAVE_MOVED = frozenset(
    {"html", "http_404", "http_410", "unparsable", "other_format", "empty", "too_many_redirects", "downgrade"}
)


class OtherFormatError(ParseError):
    """The body does not have the source's format, and looks like another known format."""


class OtherPageError(ParseError):
    """The body is a page of the source's format, and not the provider's page."""


class DoubtfulPageError(ParseError):
    """The page contradicts itself, or has lost everything at once, and nothing confirms what it shows."""


_CODE_OF_ERROR: Mapping[type[ParseError], str] = {
    OtherFormatError: "other_format",
    OtherPageError: "other_page",
    DoubtfulPageError: "doubtful",
}


@dataclass(slots=True)
class _DoubtfulPage:
    """A page that cannot be believed yet: since when, in how many polls, and what they left unsettled."""

    since: datetime
    polls: int = 0
    unsettled: tuple[UnsettledEnding, ...] = ()

    def has_lasted(self, at: datetime) -> bool:
        """Whether a poll at ``at`` is one of enough, over enough time, that all showed the same."""
        return at - self.since >= DOUBTFUL_FOR and self.polls + 1 >= CONFIRMING_POLLS


@dataclass(frozen=True, slots=True)
class _PageReading:
    """A page that was read. ``body`` is None where it is the same as before, ``before`` is the cache before it.

    ``only_times_differ``: the body has other times than the one before, and nothing else.
    """

    response: PageResponse
    snapshot: Snapshot
    digest: bytes
    body: bytes | None
    before: SourceCache
    only_times_differ: bool = False

    @property
    def is_same(self) -> bool:
        """Whether the page shows what it showed before; its own time aside."""
        if self.body is None:
            return True
        shown = self.before.snapshot
        return (
            self.only_times_differ
            and shown is not None
            and replace(shown, updated_at=self.snapshot.updated_at) == (self.snapshot)
        )


@dataclass(slots=True)
class Poller:
    """Polls pages. ``now`` must return timezone-aware UTC times.

    ``relocation_detector`` describes in one sentence what an address serves in place of its page, or returns an empty
    string. It is called once per series of failed polls, at failure number ``scout_after``. ``key_holders`` returns
    source and key of the recorded incidents that have one of these keys (bot.domain.incident_keys). ``patience_s`` is
    how long, in seconds, a poll waits for the answers of other paths than the page's; they are read beside it.
    """

    web: PageClient
    now: Callable[[], datetime]
    kinds: Mapping[str, SourceFormat] = field(default_factory=lambda: FORMATS)
    relocation_detector: RelocationDetector | None = None
    scout_after: int = 3
    key_holders: HolderLookup = no_holders
    cache: dict[str, SourceCache] = field(default_factory=dict)  # by provider id
    patience_s: float = PATIENCE_S
    _keys: KeyAssigner = field(init=False)
    _gap_starts: dict[str, datetime] = field(default_factory=dict)  # monitoring gaps that have still to be filled
    _requests: dict[str, SideRequests] = field(default_factory=dict)  # by provider id
    _doubtful_pages: dict[str, _DoubtfulPage] = field(default_factory=dict)  # by provider id
    _all_read: dict[str, tuple[datetime, frozenset[tuple[str, str]]]] = field(default_factory=dict)  # when, posts

    def __post_init__(self) -> None:
        """Sets up the keys of incidents."""
        self._keys = KeyAssigner(self.key_holders)

    async def poll(self, provider: Provider, state: ProviderState) -> tuple[PollResult, Observation]:
        """Polls the page once: the result for the rules, and the observation to record.

        ``state`` is the provider's state before this poll. Page failures are returned as PollFailure.
        """
        before = self.cache.setdefault(provider.id, SourceCache())
        try:
            reading = await self._read_page(provider, state, before)
            result = await self._complete(provider, state, reading)
        except (SourceError, ParseError) as error:
            before.etag = None
            return await self._failed_poll(provider, state, error)
        outcome, took_s = "same" if reading.body is None else "changed", reading.response.took_s
        observation = Observation(
            *(provider.source.id, result.at, outcome),
            body=reading.body,
            took_s=took_s,
            only_times_differ=reading.only_times_differ,
        )
        return result, observation

    async def _read_page(self, provider: Provider, state: ProviderState, before: SourceCache) -> _PageReading:
        """Fetches and parses the page, and puts it into the cache. Raises SourceError or ParseError."""
        page, bodies, unread = await self._fetch_bodies(provider, before)
        digest = hash_bodies(bodies) if bodies else before.digest
        is_same = before.snapshot is not None and digest == before.digest
        snapshot = self._parse_snapshot(provider, bodies or before.bodies, before if is_same else SourceCache())
        snapshot = replace(snapshot, problems=(*snapshot.problems, *unread)) if unread and not is_same else snapshot
        self._check_identity(provider, state, snapshot)
        after = before.updated(page, snapshot, digest, self.now())
        after.bodies = (bodies or before.bodies) if self._format_of(provider).timed else ()
        after.components_unread_since = (before.components_unread_since or self.now()) if unread else None
        self.cache[provider.id] = after
        if is_same:
            return _PageReading(page, snapshot, digest, None, before)
        return _PageReading(
            page, snapshot, digest, b"\n".join(bodies), before, only_times_differ=after.note_bodies(bodies, self.now())
        )

    async def _complete(self, provider: Provider, state: ProviderState, reading: _PageReading) -> PollResult:
        """The poll's result: the page with keys and known times, what other pages add to it, and how old it is.

        Raises SourceError or ParseError.
        """
        source_format, page = self._format_of(provider), reading.response
        self._requests.setdefault(provider.id, SideRequests(self.patience_s)).begin_poll()
        snapshot = await self._keys.with_keys(state, reading.snapshot)
        snapshot = mark_complete(snapshot, source_format)
        snapshot = drop_old_incidents(snapshot, frozenset(k.incident.id for k in state.incidents), self.now())
        snapshot = continuity.continue_from(snapshot, state.incidents, self.now())
        snapshot = self._without_unread_components(provider, state, snapshot)
        snapshot, search = await self._find_endings(provider, state, snapshot)
        snapshot, since = await self._add_missed(provider, state, snapshot)
        listed_count = len(snapshot.incidents or ())
        snapshot = await self._add_retroactive(provider, state, snapshot, is_read=since is not None)
        at, is_complete = self.now(), len(snapshot.incidents or ()) == listed_count
        return PollResult(
            at,
            snapshot,
            search.endings,
            "" if page.fallback_because else page.url.partition("://")[2].partition("/")[0],
            since,
            is_same=reading.is_same
            and is_complete
            and since is None
            and not source_format.timed
            and self.cache[provider.id].components_unread_since is None,
            age=answer_age(page),
            page=page_identity.identity_of(snapshot, provider, state.page),
            unsettled=tuple(search.unsettled),
            is_served_earlier=reading.before.is_newer_than(page, at),
            is_by_turns=self.cache[provider.id].comes_by_turns(reading.digest, at),
        )

    def clear_cache(self, provider_id: str) -> None:
        """Forgets the cached page: the next poll is unconditional and its content counts as new."""
        self.cache.pop(provider_id, None)

    async def _failed_poll(
        self, provider: Provider, state: ProviderState, error: SourceError | ParseError
    ) -> tuple[PollResult, Observation]:
        if isinstance(error, SourceError):
            code, wait = error.code, error.retry_after
        else:
            code, wait = _CODE_OF_ERROR.get(type(error), "unparsable"), None
        why = str(error)
        should_detect = state.failures + 1 == self.scout_after and code in _MAY_HAVE_MOVED
        if self.relocation_detector and should_detect and (evidence := await self.relocation_detector(provider.source)):
            code, why = "other_format", f"{why}; now {evidence}. Nothing was switched: `brownout add` shows more"
        at = self.now()
        return PollResult(at, PollFailure(why, code, wait)), Observation(provider.source.id, at, code, why=why)

    async def _fetch_bodies(
        self, provider: Provider, cached: SourceCache
    ) -> tuple[PageResponse, Bodies, tuple[str, ...]]:
        """Fetches every path of the format: the first response, all bodies, and which path could not be read and why.

        No bodies where the page still is the cached one. Only formats with a single path use conditional requests.
        Raises SourceError where a path fails that the format needs.
        """
        first, *rest = self._format_of(provider).paths_of(provider.source)
        is_conditional = not rest and not cached.has_wrong_etags and not cached.needs_full_fetch(self.now())
        page = await self._fetch(provider, first, etag=cached.etag if is_conditional else None)
        if page.not_modified and cached.snapshot is not None:
            return page, (), ()
        bodies = [page.body]
        needed = len(rest) - self._format_of(provider).optional_paths
        for number, path in enumerate(rest):
            try:
                bodies.append((await self._fetch(provider, path)).body)
            except SourceError as error:
                if number < needed:
                    raise
                return page, tuple(bodies), (f"{path} can't be read: {error}",)
        return page, tuple(bodies), ()

    def _without_unread_components(self, provider: Provider, state: ProviderState, snapshot: Snapshot) -> Snapshot:
        """The snapshot, in which components are unknown that could not be read for too long; red ones stay red."""
        since = self.cache[provider.id].components_unread_since
        if since is None or snapshot.components is not None or self.now() - since < COMPONENTS_STAND_FOR:
            return snapshot
        unknown = (c if c.condition.is_bad else replace(c, condition=Condition.UNKNOWN) for c in state.components)
        return replace(snapshot, components=tuple(unknown) or None)

    def _parse_snapshot(self, provider: Provider, bodies: Bodies, cached: SourceCache) -> Snapshot:
        source_format = self._format_of(provider)
        if cached.snapshot is not None and not source_format.timed:
            return cached.snapshot
        if others := detection.other_formats(provider.source.kind, bodies[0]):
            host, name = provider.source.url.partition("://")[2], self.kinds[others[0]].name
            raise OtherFormatError(f"{host} answers in another format than {source_format.name}: it looks like {name}")
        return source_format.parse(bodies, provider.source, self.now())

    @staticmethod
    def _check_identity(provider: Provider, state: ProviderState, snapshot: Snapshot) -> None:
        """Raises OtherPageError where the snapshot is of another page than the provider's."""
        if evidence := page_identity.other_page_evidence(state, snapshot, provider):
            host, page_id = provider.source.url.partition("://")[2], page_identity.stated_id(snapshot, provider)
            confirm = f'; if that is its new page, add page_ids = ["{page_id}"] to its file' if page_id else ""
            raise OtherPageError(f"{host} answers with another status page: {evidence}{confirm}")

    async def _fetch(self, provider: Provider, path: str, etag: str | None = None) -> PageResponse:
        source = provider.source
        return await self.web.get(
            source.url, path, fallback=source.fallback, etag=etag, accept=self._format_of(provider).accept
        )

    def _format_of(self, provider: Provider) -> SourceFormat:
        return self.kinds[provider.source.kind]

    # --- incidents missed in a monitoring gap -------------------------------------------------------------------------

    async def _add_missed(
        self, provider: Provider, state: ProviderState, snapshot: Snapshot
    ) -> tuple[Snapshot, datetime | None]:
        """After a monitoring gap: the snapshot with the incidents that opened and ended in it, and the gap's start.

        The start is None where there was no gap, or where the list of all incidents could not be read; it is read
        again at the next poll then.
        """
        source_format, at = self._format_of(provider), self.now()
        since = self._gap_starts.get(provider.id) or (
            state.seen_at if missed.is_monitoring_gap(state.seen_at, at) else None
        )
        if since is None or source_format.absence is not Absence.ASK or not source_format.all_path:
            return snapshot, since
        self._gap_starts[provider.id] = since
        try:
            all_incidents = await self._ask_all_incidents(provider, state, "missed in a gap")
        except (SourceError, ParseError):
            return snapshot, None
        if all_incidents is None:
            return snapshot, None
        del self._gap_starts[provider.id]
        tracked_ids = {k.incident.id for k in state.incidents}
        return missed.add_missed_incidents(
            snapshot, diff.listed_incidents(all_incidents), tracked_ids, since, at
        ), since

    async def _ask_all_incidents(self, provider: Provider, state: ProviderState, purpose: str) -> Snapshot | None:
        """The list of all incidents, including ended ones; None where it does not come within this poll's time.

        Raises SourceError or ParseError. Each ``purpose`` reads a list of its own.
        """
        listed = await self._requests[provider.id].ask(purpose, partial(self._read_all_incidents, provider))
        return None if listed is None else await self._recognized(provider, state, listed)

    async def _fetch_all_incidents(self, provider: Provider, state: ProviderState) -> Snapshot:
        """The list of all incidents, however long it takes. Raises SourceError or ParseError."""
        return await self._recognized(provider, state, await self._read_all_incidents(provider))

    async def _read_all_incidents(self, provider: Provider) -> Snapshot:
        source_format = self._format_of(provider)
        page = await self._fetch(provider, fill_path(source_format.all_path, provider.source))
        return (source_format.parse_all or source_format.parse)((page.body,), provider.source, self.now())

    async def _recognized(self, provider: Provider, state: ProviderState, listed: Snapshot) -> Snapshot:
        """A list of the provider's, with our keys. Raises OtherPageError where it is of another page."""
        self._check_identity(provider, state, listed)
        return await self._keys.with_keys(state, listed)

    async def _add_retroactive(
        self, provider: Provider, state: ProviderState, snapshot: Snapshot, *, is_read: bool
    ) -> Snapshot:
        """The snapshot with what only the list of all shows: incidents created as resolved, posts after an end.

        The list is read once an hour for that. Before it was read once, only what was posted within a day counts;
        later, what it did not have before. ``is_read`` where this poll reads it anyway.
        """
        source_format, at = self._format_of(provider), self.now()
        read_at, known_posts = self._all_read.setdefault(provider.id, (at, frozenset()))
        has_list = source_format.absence is Absence.ASK and source_format.all_path
        if is_read or not has_list or abs(at - read_at) < FULL_LIST_EVERY:
            return snapshot
        try:
            found = await self._ask_all_incidents(provider, state, "created as resolved")
        except (SourceError, ParseError):
            self._all_read[provider.id] = (at, known_posts)  # once an hour is enough
            return snapshot
        if found is None:
            return snapshot
        listed = diff.listed_incidents(found)
        self._all_read[provider.id] = (at, frozenset(map(_newest_post, listed)))
        shown = {k.incident.id for k in state.incidents} | {i.id for i in diff.listed_incidents(snapshot)}
        new = tuple(
            i
            for i in listed
            if i.id not in shown
            and _newest_post(i) not in known_posts
            and i.stage.is_closed
            and not i.is_maintenance
            and (known_posts or at - missed.vendor_time_range(i)[1] <= missed.REPORTABLE_FOR)
        )
        return replace(snapshot, incidents=(*(snapshot.incidents or ()), *new)) if new else snapshot

    # --- how incidents ended that left the page -----------------------------------------------------------------------

    async def _find_endings(
        self, provider: Provider, state: ProviderState, snapshot: Snapshot
    ) -> tuple[Snapshot, EndingSearch]:
        """How the incidents ended that are no longer on the page; and the page, with what a second source adds.

        Raises DoubtfulPageError where the page contradicts itself or has lost everything at once, and no second source
        confirms what it shows.
        """
        source_format = self._format_of(provider)
        has_unread = self.cache[provider.id].components_unread_since is not None
        why = snapshot.contradiction if has_unread else doubtful_reason(state, snapshot)
        page = _DoubtfulPage(self.now())
        if why:
            page = self._doubtful_pages.setdefault(provider.id, page)
        search = EndingSearch(
            source_format.absence,
            self.now(),
            state,
            partial(self._fetch_own_page, provider) if source_format.own_path else None,
            partial(self._fetch_all_incidents, provider, state) if source_format.all_path else None,
            {u.incident: u for u in (*state.unsettled, *page.unsettled)},
            self._requests[provider.id],
        )
        is_doubtful = bool(why) and bool(snapshot.contradiction or not page.has_lasted(self.now()))
        await search.run(snapshot, is_doubtful=is_doubtful)
        page.polls, page.unsettled = page.polls + 1, tuple(search.unsettled)
        if is_doubtful:
            snapshot = await self._confirm_doubtful_page(provider, state, snapshot, search, why)
        if not why:
            self._doubtful_pages.pop(provider.id, None)
        page_id = page_identity.stated_id(snapshot, provider)
        if state.page.id and page_id and page_id != state.page.id:  # a page that has moved never had them
            search.replace_withdrawals()
        return snapshot, search

    async def _confirm_doubtful_page(
        self, provider: Provider, state: ProviderState, snapshot: Snapshot, search: EndingSearch, why: str
    ) -> Snapshot:
        """The page, where a second source confirms it. Raises DoubtfulPageError, SourceError or ParseError."""
        endings = search.endings.values()
        if endings and not search.unsettled and all(isinstance(e, Incident) and e.stage.is_closed for e in endings):
            return snapshot  # the vendor's own words end everything that was open
        if search.unsettled or not self._format_of(provider).all_path or not snapshot.contradiction:
            raise DoubtfulPageError(f"{why}; nothing confirms that all is well")
        found = await self._ask_all_incidents(provider, state, "doubt")
        if found is None:
            raise DoubtfulPageError(f"{why}; its list of all incidents has not answered yet")
        listed = diff.listed_incidents(found)
        open_elsewhere = tuple(i for i in listed if not i.stage.is_closed and not i.is_maintenance)
        if not listed:
            raise DoubtfulPageError(f"{why}; its list of all incidents is empty")
        return (
            replace(snapshot, incidents=(*(snapshot.incidents or ()), *open_elsewhere)) if open_elsewhere else snapshot
        )

    async def _fetch_own_page(self, provider: Provider, incident: Incident) -> Incident:
        """The incident as its own page shows it, under its key. Raises SourceError or ParseError."""
        source_format = self._format_of(provider)
        if source_format.own_path is None or source_format.parse_own is None:
            raise ParseError("incidents have no page of their own")
        vendor_incident = replace(incident, id=incident_keys.vendor_id(provider.id, incident.id))
        page = await self._fetch(provider, source_format.own_path(vendor_incident, provider.source))
        shown = source_format.parse_own(page.body, provider.source)
        return incident_keys.with_key(shown, {vendor_incident.id: incident.id})


def _newest_post(incident: Incident) -> tuple[str, str]:
    """Identifies an incident with its newest post."""
    return incident.id, incident.updates[-1].id if incident.updates else ""

"""Finds out how an incident ended that is no longer on its page.

What absence means is a property of the format (``bot.formats.base.Absence``); the rules and their times are in
bot/docs/status-page-formats.md#incidents-that-leave-the-page. A second source is asked first: the incident's own page,
then the list of all incidents. Until one of them answers, the incident stays open and its ending is *unsettled*.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from bot.domain import Incident, IncidentEnding, ProviderState, Snapshot, TrackedIncident, UnsettledEnding
from bot.errors import ParseError, SourceError
from bot.formats import continuity
from bot.formats.base import Absence
from bot.poller.side_requests import SideRequests
from bot.rules.changes import diff

Endings = dict[str, Incident | IncidentEnding]

ASKS_AT_EVERY_POLL = 3  # then the waits double
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(minutes=30)
CONFIRMED_AFTER = timedelta(minutes=5)  # one source alone says that it is gone, or nothing is listed any more
CONFIRMING_POLLS = 3
DOUBTFUL_FOR = timedelta(minutes=30)  # a page that lost everything at once, a window that an incident vanished from
SETTLED_AFTER = timedelta(hours=6)  # nothing answers, and the page itself has not shown it for so long

_NOT_ASKED_YET = "the page shows a new incident, which is recorded first"
_NO_ANSWER_YET = "its own page, or the list of all incidents, has not answered yet"
_LIST_KEY = "endings: the list of all"
_CODES_OF_NO_PAGE = frozenset({"http_404", "http_410"})


@dataclass(slots=True)
class EndingSearch:
    """One poll's search for the endings of the open incidents that its page no longer shows.

    Attributes:
        absence: What absence means in the page's format.
        at: The time of the poll.
        state: The provider's state before the poll.
        fetch_own: Reads an incident's own page; None where incidents have none.
        fetch_all: Reads the list of all incidents; None where there is none.
        earlier: The endings that earlier polls left unsettled, by incident id.
        requests: Those to the second source, some of which earlier polls may have made.
        endings: The result: how incidents ended, by id.
        unsettled: The result: the incidents whose ending is not known.
    """

    absence: Absence
    at: datetime
    state: ProviderState
    fetch_own: Callable[[Incident], Awaitable[Incident]] | None
    fetch_all: Callable[[], Awaitable[Snapshot]] | None
    earlier: Mapping[str, UnsettledEnding]
    requests: SideRequests = field(default_factory=SideRequests)
    endings: Endings = field(default_factory=dict)
    unsettled: list[UnsettledEnding] = field(default_factory=list)

    async def run(self, snapshot: Snapshot, *, is_doubtful: bool) -> None:
        """Fills in ``endings`` and ``unsettled``. From a doubtful page, absence alone never ends an incident."""
        tracked = {k.incident.id: k for k in self.state.open_incidents}
        missing = [tracked[i] for i in diff.unlisted_incidents(tracked, snapshot)]
        self._drop_requests(missing)
        if self.absence is Absence.ASK:
            if not is_doubtful and self._has_new(snapshot):
                self._postpone(missing, _NOT_ASKED_YET)
                return
            await self._ask(missing, is_doubtful=is_doubtful)
            return
        for incident in missing:
            if self.absence is Absence.NOTHING:
                self._judge_by_window(incident, snapshot)
            else:
                self._judge_by_list(incident, snapshot, is_doubtful=is_doubtful)

    def replace_withdrawals(self) -> None:
        """Turns every ``WITHDRAWN`` into ``UNRECORDED``, where absence can't mean that the vendor deleted it."""
        unrecorded, withdrawn = IncidentEnding.UNRECORDED, IncidentEnding.WITHDRAWN
        self.endings = {i: unrecorded if ending is withdrawn else ending for i, ending in self.endings.items()}

    def _has_new(self, snapshot: Snapshot) -> bool:
        """Whether the page shows an open incident that is not recorded yet."""
        known = {k.incident.id for k in self.state.incidents}
        return any(i.id not in known and not i.stage.is_closed for i in snapshot.incidents or ())

    def _drop_requests(self, missing: Iterable[TrackedIncident]) -> None:
        """Forgets the requests for incidents that the page shows again."""
        wanted = {_own_key(tracked) for tracked in missing}
        self.requests.drop(key for key in self.requests.known_keys() if isinstance(key, tuple) and key not in wanted)

    def _postpone(self, missing: Iterable[TrackedIncident], why: str) -> None:
        """Leaves them to the next poll: what the page shows must not wait for the pages of old ones, which may hang."""
        for tracked in missing:
            before = self.earlier.get(tracked.incident.id)
            if before is not None:
                self._keep(before, is_doubtful=False)
            else:
                self._leave_unsettled(tracked, why)

    # --- formats that have a second source ----------------------------------------------------------------------------

    async def _ask(self, missing: list[TrackedIncident], *, is_doubtful: bool) -> None:
        due: list[TrackedIncident] = []
        for tracked in missing:
            before = self.earlier.get(tracked.incident.id)
            if before is not None and self.at < before.ask_at and not self.requests.is_known(_own_key(tracked)):
                self._keep(before, is_doubtful=is_doubtful)
            else:
                due.append(tracked)
                self.requests.start(_own_key(tracked), partial(self._ask_own_page, tracked.incident))
        await self.requests.wait(map(_own_key, due))
        failures: dict[str, str] = {}  # why its own page gave no answer; empty where it says that there is none
        waits: dict[str, timedelta] = {}
        for tracked in due:
            incident_id, answered = tracked.incident.id, self.requests.answer(_own_key(tracked))
            if answered is None:
                self._postpone([tracked], _NO_ANSWER_YET)
            elif isinstance(answered[0], Incident):
                self.endings[incident_id] = answered[0]
                self.requests.drop([_own_key(tracked)])
            else:
                failures[incident_id], waits[incident_id] = answered
        asked = [tracked for tracked in due if tracked.incident.id in failures]
        if asked:
            await self._ask_list(asked, failures, waits, is_doubtful=is_doubtful)

    async def _ask_own_page(self, incident: Incident) -> tuple[Incident | str, timedelta]:
        """The incident as its own page shows it; else why not (empty: there is no such page), and how long to wait."""
        if self.fetch_own is None:
            return "", timedelta(0)
        try:
            shown = await self.fetch_own(incident)
        except SourceError as error:
            return "" if error.code in _CODES_OF_NO_PAGE else f"its own page: {error}", timedelta(
                seconds=error.retry_after or 0
            )
        except ParseError as error:
            return f"its own page: {error}", timedelta(0)
        if shown.id != incident.id or _is_of_before(shown, incident):
            return "its own page shows another incident", timedelta(0)
        return continuity.continue_incident(shown, incident), timedelta(0)

    async def _ask_list(
        self,
        asked: list[TrackedIncident],
        failures: Mapping[str, str],
        waits: Mapping[str, timedelta],
        *,
        is_doubtful: bool,
    ) -> None:
        found = await self.requests.ask(_LIST_KEY, self._read_list)
        if found is None:
            self._postpone(asked, _NO_ANSWER_YET)
            return
        self.requests.drop(map(_own_key, asked))
        listed, list_failure = found
        oldest = min((i.created_at for i in (listed or {}).values()), default=None)
        for tracked in asked:
            incident_id, own_failure = tracked.incident.id, failures[tracked.incident.id]
            if listed is not None and incident_id in listed:
                self.endings[incident_id] = continuity.continue_incident(listed[incident_id], tracked.incident)
                continue
            reaches_back = oldest is not None and oldest < diff.first_posted_at(tracked.incident)
            ending = None
            if listed is not None or self.fetch_all is None:
                ending = self._ending_when_unlisted(tracked, own_failure, reaches_back=reaches_back)
            is_unproven = not reaches_back and (is_doubtful or not self._is_absence_confirmed(tracked, listed))
            if ending is not None and not is_unproven:
                self.endings[incident_id] = ending
            else:
                why = f"{own_failure or 'it has no page of its own'}; {list_failure}"
                self._leave_unsettled(tracked, why, waits[incident_id], is_doubtful=is_doubtful)

    def _is_absence_confirmed(self, tracked: TrackedIncident, listed: Mapping[str, Incident] | None) -> bool:
        """Whether enough polls did not show it, where one source alone says so: no list, or one that is empty now."""
        if listed or (listed is not None and tracked.incident.is_maintenance):
            return True
        return self._is_confirmed(tracked, CONFIRMED_AFTER)

    async def _read_list(self) -> tuple[dict[str, Incident] | None, str]:
        """The list of all incidents by id, and why it does not show one; None where it can't be read or is outdated."""
        if self.fetch_all is None:
            return None, "there is no list of all incidents"
        try:
            page = await self.fetch_all()
        except (SourceError, ParseError) as error:
            return None, f"the list of all: {error}"
        if page.updated_at and self.state.page_updated_at and page.updated_at < self.state.page_updated_at:
            return None, "the list of all is older than the page"
        listed = {i.id: i for i in diff.listed_incidents(page)}
        return listed, "the list of all does not show it" if listed else "the list of all is empty now"

    def _ending_when_unlisted(
        self, tracked: TrackedIncident, own_failure: str, *, reaches_back: bool
    ) -> IncidentEnding | None:
        """The ending of an incident that the list of all does not show; None where that proves nothing.

        Deleted where its own page says so, or where the list reaches back past its beginning. A maintenance is on
        no such list and may simply have ended.
        """
        if tracked.incident.is_maintenance:
            return None if own_failure else IncidentEnding.UNRECORDED
        if reaches_back or (self.fetch_own is not None and not own_failure):
            return IncidentEnding.WITHDRAWN
        return IncidentEnding.UNRECORDED if self.fetch_own is None and self.fetch_all is not None else None

    # --- formats that have none ---------------------------------------------------------------------------------------

    def _judge_by_list(self, tracked: TrackedIncident, snapshot: Snapshot, *, is_doubtful: bool) -> None:
        """Over where the page lists open incidents and not this one; confirmed by later polls where nothing is left."""
        listing = snapshot.maintenances if tracked.incident.is_maintenance else snapshot.incidents
        if listing is None:
            self._leave_unsettled(tracked, "the page has no such list now", is_doubtful=is_doubtful)
        elif snapshot.is_partial:
            self._leave_unsettled(tracked, "an entry of the list can't be read", is_doubtful=is_doubtful)
        elif is_doubtful:
            self._leave_unsettled(tracked, "the page contradicts itself", is_doubtful=True)
        elif _lists_nothing(snapshot) and not self._is_confirmed(tracked, CONFIRMED_AFTER):
            self._leave_unsettled(tracked, "the page lists nothing at all now; later checks must confirm that")
        else:
            self.endings[tracked.incident.id] = IncidentEnding.UNRECORDED

    def _judge_by_window(self, tracked: TrackedIncident, snapshot: Snapshot) -> None:
        """By a list of the newest incidents: narrowed to other products, ended, or vanished from the middle of it."""
        incident = tracked.incident
        shown = next((i for i in snapshot.elsewhere if i.id == incident.id), None)
        if shown is not None:
            is_over = shown.stage.is_closed
            self.endings[incident.id] = (
                continuity.continue_incident(shown, incident) if is_over else IncidentEnding.NARROWED
            )
            return
        times = [i.created_at for i in (*(snapshot.incidents or ()), *snapshot.elsewhere)]
        if snapshot.is_partial or not times or min(times) >= diff.first_posted_at(incident):
            return
        if self._is_confirmed(tracked, DOUBTFUL_FOR):
            self.endings[incident.id] = IncidentEnding.UNRECORDED
        else:
            self._leave_unsettled(
                tracked, "the list no longer has it, and has older ones; later checks must confirm that"
            )

    # --- what stays open ----------------------------------------------------------------------------------------------

    def _is_confirmed(self, tracked: TrackedIncident, after: timedelta) -> bool:
        """Whether this poll and enough earlier ones, over a time, did not show it."""
        before = self.earlier.get(tracked.incident.id)
        return before is not None and before.asks + 1 >= CONFIRMING_POLLS and self.at - before.since >= after

    def _keep(self, before: UnsettledEnding, *, is_doubtful: bool) -> None:
        if self._is_settled_by_time(before, is_doubtful=is_doubtful):
            self.endings[before.incident] = IncidentEnding.UNRECORDED
        else:
            self.unsettled.append(before)

    def _leave_unsettled(
        self, tracked: TrackedIncident, why: str, wait: timedelta = timedelta(0), *, is_doubtful: bool = False
    ) -> None:
        before = self.earlier.get(tracked.incident.id)
        asks = (before.asks if before else 0) + 1
        since = before.since if before else self.at
        own_wait = timedelta(0)
        if asks > ASKS_AT_EVERY_POLL:
            own_wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(asks - ASKS_AT_EVERY_POLL, 10))
        ask_at = self.at + max(wait, own_wait)
        self._keep(UnsettledEnding(tracked.incident.id, since, ask_at, asks, why), is_doubtful=is_doubtful)

    def _is_settled_by_time(self, unsettled: UnsettledEnding, *, is_doubtful: bool) -> bool:
        """Never open for days because nothing answers: the page itself has been readable all the time without it."""
        return not is_doubtful and self.at - unsettled.since >= SETTLED_AFTER


def _own_key(tracked: TrackedIncident) -> tuple[str, str]:
    return "endings: own page", tracked.incident.id


def _is_of_before(shown: Incident, known: Incident) -> bool:
    """Whether ``shown`` was over before ``known`` began and has none of its posts: another incident under its id."""
    known_ids = {u.id for u in known.updates}
    if not known_ids or not shown.updates or any(u.id in known_ids for u in shown.updates):
        return False
    return max(u.display_at for u in shown.updates) < diff.first_posted_at(known)


def doubtful_reason(state: ProviderState, snapshot: Snapshot) -> str:
    """Why this page cannot be believed yet: it contradicts itself, or lost everything at once; empty where it can."""
    if snapshot.contradiction:
        return snapshot.contradiction
    if state.components and not snapshot.components and _lists_nothing(snapshot):
        return f"it listed {len(state.components)} components before, and lists nothing at all now"
    return ""


def _lists_nothing(snapshot: Snapshot) -> bool:
    return not (snapshot.components or snapshot.incidents or snapshot.maintenances or snapshot.elsewhere)

"""The nouns that travel between the rooms: frozen values, no behaviour beyond what a value knows of itself.

Every ``datetime`` in here is timezone-aware and in UTC. Ids are the vendor's or made from content, never random,
so that a replay of the same pages gives the same values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any

# --- what a page says -------------------------------------------------------------------------------------------------


class Condition(StrEnum):
    """How a component or a surface is doing, from best to worst; ``unknown`` is no claim at all."""

    OPERATIONAL = "operational"
    MAINTENANCE = "maintenance"
    DEGRADED = "degraded"
    PARTIAL_OUTAGE = "partial_outage"
    MAJOR_OUTAGE = "major_outage"
    UNKNOWN = "unknown"

    @property
    def is_bad(self) -> bool:
        """True where something is broken: degraded counts, maintenance and unknown do not."""
        return self in (Condition.DEGRADED, Condition.PARTIAL_OUTAGE, Condition.MAJOR_OUTAGE)

    @property
    def rank(self) -> int:
        """A number to compare severity by; ``unknown`` ranks with operational, since it proves nothing."""
        return _RANK[self]


_RANK = {
    Condition.UNKNOWN: 0,
    Condition.OPERATIONAL: 0,
    Condition.MAINTENANCE: 1,
    Condition.DEGRADED: 2,
    Condition.PARTIAL_OUTAGE: 3,
    Condition.MAJOR_OUTAGE: 4,
}


class Stage(StrEnum):
    """What the vendor calls the present step of an incident or of a maintenance."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    POSTMORTEM = "postmortem"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    VERIFYING = "verifying"
    COMPLETED = "completed"
    UNKNOWN = "unknown"

    @property
    def is_bad(self) -> bool:
        """True while the vendor says that the trouble goes on."""
        return self in (Stage.INVESTIGATING, Stage.IDENTIFIED)

    @property
    def is_closed(self) -> bool:
        """True once the vendor calls it over."""
        return self in (Stage.RESOLVED, Stage.POSTMORTEM, Stage.COMPLETED)


class Impact(StrEnum):
    """The vendor's word for an incident's severity."""

    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Component:
    """One line of a status page. ``id`` is the vendor's and is stable; ``name`` may change."""

    id: str
    name: str
    condition: Condition


@dataclass(frozen=True, slots=True)
class Transition:
    """What one update says about one component. The name is frozen at the time of the update: map by id first."""

    component_id: str
    name: str
    old: Condition
    new: Condition


@dataclass(frozen=True, slots=True)
class Update:
    """One post of the vendor. ``transitions`` is None where the page said nothing about components (not "none")."""

    id: str
    stage: Stage
    body: str
    display_at: datetime
    transitions: tuple[Transition, ...] | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident or a maintenance as the page shows it at one moment; updates are in display order, oldest first.

    ``components`` is the union of everything ever linked to it, sometimes of the whole page: weak evidence.
    """

    id: str
    name: str
    stage: Stage
    impact: Impact
    created_at: datetime
    updates: tuple[Update, ...] = ()
    components: tuple[Component, ...] = ()
    started_at: datetime | None = None
    url: str | None = None
    is_maintenance: bool = False
    scheduled_for: datetime | None = None
    scheduled_until: datetime | None = None
    is_unposted: bool = False  # ours: a component is bad, and the vendor has posted nothing about it


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one look at a page said. None means that the page did not carry the key at all, which is no change."""

    page_id: str
    page_name: str
    components: tuple[Component, ...] | None = None
    incidents: tuple[Incident, ...] | None = None
    maintenances: tuple[Incident, ...] | None = None


class Ending(StrEnum):
    """How an incident left the page."""

    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"  # the vendor deleted it: its own page answers 404
    UNRECORDED = "unrecorded"  # it is gone, and nobody asked for its last words (a recording cannot be asked)
    CLEARED = "cleared"  # nothing was ever posted, and the component is no longer bad
    POSTED = "posted"  # nothing had been posted, and now an incident of the vendor has taken over


@dataclass(frozen=True, slots=True)
class Blindness:
    """A look that gave no usable snapshot: a failed look is a look. ``why`` is one sentence for people.

    ``retry_after`` is in seconds, where the server asked not to be asked before.
    """

    why: str
    code: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One observation of one source, parsed: a snapshot or the reason for none.

    ``endings`` answers for incidents that left the page since the last look: the full incident as its own page now
    shows it, or how it ended. An incident that left and has no entry here stays open until somebody has asked.
    """

    at: datetime
    saw: Snapshot | Blindness
    endings: Mapping[str, Incident | Ending] = field(default_factory=dict)
    host: str = ""  # who answered, after redirects


@dataclass(frozen=True, slots=True)
class Observation:
    """One look at one source as it went, for the record: also the failed ones.

    ``outcome`` is ``changed``, ``same`` or the code of the failure; ``body`` are the bytes where they changed.
    """

    source: str
    at: datetime
    outcome: str
    why: str = ""
    body: bytes | None = None
    took_s: float = 0.0


# --- the catalogue ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Surface:
    """A way to reach a provider, as its users see it. It need not be a component of any page.

    ``components`` are ids and names (old names too) of page components that stand for it. ``words`` are what people and
    vendors call it in prose; ``cased`` are names that are common words too, and count only where they are written as
    names; ``hints`` point to it only where no surface is named; ``models`` are the families it serves. ``parts`` are
    components of single features: their trouble touches the surface and does not bring it down. ``needs`` are
    surfaces it cannot work without; ``instead`` are surfaces to use meanwhile, another fault domain first.
    ``is_login``: people pass through it to the others. ``slo`` is the availability it should have, in percent.
    """

    id: str
    provider: str
    name: str
    components: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    cased: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    is_login: bool = False
    needs: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    fault_domain: str = ""
    slo: float | None = None
    people: str = ""  # what people can do meanwhile
    programs: str = ""  # what programs should do meanwhile


@dataclass(frozen=True, slots=True)
class Source:
    """Where evidence about a provider comes from. ``url`` is the page's root, without a trailing slash.

    ``home`` is the page for people, where it lies elsewhere; ``path`` is where the data lies below ``url``, where that
    is not the format's usual place. ``page`` is the page's id, slug, subdomain or instance where the address does not
    say it. Of what a big vendor lists, ``regions`` and ``products`` (ids or names) count; empty is everything.
    """

    id: str
    provider: str
    kind: str
    url: str
    fallback: str | None = None
    home: str = ""
    path: str = ""
    page: str = ""
    regions: tuple[str, ...] = ()
    products: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Provider:
    """Who runs it: one TOML file of the catalogue. ``vendor`` is the company's name, where it is another.

    ``ignore`` are phrases that name no surface though a part of them would; ``regions`` are places its vendor names.
    ``verified``: somebody has seen the page answer in this form.
    """

    id: str
    name: str
    surfaces: tuple[Surface, ...]
    source: Source
    aliases: tuple[str, ...] = ()
    page_ids: tuple[str, ...] = ()
    profile: str = "default"
    enabled: bool = True
    ignore: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    vendor: str = ""
    verified: bool = True

    def surface(self, surface_id: str) -> Surface:
        """The surface with this id; KeyError where the provider has none."""
        for surface in self.surfaces:
            if surface.id == surface_id:
                return surface
        raise KeyError(surface_id)


# --- what it means ----------------------------------------------------------------------------------------------------


class Basis(StrEnum):
    """What kind of evidence an attribution rests on, strongest first."""

    TRANSITION = "transition"  # an update of this incident moved the surface's component
    COMPONENT = "component"  # the component's status on the page now
    LINK = "link"  # the incident lists the component, and it was operational all along
    TEXT = "text"  # only the words name it


class Weight(StrEnum):
    """What an attribution does to a surface's verdict while the incident is open."""

    DOWN = "down"  # the surface is in: bad while the vendor says investigating or identified
    NAMED = "named"  # named in words only: never above gentle
    WATCH = "watch"  # only linked: may follow, never above gentle
    CLEARED = "cleared"  # was in, and is exonerated by words or by its component


@dataclass(frozen=True, slots=True)
class Hit:
    """What one open incident (or, with ``incident`` empty, a bare component) says of one surface as of now.

    ``grounds`` are the update ids, component ids and words it rests on, readable as evidence; ``inferred`` is true
    where only words support it. ``since`` is when this incident first drew the surface in. ``expires`` is set on
    CLEARED: an exoneration does not last.
    """

    surface: str
    incident: str
    weight: Weight
    condition: Condition
    stage: Stage
    basis: Basis
    since: datetime
    grounds: tuple[str, ...] = ()
    inferred: bool = False
    residual: bool = False  # the newest monitoring text speaks of errors that remain
    expires: datetime | None = None


class Call(StrEnum):
    """The verdict's word, from most to least permissive; ``unknown`` is a legal answer."""

    RETRY_NORMALLY = "retry_normally"
    RETRY_GENTLY = "retry_gently"
    HOLD_OFF = "hold_off"
    FAIL_OVER = "fail_over"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one surface at one moment: may I retry?

    ``exposure`` is the share of the normal retry load, 0 to 1. ``review_at`` is when to look again and never a promise.
    ``reason`` is one sentence: what was seen, by whom, when, and what would change it; ``because`` is that without the
    verdict's own words, for lists where those stand already. ``reason_code`` names the rule.
    """

    surface: str
    call: Call
    as_of: datetime
    exposure: float
    reason: str
    reason_code: str
    review_at: datetime | None = None
    inferred: bool = False
    incidents: tuple[str, ...] = ()
    instead: str | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """An incident as one surface has met it: when our own looks first saw it, and its present stage since when."""

    incident: str
    first_at: datetime
    stage: Stage
    stage_at: datetime
    down: bool = False  # it took the surface down, or came in as if it had
    open: bool = True


@dataclass(frozen=True, slots=True)
class Track:
    """What the verdict rules remember of one surface; a fold over looks and ticks, small enough to store whole.

    All times are those of our own looks, never the vendor's claims (safe-to-retry.md A.0: display times are backdated).
    """

    surface: str
    looked_at: datetime | None = None  # the newest usable look
    watched_since: datetime | None = None  # the first look of the present unbroken watch
    bad: bool = False
    presumed: bool = False  # bad only because an exoneration ran out; nobody has said so
    bad_by: tuple[str, ...] = ()  # the incidents that held it when it was last bad
    bad_since: datetime | None = None  # the look that found it bad, last time; not presumed
    bad_until: datetime | None = None  # the last bad minute before the look that found it no longer bad
    clean_looks: int = 0  # looks in a row, far enough apart, that found it not bad
    clean_look_at: datetime | None = None
    doubted: bool = False  # an incident is bad that caps without holding
    doubted_until: datetime | None = None
    maintained: bool = False
    maintained_until: datetime | None = None
    residual_since: datetime | None = None  # since when the newest words speak of errors that remain
    closed_at: datetime | None = None  # since when no incident is open on it
    incidents: tuple[Heard, ...] = ()  # open ones, and those that began within a day
    relapses: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class VerdictRules:
    """The numbers of R60/15 (safe-to-retry.md C.3); a preset or a vendor profile is another set of numbers.

    ``clears_components``: this vendor turns a component green while the incident goes on, and means it.
    """

    name: str = "R60/15"
    clears_components: bool = False
    settle: timedelta = timedelta(minutes=5)  # d0: before this, nothing is gentle
    settle_looks: int = 2
    cleared_settle: timedelta = timedelta(minutes=15)  # d0 where only the component was cleared, by such a vendor
    looks_apart: timedelta = timedelta(seconds=60)
    dwell: timedelta = timedelta(minutes=60)  # D: clean for so long is normal
    resolved_dwell: timedelta = timedelta(minutes=15)  # R: resolved for so long is normal, if clean for
    resolved_clean: timedelta = timedelta(minutes=15)  # at least this
    flap_within: timedelta = timedelta(minutes=120)  # bad again so soon is a relapse, which doubles D and R
    flap_lasts: timedelta = timedelta(hours=6)
    dwell_cap: timedelta = timedelta(minutes=240)
    resolved_cap: timedelta = timedelta(minutes=60)
    crowd: int = 3  # so many incidents
    crowd_within: timedelta = timedelta(hours=24)  # in so long
    crowd_dwell: timedelta = timedelta(minutes=120)  # ask for so long clean
    residual_pin: timedelta = timedelta(minutes=60)
    gentle_low: float = 0.1
    gentle_high: float = 0.5
    maintenance_dwell: timedelta = timedelta(minutes=5)
    review: timedelta = timedelta(minutes=30)  # look again at the latest
    overrun_review: timedelta = timedelta(minutes=15)
    fail_over_after: timedelta = timedelta(minutes=30)  # an expected wait above this is worth another surface
    silence: timedelta = timedelta(minutes=202)  # the vendor's P95 between updates; longer is worth a word
    stale_gentle: timedelta = timedelta(minutes=5)  # data older than this never says normal
    stale_unknown: timedelta = timedelta(minutes=15)  # data older than this says nothing


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long an incident may stay bad, said once and never edited; the first one is graded when it ends.

    ``elapsed`` is how long it had been bad at issue; ``p50``, ``p80`` and ``p90`` are what may remain from then on.
    ``n`` counts the provider's own ended incidents behind it.
    """

    incident: str
    issued_at: datetime
    elapsed: timedelta
    p50: timedelta
    p80: timedelta
    p90: timedelta
    n: int = 0
    method: str = "residual_life+aci"


@dataclass(frozen=True, slots=True)
class Grade:
    """A first estimate against what came: ``actual`` is what remained from its issue on."""

    estimate: Estimate
    actual: timedelta

    @property
    def held(self) -> tuple[bool, bool, bool]:
        """Whether it ended within the P50, the P80 and the P90."""
        e = self.estimate
        return self.actual <= e.p50, self.actual <= e.p80, self.actual <= e.p90


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """What a provider's ended incidents teach: their bad minutes, ascending, and the levels as corrected so far."""

    minutes: tuple[float, ...] = ()
    levels: tuple[float, float, float] = (0.5, 0.8, 0.9)


@dataclass(frozen=True, slots=True)
class Outlook:
    """How long a provider's incidents last: what the ended ones taught, and the first estimate for each open one.

    ``first`` is kept as it was said until its incident is no longer bad; then it is graded. ``grades`` are the newest.
    """

    lifetimes: Lifetimes = Lifetimes()
    first: tuple[Estimate, ...] = ()
    grades: tuple[Grade, ...] = ()

    def of(self, incident: str) -> Estimate | None:
        """The first estimate for an incident that is still bad; None where there is none."""
        return next((e for e in self.first if e.incident == incident), None)


# --- the timeline -----------------------------------------------------------------------------------------------------


class EventKind(StrEnum):
    """The words of the timeline and of ``replay --json``."""

    INCIDENT_OPENED = "incident_opened"
    INCIDENT_REOPENED = "incident_reopened"
    INCIDENT_CHANGED = "incident_changed"  # title or impact
    UPDATE_POSTED = "update_posted"
    UPDATE_EDITED = "update_edited"
    SURFACE_CHANGED = "surface_changed"
    VERDICT_CHANGED = "verdict_changed"
    INCIDENT_RESOLVED = "incident_resolved"
    INCIDENT_WITHDRAWN = "incident_withdrawn"
    TROUBLE_BEGAN = "trouble_began"  # a component is bad, and the vendor has posted nothing
    TROUBLE_ENDED = "trouble_ended"
    SOURCE_BLIND = "source_blind"
    SOURCE_BACK = "source_back"
    SOURCE_MOVED = "source_moved"
    NOTE = "note"  # these and below: what people said and did
    AFFECTED = "affected"
    REPORTED = "reported"
    ACKED = "acked"
    UNACKED = "unacked"
    MUTED = "muted"
    UNMUTED = "unmuted"
    CORRECTION = "correction"
    LABEL_ADDED = "label_added"
    LABEL_REMOVED = "label_removed"


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the timeline. ``happened_at`` is the vendor's claim, ``seen_at`` is when we knew."""

    kind: EventKind
    provider: str
    seen_at: datetime
    happened_at: datetime | None = None
    incident: str | None = None
    update: str | None = None
    surface: str | None = None
    condition: Condition | None = None
    verdict: Call | None = None
    exposure: float | None = None
    reason: str | None = None
    reason_code: str | None = None
    inferred: bool = False
    stage: Stage | None = None
    text: str | None = None  # the vendor's words, or what an edit changed
    before: str | None = None  # the words as they were before an edit
    is_baseline: bool = False  # found at the first look: recorded, and at most one digest is posted
    author: str | None = None  # who said or did it, where it was one of our people
    channel: str | None = None  # where, if only that channel may read it
    id: int | None = field(default=None, compare=False)  # its number in the book, once it is there
    about: int | None = None  # the number of the event that a correction corrects


@dataclass(frozen=True, slots=True)
class SurfaceState:
    """A surface's condition, and since when it has been so."""

    surface: str
    condition: Condition
    since: datetime
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """An incident we have seen: as it was last shown, when we first saw it, what it hit, and how it ended."""

    incident: Incident
    seen_at: datetime
    surfaces: tuple[str, ...] = ()
    closed_at: datetime | None = None
    ending: Ending | None = None
    is_baseline: bool = False
    is_retroactive: bool = False  # first seen already over: for the timeline only
    freed: tuple[str, ...] = ()  # after its end: surfaces that were normal again, or are another incident's now
    is_backfilled: bool = False  # never seen live: a history told it

    @property
    def is_open(self) -> bool:
        """True until it has ended, or is known never to have been live."""
        return self.closed_at is None


@dataclass(frozen=True, slots=True)
class Bare:
    """A surface whose component is bad while no incident accounts for it, and the look that first found it so."""

    surface: str
    since: datetime


@dataclass(frozen=True, slots=True)
class World:
    """All that is remembered of one provider between two strokes: a fold over its looks and ticks.

    ``seen_at`` is the last usable look; ``failures`` are unusable looks in a row since then.
    """

    provider: str
    components: tuple[Component, ...] = ()
    incidents: tuple[Known, ...] = ()
    seen_at: datetime | None = None
    blind_since: datetime | None = None
    failures: int = 0
    host: str = ""
    hits: tuple[Hit, ...] = ()
    tracks: tuple[Track, ...] = ()
    states: tuple[SurfaceState, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    bare: tuple[Bare, ...] = ()
    outlook: Outlook = Outlook()

    @property
    def open_incidents(self) -> tuple[Known, ...]:
        """Incidents and maintenances that have not ended."""
        return tuple(known for known in self.incidents if known.is_open)

    def known(self, incident_id: str) -> Known | None:
        """The incident with this id, open or ended within the last day."""
        return next((k for k in self.incidents if k.incident.id == incident_id), None)

    def verdict(self, surface: str) -> Verdict | None:
        """The surface's present verdict; None before the first look."""
        return next((v for v in self.verdicts if v.surface == surface), None)

    def state(self, surface: str) -> SurfaceState | None:
        """The surface's present condition; None before the first look."""
        return next((s for s in self.states if s.surface == surface), None)


# --- what people say and do -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a chat. ``name`` is shown as plain text, so that it rings nobody."""

    id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """Who did something, and when."""

    by: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class Mute:
    """A channel wants no more of a target: a surface, a provider, an incident, or ``all``; None is until it is over."""

    channel: str
    target: str
    until: datetime | None
    mark: Mark


@dataclass(frozen=True, slots=True)
class People:
    """What people have done about one incident: whom it affects, by surface, and what its channel made of it."""

    affected: tuple[tuple[str, int], ...] = ()
    ack: Mark | None = None
    mute: Mute | None = None


# --- who hears it -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Subscription:
    """A channel wants to hear of a surface, or of every surface of a provider, from ``minimum`` up.

    ``mention`` is whom a complete outage rings, as Slack writes it and without its brackets: ``!subteam^S1|@ops``.
    """

    channel: str
    target: str
    minimum: Condition = Condition.DEGRADED
    created_by: str = ""
    created_at: datetime | None = None
    mention: str = ""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of the day in which a channel is left alone, in the time of ``zone``; they may span midnight."""

    start: time
    end: time
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Habits:
    """How one channel wants to be told, and what it wants to hear nothing of for now."""

    channel: str
    maintenance: bool = False
    quiet: Quiet | None = None
    mutes: tuple[Mute, ...] = ()


class News(StrEnum):
    """Why an alert says something now, the weightiest first. Those before ``update`` are broadcast to the channel."""

    WITHDRAWN = "withdrawn"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    WIDENED = "widened"
    VERDICT = "verdict"
    WORSE = "worse"  # a complete outage now, for whom that rings
    REMINDER = "reminder"  # nothing new, and it is still broken
    NEXT = "next"  # the episode goes on with another incident; only in the thread
    UPDATE = "update"
    EDITED = "edited"
    CHANGED = "changed"
    NOTE = "note"  # of one of our people


@dataclass(frozen=True, slots=True)
class NewsItem:
    """One thing to say in an alert's thread. ``key`` is made from content: the same news has the same key.

    ``kinds`` has the weightiest first. ``quote`` is the vendor's words, ``before`` those that an edit replaced;
    ``wider`` are names of surfaces newly hit; ``verdicts`` are those that changed, each with its surface's name. ``by``
    is who wrote a note.
    """

    kinds: tuple[News, ...]
    key: str
    at: datetime
    stage: Stage = Stage.UNKNOWN
    quote: str = ""
    before: str = ""
    change: str = ""
    wider: tuple[str, ...] = ()
    verdicts: tuple[tuple[str, Verdict], ...] = ()
    broadcast: bool = False
    by: str = ""


@dataclass(frozen=True, slots=True)
class SurfaceLine:
    """One affected surface in an alert: what it is called, how it is, and whether to retry."""

    surface: str
    name: str
    condition: Condition
    verdict: Verdict
    inferred: bool = False
    people: str = ""
    programs: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """What a channel is shown about one incident, and the news since the last stroke.

    Without ``lines`` it names no surface that is known.
    """

    incident: str
    provider: str
    provider_name: str
    title: str
    stage: Stage
    lines: tuple[SurfaceLine, ...]
    posted_at: datetime  # the vendor's first post, by its own clock
    seen_at: datetime
    as_of: datetime
    updates: int = 0
    url: str | None = None
    closed_at: datetime | None = None
    ending: Ending | None = None
    again_after: timedelta | None = None  # since the last one on these surfaces was called resolved
    estimate: Estimate | None = None  # the first one, as it was said
    record: str = ""  # how often such estimates held
    news: tuple[NewsItem, ...] = ()
    watched: tuple[SurfaceLine, ...] = ()  # not known to be hit, and not to be retried normally because of it
    opens: bool = True  # False: only drawn anew where it already stands
    is_maintenance: bool = False
    is_unposted: bool = False
    follows: tuple[str, ...] = ()  # earlier incidents of the same episode that are not over for us, oldest first


class PostKind(StrEnum):
    """What a post does in its channel."""

    ALERT = "alert"  # the parent message
    EDIT = "edit"  # the parent message, redrawn
    REPLY = "reply"  # in the parent's thread
    NOTICE = "notice"  # a message of its own: a source went blind, a digest at the first look


class NoticeKind(StrEnum):
    """What a message that belongs to no incident tells."""

    BLIND = "blind"  # a source can't be read
    BACK = "back"  # it can again
    MOVED = "moved"  # it answers from another host, or in another format
    BASELINE = "baseline"  # what was already open at the first look
    SETTINGS = "settings"  # somebody has changed how the channel is told


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that belongs to no incident. ``key`` is made from content; ``since`` is when it began."""

    kind: NoticeKind
    provider: str
    provider_name: str
    key: str
    at: datetime
    page: str
    since: datetime
    why: str = ""
    open: tuple[Incident, ...] = ()


@dataclass(frozen=True, slots=True)
class Post:
    """Something one channel is owed. ``key`` is unique in its channel: the outbox holds it once.

    ``mentions`` are the only tokens in it that may ring. ``held`` is why an alert waits, until nothing holds it.
    """

    channel: str
    kind: PostKind
    key: str
    about: Alert | Notice
    news: NewsItem | None = None
    id: int = 0
    mentions: tuple[str, ...] = ()
    held: str = ""

    @property
    def incident(self) -> str:
        """The incident it is about; empty for a notice."""
        return self.about.incident if isinstance(self.about, Alert) else ""


@dataclass(frozen=True, slots=True)
class Message:
    """Ready to send. ``text`` is complete by itself; ``blocks`` are Slack's Block Kit as JSON values."""

    text: str
    blocks: tuple[dict[str, Any], ...] = ()
    key: str = ""

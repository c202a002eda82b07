"""The page's verdict and what other witnesses say -> one verdict. The cap lattice of safe-to-retry.md C.4, as a table.

The worst fresh evidence wins. What speaks against a surface lowers its verdict; people can lower and never raise. What
speaks for it shortens a dwell, and raises in two lines only: a probe that has answered for ten minutes lifts a hold to
the least of gentle, and one that answers takes the place of a page that can't be read, for half of the load at most.
From one place, a probe that fails holds as well, where no other place answers; the reason says that it is only one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core import hearsay, reason
from bot.core.facts import Facts
from bot.core.signs import Says, Signs, signs
from bot.core.standing import Standing
from bot.model import Basis, Call, Condition, Hit, Provider, Stage, Testimony, Verdict, Weight

REVIEW = timedelta(minutes=10)  # C.4: what is suspected is looked at again so soon


class Page(StrEnum):
    """What the page's own verdict rests on."""

    QUIET = "quiet"
    DOUBTED = "doubted"  # it names or lists the surface, or has taken it out of an incident
    RECOVERING = "recovering"  # monitoring, or resolved not long ago
    SETTLING = "settling"  # no longer bad, for less than five minutes
    BAD = "bad"
    MAINTENANCE = "maintenance"
    OLD = "old"  # too old for normal
    UNREAD = "unread"  # too old for anything


_DOUBTS: Mapping[Standing, Callable[[Facts], str]] = {
    Standing.EXONERATED: reason.cleared,
    Standing.NAMED: reason.named,
    Standing.WATCH: reason.linked,
    Standing.VERIFYING: reason.verified,
}
_CALM = frozenset({Page.QUIET, Page.DOUBTED})
_AFTER = frozenset({Page.RECOVERING, Page.SETTLING})
_OPEN = frozenset({Page.QUIET, Page.DOUBTED, Page.RECOVERING, Page.OLD})


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: on such a page, if this applies. Its name is the verdict's reason code."""

    name: str
    pages: frozenset[Page]
    applies: Callable[[Facts], bool]
    call: Call
    exposure: Callable[[Facts], float]
    unlock: Callable[[Facts], str]
    raises: bool = False  # the others only lower


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict that has no sentence yet, and the two halves of it: what was seen, and what would change it."""

    verdict: Verdict
    seen: str
    unlock: str


def _nothing(_: Facts) -> float:
    return 0.0


def _share(facts: Facts) -> float:
    """What a brownout and a crowd leave of the load: the less the more fails, and the least while only people speak."""
    low, high = facts.rules.gentle_low, facts.rules.gentle_high
    caps = [high]
    if facts.signs.is_partly:
        caps.append(max(low, high * (1 - facts.signs.traffic.share)))
    if facts.signs.is_crowd and not facts.signs.is_ok:
        caps.append(low)
    return min(caps)


def _is_answering(facts: Facts) -> bool:
    """Instead of a page that can't be read; where its last word was bad, not before it vouches."""
    return facts.signs.vouches(facts.at) or (facts.signs.is_ok and facts.worst is not Standing.BAD)


def _instead(facts: Facts) -> float:
    is_sure = facts.signs.vouches(facts.at) and facts.worst is not Standing.BAD and not facts.signs.is_crowd
    return facts.rules.gentle_high if is_sure else facts.rules.gentle_low


TABLE = (
    Row("suspected", _CALM, lambda f: f.signs.is_failing, Call.HOLD_OFF, _nothing, reason.then_gentle),
    Row("contradicted", _AFTER, lambda f: f.signs.is_failing, Call.HOLD_OFF, _nothing, reason.then_gentle),
    Row(
        "failing_unread",
        frozenset({Page.OLD, Page.UNREAD}),
        lambda f: f.signs.is_failing,
        Call.HOLD_OFF,
        _nothing,
        reason.readable,
    ),
    Row("brownout", _OPEN, lambda f: f.signs.is_partly, Call.RETRY_GENTLY, _share, reason.passed),
    Row("reported", _OPEN, lambda f: f.signs.is_crowd, Call.RETRY_GENTLY, _share, reason.people_quiet),
    Row(
        "bad_but_answering",
        frozenset({Page.BAD, Page.SETTLING}),
        lambda f: f.signs.vouches(f.at),
        Call.RETRY_GENTLY,
        lambda f: f.rules.gentle_low,
        reason.moved_on,
        raises=True,
    ),
    Row(
        "unread_but_answering",
        frozenset({Page.UNREAD}),
        _is_answering,
        Call.RETRY_GENTLY,
        _instead,
        reason.readable,
        raises=True,
    ),
)


def fuse(page: Ruling, facts: Facts) -> Ruling:
    """The first line that applies decides; where none does, the page's verdict stands, with what the others say."""
    heard = hearsay.told(facts.signs)
    if not heard:
        return page
    own, shown = page.verdict, page_of(facts)
    row = next((r for r in TABLE if shown in r.pages and r.applies(facts)), None)
    if row is None or (own.call is Call.HOLD_OFF and row.call is Call.RETRY_GENTLY and not row.raises):
        return replace(page, seen=f"{page.seen}, {_link(shown, facts.signs)} {heard}")
    exposure = row.exposure(facts)
    if row.call is own.call:
        exposure = min(exposure, own.exposure)
    verdict = replace(
        own,
        call=row.call,
        exposure=round(exposure, 3),
        reason_code=row.name,
        review_at=min(filter(None, (own.review_at, facts.at + REVIEW))),
    )
    first = "suspected: " if shown in _CALM else ""
    return Ruling(verdict, f"{first}{heard}, while {_says(shown, facts, page.seen)}", row.unlock(facts))


def page_of(facts: Facts) -> Page:
    """What the page says, without what our own evidence has made of the track."""
    if facts.age is None or facts.age > facts.rules.stale_unknown:
        return Page.UNREAD
    if facts.worst in (Standing.BAD, Standing.MAINTENANCE):
        return Page.BAD if facts.worst is Standing.BAD else Page.MAINTENANCE
    if facts.age > facts.rules.stale_gentle:
        return Page.OLD
    if facts.worst in _DOUBTS:
        return Page.DOUBTED
    if facts.track.by_page and not facts.is_settled:
        return Page.SETTLING
    closed = facts.track.closed_at
    was_closed = closed is not None and facts.at - closed <= facts.rules.flap_within
    return Page.RECOVERING if was_closed or facts.worst is Standing.RECOVERING else Page.QUIET


def _says(shown: Page, facts: Facts, seen: str) -> str:
    """The page's side of it; its own rule's words would be about our evidence, where that has made the track bad."""
    match shown:
        case Page.QUIET:
            return reason.quiet(facts)
        case Page.OLD:
            return reason.old(facts)
        case Page.DOUBTED:
            return _DOUBTS[facts.worst](facts)
        case Page.RECOVERING | Page.SETTLING if facts.worst is Standing.RECOVERING:
            return reason.recovering(facts)
        case Page.RECOVERING:
            return reason.over(facts)
        case _:
            return seen


def _link(shown: Page, found: Signs) -> str:
    """Whether the others agree with the page; a few people are too few to speak against it, and not against trouble."""
    if shown in (Page.BAD, Page.MAINTENANCE):
        agrees = found.since is not None or (found.people.says is Says.SOME and not found.is_ok)
    else:
        agrees = found.is_ok
    return "and" if agrees else "though"


def against(testimonies: Iterable[Testimony], provider: Provider, at: datetime) -> tuple[Hit, ...]:
    """What the witnesses hold against each surface, in the form in which pages do; nothing where they don't."""
    surfaces = {s.id for s in provider.surfaces}
    found = ((t.surface, signs(t, at)) for t in testimonies if t.surface in surfaces)
    return tuple(_hit(surface, said, at) for surface, said in found if said.since is not None)


def _hit(surface: str, said: Signs, at: datetime) -> Hit:
    """A probe tries one thing and traffic is one team's: never more than an outage of a part."""
    weight = Weight.DOWN if said.is_failing else Weight.NAMED
    condition = Condition.PARTIAL_OUTAGE if said.is_failing else Condition.DEGRADED
    return Hit(surface, "", weight, condition, Stage.UNKNOWN, Basis.WITNESS, said.since or at, (hearsay.told(said),))

"""What is cached of a source between polls, and what one answer proves about the answers before it. No I/O.

See bot/docs/decisions.md#old-answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from bot.domain import Snapshot
from bot.formats.base import Bodies
from bot.poller.page_client import PageResponse

FULL_FETCH_EVERY = timedelta(minutes=10)  # a 304 is not believed for longer
BY_TURNS_WITHIN = timedelta(minutes=5)  # bodies that come back sooner, for the second time, alternate
CLOCK_BODY_EVERY = timedelta(hours=1)  # a body in which only times have changed is stored so often
SERVER_CLOCK_TOLERANCE = timedelta(minutes=1)  # between the clocks of a page's servers, and ours


@dataclass(frozen=True, slots=True)
class BodyTurns:
    """When a body was replaced by another one, and how often it has come back since the first time."""

    left_at: datetime
    returns: int = 0


@dataclass(slots=True)
class SourceCache:
    """What is cached of a source between polls, so that only a changed page is parsed. Lost at a restart.

    Attributes:
        etag: Of the last answer; None where the next request must not be conditional.
        snapshot: The parsed page.
        digest: SHA-256 of the bodies.
        bodies: Stored only for formats whose meaning depends on the time, to save memory.
        fetched_at: The last fetch that was not answered by 304.
        polled_at: The last fetch of any kind.
        served_at: The newest time at which a server said that it made the answer.
        has_wrong_etags: One ETag came with two different bodies, so that a 304 proves nothing.
        components_unread_since: Since when a path that the format can do without could not be read.
        left: Bodies that others have replaced, by digest.
        timeless_digest: SHA-256 of the bodies without the times in them; empty where it was not needed yet.
        stored_at: When a body was last handed out to be stored.
    """

    etag: str | None = None
    snapshot: Snapshot | None = None
    digest: bytes = b""
    bodies: Bodies = ()
    fetched_at: datetime | None = None
    polled_at: datetime | None = None
    served_at: datetime | None = None
    has_wrong_etags: bool = False
    components_unread_since: datetime | None = None
    left: Mapping[bytes, BodyTurns] = field(default_factory=dict)
    timeless_digest: bytes = b""
    stored_at: datetime | None = None

    def needs_full_fetch(self, at: datetime) -> bool:
        """Whether the body must be fetched whatever its ETag is: else the next poll would come too late for that.

        A clock that has gone back proves nothing of how long ago the last such fetch was.
        """
        if self.fetched_at is None or self.polled_at is None or at < self.polled_at:
            return True
        interval = at - self.polled_at
        return at - self.fetched_at + interval > FULL_FETCH_EVERY

    def updated(self, page: PageResponse, snapshot: Snapshot, digest: bytes, at: datetime) -> SourceCache:
        """The cache, without bodies, after the answer ``page`` at ``at``, of which ``snapshot`` was parsed."""
        return SourceCache(
            page.etag or (self.etag if page.not_modified else None),
            snapshot,
            digest,
            fetched_at=self.fetched_at if page.not_modified and self.snapshot is not None else at,
            polled_at=at,
            served_at=max(filter(None, (self.served_at, _served_at(page, at))), default=None),
            has_wrong_etags=self.has_wrong_etags or self._is_etag_wrong(page, digest),
            left=self._body_turns(digest, at),
            timeless_digest=self.timeless_digest,
            stored_at=self.stored_at,
        )

    def note_bodies(self, bodies: Bodies, at: datetime) -> bool:
        """Takes bodies that have changed; whether only their times did, and some like them are stored already."""
        before, self.timeless_digest = self.timeless_digest, hash_bodies([_TIMES.sub(b"", body) for body in bodies])
        is_recent = self.stored_at is not None and timedelta(0) <= at - self.stored_at < CLOCK_BODY_EVERY
        if is_recent and before == self.timeless_digest:
            return True
        self.stored_at = at
        return False

    def is_newer_than(self, page: PageResponse, at: datetime) -> bool:
        """Whether this answer was made before another one that was read; servers' clocks may differ a little."""
        served_at = _served_at(page, at)
        return bool(served_at and self.served_at and served_at < self.served_at - SERVER_CLOCK_TOLERANCE)

    def comes_by_turns(self, digest: bytes, at: datetime) -> bool:
        """Whether this body alternates with another one."""
        turns = self.left.get(digest)
        return turns is not None and turns.returns > 1 and at - turns.left_at <= BY_TURNS_WITHIN

    def _is_etag_wrong(self, page: PageResponse, digest: bytes) -> bool:
        return not page.not_modified and page.etag is not None and page.etag == self.etag and digest != self.digest

    def _body_turns(self, digest: bytes, at: datetime) -> dict[bytes, BodyTurns]:
        """The bodies that were replaced not long ago, now that the one with this digest was read."""
        turns = {d: t for d, t in self.left.items() if timedelta(0) <= at - t.left_at <= BY_TURNS_WITHIN}
        if not self.digest or digest == self.digest:
            return turns
        before = turns.get(self.digest)
        turns[self.digest] = BodyTurns(at, before.returns if before else 0)
        if digest in turns:
            turns[digest] = replace(turns[digest], returns=turns[digest].returns + 1)
        return turns


_TIMES = re.compile(
    rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?"  # ISO 8601
    rb"|\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d(?::\d\d)?(?: (?:[A-Z]{1,4}|[+-]\d{4}))?"  # RFC 5322, without the weekday
    rb"|(?<![\w.-])1\d{9}(?:\d{3})?(?:\.\d+)?(?![\w.-])"  # seconds or milliseconds since 1970
)


def hash_bodies(bodies: Iterable[bytes]) -> bytes:
    """SHA-256 of the bodies of one poll."""
    return sha256(b"\0".join(bodies)).digest()


def answer_age(page: PageResponse) -> timedelta:
    """How long caches on the way had kept the answer; zero where the client does not tell."""
    return timedelta(seconds=getattr(page, "age_s", 0.0))


def _served_at(page: PageResponse, at: datetime) -> datetime | None:
    """When the server made the answer, by its clock; None where the client does not tell, or the clock is ahead."""
    served_at: datetime | None = getattr(page, "served_at", None)
    return served_at if served_at and served_at <= at + SERVER_CLOCK_TOLERANCE else None

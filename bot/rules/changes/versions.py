"""What an incident said before: its earlier titles and posts, so that what comes back is not announced twice. No I/O.

A page may show two versions by turns, format the same words in another way, or date the same post anew at every poll.
None of that is news (bot/docs/status-page-formats.md#touched-without-a-word).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from bot.domain import Incident, TrackedIncident, Update

MAX_REPLACED = 60  # earlier versions that are remembered of one incident
MAX_RETURNS = 1  # of one version that are recorded; a page that goes on changing back and forth says nothing new
SAME_TIME = timedelta(seconds=1)  # two times of a post that differ by less; a database rounds them
MAX_NUMBER_EDITS = 3  # of one title or post; more of them are a counter
_NUMBER = re.compile(r"\d+")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>")
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")


def with_known_forms(shown: Incident, known: TrackedIncident) -> Incident:
    """The incident as shown, with the known form of texts that differ in spaces or markup only, and known times.

    The time of a post is corrected once; a page that dates it anew again and again does not move it. After
    ``MAX_NUMBER_EDITS``, texts that differ in numbers only are the same too: the page counts minutes, or the like.
    """
    before = {u.id: u for u in known.incident.updates}
    updates = tuple(_with_known_form(u, before, known) for u in shown.updates)
    name = _known_text(known.incident.name, shown.name, known, "title")
    if (updates, name) == (shown.updates, shown.name):
        return shown
    return replace(shown, name=name, updates=tuple(sorted(updates, key=lambda u: u.display_at)))


def remember_replaced(known: TrackedIncident, shown: Incident) -> TrackedIncident:
    """The known incident, which remembers the versions of its title and posts that ``shown`` replaces."""
    after = {u.id: u for u in shown.updates}
    replaced = list(known.replaced)
    before = known.incident
    if (before.name, before.impact) != (shown.name, shown.impact):
        replaced += [title_version(before), *_number_edit(before.name, shown.name, "title")]
    for update in before.updates:
        now = after.get(update.id, update)
        if (update.stage, update.body) != (now.stage, now.body):
            replaced += [update_version(update), *_number_edit(update.body, now.body, update.id)]
        elif update.display_at != now.display_at:
            replaced.append(_time_version(update))
    return known if len(replaced) == len(known.replaced) else replace(known, replaced=tuple(replaced[-MAX_REPLACED:]))


def times_replaced(known: TrackedIncident, version: str) -> int:
    """How often this version was shown before and then replaced by another one."""
    return known.replaced.count(version)


def title_version(incident: Incident) -> str:
    """Identifies an incident's title and impact, whatever its spaces and markup."""
    return _digest("title", incident.name, incident.impact)


def update_version(update: Update) -> str:
    """Identifies a post's stage and words, whatever its time, spaces and markup."""
    return _digest("post", update.id, update.stage, update.body)


def is_same_text(before: str, after: str) -> bool:
    """Whether two texts differ in nothing but spaces, markup and invisible characters."""
    return before == after or _plain(before) == _plain(after)


def _with_known_form(shown: Update, known: Mapping[str, Update], tracked: TrackedIncident) -> Update:
    before = known.get(shown.id)
    if before is None:
        return shown
    is_same_stage = before.stage is shown.stage
    body = _known_text(before.body, shown.body, tracked, shown.id) if is_same_stage else shown.body
    has_moved = (before.stage, before.body) == (shown.stage, body) and before.display_at != shown.display_at
    is_redated = has_moved and (
        abs(shown.display_at - before.display_at) < SAME_TIME or times_replaced(tracked, _time_version(before)) > 0
    )
    if body == shown.body and not is_redated:
        return shown
    return replace(shown, body=body, display_at=before.display_at if is_redated else shown.display_at)


def _known_text(before: str, after: str, tracked: TrackedIncident, key: str) -> str:
    """The text before, where the one after is another form of it; else the one after."""
    if is_same_text(before, after):
        return before
    is_counter = any(times_replaced(tracked, e) >= MAX_NUMBER_EDITS for e in _number_edit(before, after, key))
    return before if is_counter else after


def _number_edit(before: str, after: str, key: str) -> Iterator[str]:
    """Identifies an edit of the post or title ``key`` that changes numbers only; nothing for any other edit."""
    if _NUMBER.sub("0", before) == _NUMBER.sub("0", after):
        yield _digest("numbers", key)


def _time_version(update: Update) -> str:
    return _digest("time", update.id)


def _digest(*parts: str) -> str:
    return sha256("\x00".join(map(_plain, parts)).encode("utf-8", "replace")).hexdigest()[:12]


def _plain(text: str) -> str:
    return " ".join(_INVISIBLE.sub("", _TAG.sub(" ", html.unescape(text))).split())

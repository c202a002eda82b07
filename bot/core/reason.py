"""Facts -> the two halves of a verdict's sentence: what was seen, by whom, when; and what would change it.

Pattern of safe-to-retry.md C.7. Times are UTC clock times, so that a sentence stays true while time passes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.core.facts import Facts
from bot.core.standing import Standing
from bot.core.track import JITTER
from bot.model import Call, Condition, Hit, Verdict


def clock(at: datetime) -> str:
    """A moment as people read it in a sentence."""
    return f"{at:%H:%M} UTC"


def minutes(span: timedelta) -> str:
    """A span of time in whole minutes, rounded."""
    return f"{span.total_seconds() / 60:.0f} min"


def sentence(verdict: Verdict, name: str, seen: str, unlock: str) -> str:
    """The whole sentence, verdict first."""
    match verdict.call:
        case Call.HOLD_OFF if verdict.review_at is not None:
            head = f"Hold off {name} until {clock(verdict.review_at)} (review)"
        case Call.HOLD_OFF:
            head = f"Hold off {name}"
        case Call.FAIL_OVER:
            head = f"Use {verdict.instead} instead of {name}"
        case Call.RETRY_GENTLY:
            head = f"Retry {name} gently ({verdict.exposure:.0%})"
        case Call.RETRY_NORMALLY:
            head = f"Retry {name} normally"
        case Call.UNKNOWN:
            head = f"{name} is unknown"
    return f"{head}: {seen}; {unlock}."


# --- what was seen ----------------------------------------------------------------------------------------------------


def unread(facts: Facts) -> str:
    """No look yet."""
    return f"the page of {facts.vendor} has not been read yet"


def old(facts: Facts) -> str:
    """Data too old."""
    return f"the page of {facts.vendor} was last readable at {_seen_at(facts)}, which is too old to call safe"


def posted(facts: Facts) -> str:
    """The vendor says that it is bad."""
    hit = _worst(facts)
    by_words = ", in words only" if hit.inferred else ""
    again = f", relapse {facts.relapses} in six hours" if facts.relapses else ""
    stage_at, down_at = facts.heard(hit).stage_at, facts.track.bad_since
    down = f" and has it down since {clock(down_at)}" if down_at and down_at - stage_at > JITTER else ""
    return f"{facts.vendor} posted {hit.stage} at {clock(stage_at)}{down}{by_words}{again}{_silence(facts)}"


def red(facts: Facts) -> str:
    """The component is red, whatever the incident's stage is."""
    hit = _worst(facts)
    though = f" though the incident is at {hit.stage}" if hit.incident else " without an incident"
    return f"the page of {facts.vendor} shows it as {_words(hit.condition)} at {_seen_at(facts)}{though}"


def expired(facts: Facts) -> str:
    """The vendor's word for it is old, and the incident goes on."""
    hit = _worst(facts)
    last = f"the word of {facts.vendor} that it works was good until {clock(hit.expires)}" if hit.expires else "no word"
    return f"{last}, and the incident goes on ({hit.stage})"


def unconfirmed(facts: Facts) -> str:
    """The page shows it green, and the incident that has it says nothing of that."""
    hit = _worst(facts)
    since = clock(facts.heard(hit).stage_at)
    return f"the page of {facts.vendor} shows it operational, but its incident is still at {hit.stage} (since {since})"


def maintained(facts: Facts) -> str:
    """A maintenance runs."""
    hit = _worst(facts)
    return f"{facts.vendor} has it in maintenance since {clock(hit.since)}"


def verified(facts: Facts) -> str:
    """A maintenance is being verified."""
    return f"{facts.vendor} is verifying its maintenance"


def clean(facts: Facts) -> str:
    """It is clean, and since when."""
    until = facts.track.bad_until
    if facts.is_after_witnesses or not facts.track.by_page:
        return outlived(facts)
    since = f"clean only since {clock(until)}" if until else "still bad at the last look"
    return f"the page of {facts.vendor} shows it {since}"


def cleared(facts: Facts) -> str:
    """The vendor took the surface out of an incident that goes on."""
    return f"{facts.vendor} took it out of an incident that goes on ({_stage(facts)})"


def named(facts: Facts) -> str:
    """Only words name it."""
    return f"{facts.vendor} names it in words only ({_stage(facts)})"


def linked(facts: Facts) -> str:
    """Only a link names it."""
    return f"{facts.vendor} lists it, operational so far ({_stage(facts)})"


def recovering(facts: Facts) -> str:
    """The incident is at monitoring."""
    hit = _worst(facts)
    return f"{facts.vendor} posted {hit.stage} at {clock(facts.heard(hit).stage_at)}{_flaps(facts)}{_silence(facts)}"


def residual(facts: Facts) -> str:
    """The newest words speak of errors that remain."""
    return f"{recovering(facts)} and speaks of errors that remain"


def crowded(facts: Facts) -> str:
    """Too many incidents in a day."""
    return f"{facts.crowd} incidents in 24 hours, clean since {clock(facts.calm_since)}"


def over(facts: Facts) -> str:
    """No incident is open any more."""
    closed = facts.track.closed_at or facts.calm_since
    return f"{facts.vendor} has no incident open on it since {clock(closed)}{_flaps(facts)}"


def outlived(facts: Facts) -> str:
    """What other witnesses than the page had against it is over."""
    until = facts.track.witnessed_until or facts.at
    page = "" if facts.is_open else f", and the page of {facts.vendor} shows no incident"
    return f"what we saw ourselves was last seen at {clock(until)}{page}"


def watched(facts: Facts) -> str:
    """We have not looked for long."""
    return f"nothing is open on it, and it is watched only since {clock(facts.calm_since)}"


def quiet(facts: Facts) -> str:
    """Nothing is known against it."""
    return f"the page of {facts.vendor} showed no incident on it at {_seen_at(facts)}"


def recovered(facts: Facts) -> str:
    """It was bad, and has been clean for long enough."""
    return f"clean since {clock(facts.calm_since)} by the page of {facts.vendor}"


# --- what would change it ---------------------------------------------------------------------------------------------


def readable(_facts: Facts) -> str:
    """Another look."""
    return "a readable look would change it"


def then_gentle(facts: Facts) -> str:
    """What ends a hold, and how long such holds last."""
    half = f"; half of such incidents end within {minutes(facts.forecast.p50)} more" if facts.forecast else ""
    return f"gentle after {minutes(facts.rules.settle)} clean{half}"


def when_settled(facts: Facts) -> str:
    """The end of settling."""
    until = facts.track.bad_until
    after = f"gentle after {clock(until + facts.settle)}" if until else f"gentle after {minutes(facts.settle)}"
    return f"{after} and {facts.rules.settle_looks} clean looks"


def said_again(facts: Facts) -> str:
    """An exoneration does not last."""
    hit = _worst(facts)
    return f"hold again after {clock(hit.expires)} unless said again" if hit.expires else "a new post would change it"


def moved_on(facts: Facts) -> str:
    """What ends a cap."""
    return f"normal {minutes(facts.resolved_dwell)} after resolved"


def dwelt(facts: Facts) -> str:
    """When the dwell ends."""
    sooner = f", or {minutes(facts.resolved_dwell)} after resolved" if facts.is_open else ""
    return f"normal after {clock(facts.normal_at)} if it stays clean{sooner}"


def completed(facts: Facts) -> str:
    """What ends a maintenance."""
    return f"normal {minutes(facts.rules.maintenance_dwell)} after completed"


def passed(facts: Facts) -> str:
    """What ends a brownout."""
    return f"normal {minutes(facts.rules.resolved_clean)} after it has passed"


def people_quiet(facts: Facts) -> str:
    """What ends a crowd."""
    lift = "" if facts.signs.is_ok else f"; a probe that answers lifts it to {facts.rules.gentle_high:.0%}"
    return f"normal {minutes(facts.rules.resolved_clean)} after people are quiet{lift}"


def new_post(_facts: Facts) -> str:
    """What ends a quiet time."""
    return "a new post would change it"


# --- parts ------------------------------------------------------------------------------------------------------------


def _worst(facts: Facts) -> Hit:
    """The hit that says the worst; the rules ask only where there is one."""
    if facts.hit is None:
        raise LookupError(facts.surface.id)
    return facts.hit


def _stage(facts: Facts) -> str:
    hit = _worst(facts)
    return f"{hit.stage} since {clock(facts.heard(hit).stage_at)}"


def _seen_at(facts: Facts) -> str:
    return clock(facts.seen_at) if facts.seen_at else "no time"


def _words(condition: Condition) -> str:
    return condition.replace("_", " ")


def _flaps(facts: Facts) -> str:
    return f" after {facts.relapses} relapse{'s' * (facts.relapses > 1)} in six hours" if facts.relapses else ""


def _silence(facts: Facts) -> str:
    hit = _worst(facts)
    quiet_for = facts.at - facts.heard(hit).stage_at
    if quiet_for <= facts.rules.silence or facts.worst is Standing.GONE:
        return ""
    hours, rest = divmod(int(quiet_for.total_seconds() // 60), 60)
    return f", no new stage for {hours} h {rest}"

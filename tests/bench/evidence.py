"""``python -m tests.bench.evidence``: what probes, people and traffic add to a page, on outages whose truth is known.

The real core lives through each day once per column, minute by minute: a poll of a made-up page, then the evidence of
that minute. Blind are the bad minutes before anything was lowered; false-safe are the later bad ones that it called
normal; the load that was let into bad minutes counts gentle ones by their share. The first retry and normal count from
the moment from which it was well for good; held are minutes of hold while it was well.

Assumed, since nobody has recorded it: a team of 40 of whom one in two minutes meets the outage and says so, one false
report in twelve hours, two probes a minute of which 2 in 1,000 fail by themselves, and 40 requests a minute at normal
load, of which 2 in 1,000 fail anyway. Requests follow the verdict: where it holds, there are none that could fail.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median

from bot.domain import (
    Advice,
    Component,
    ComponentTransition,
    Condition,
    EvidenceBatch,
    Impact,
    Incident,
    PollResult,
    ProbeResult,
    Provider,
    ProviderState,
    RequestOutcomes,
    Snapshot,
    Source,
    Stage,
    Surface,
    Update,
    UserReport,
    VerdictParameters,
)
from bot.rules import transition
from tests.bench.outages import THE_DAY, Outage, draw, read

API = Surface("acme-api", "acme", "Acme API", components=("c-api",), words=("API",))
ACME = Provider("acme", "Acme", (API,), Source("acme", "acme", "statuspage", "https://status.acme.example"))
RULES = transition.TransitionContext(ACME, VerdictParameters(), {})
START = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
BEFORE, AFTER = 45, 130  # minutes that are lived before the outage, and after it
RED, GREEN = Condition.PARTIAL_OUTAGE, Condition.OPERATIONAL

VANTAGES = {"here": "", "elsewhere": "a token made for it"}  # with the token that each place's results come by
TEAM, TELL, FALSE = 40, 0.5, 1 / 720  # people, reports a minute of a complete outage, and of none
LOAD, NOISE = 40, 0.002  # requests a minute, and the share of tries and requests that fails anyway

COLUMNS = {
    "page only": (),
    "+ probe": ("probe",),
    "+ people": ("people",),
    "+ traffic": ("traffic",),
    "+ all": ("probe", "people", "traffic"),
}


def at(minute: int) -> datetime:
    """So many minutes after the first bad one."""
    return START + timedelta(minutes=minute)


@dataclass(frozen=True, slots=True)
class Score:
    """How one day went in one column; minutes, and None where it never came."""

    blind: int
    false_safe: int
    weighted: float
    first_retry: int | None
    normal: int | None
    held: int


# --- a day ------------------------------------------------------------------------------------------------------------


def page(outage: Outage, minute: int) -> Snapshot:
    """What the page shows: its component is red while an incident is bad, and an incident that is over is gone."""
    posts = [(m, stage) for m, stage in outage.said if m <= minute]
    stage = posts[-1][1] if posts else Stage.RESOLVED
    red = (Component("c-api", "API", RED if stage.is_bad else GREEN),)
    if stage is Stage.RESOLVED and (not posts or minute - posts[-1][0] > AFTER):
        return Snapshot("acme", "Acme", red, (), ())
    updates = tuple(
        Update(f"u{n}", said, "", at(m), (ComponentTransition("c-api", "API", GREEN, RED if said.is_bad else GREEN),))
        for n, (m, said) in enumerate(posts)
    )
    shown = Incident("i1", "Errors on the API", stage, Impact.MAJOR, at(posts[0][0]), updates)
    return Snapshot("acme", "Acme", red, (shown,), ())


def evidence(outage: Outage, minute: int, kinds: Sequence[str], exposure: float, dice: Random) -> EvidenceBatch:
    """What evidence of these kinds shows in a minute; requests follow the exposure that the verdict lets through."""
    share = outage.severity if outage.is_bad(minute) else 0.0
    fails = share + (1 - share) * NOISE
    found = EvidenceBatch()
    if "probe" in kinds:
        tries = (
            ProbeResult(API.id, at(minute), dice.random() >= fails, v, writer=token, is_configured=bool(token))
            for v, token in VANTAGES.items()
        )
        found = EvidenceBatch(probes=tuple(tries))
    if "people" in kinds and dice.random() < share * TELL + FALSE:
        found = EvidenceBatch(found.probes, (UserReport(API.id, f"p{dice.randrange(TEAM)}", at(minute)),))
    sent = round(LOAD * exposure)
    if "traffic" in kinds and sent:
        failed = sum(dice.random() < fails for _ in range(sent))
        counted = RequestOutcomes(API.id, at(minute - 1), at(minute), sent - failed, {"503": failed} if failed else {})
        found = EvidenceBatch(found.probes, found.reports, (counted,))
    return found


def live(outage: Outage, kinds: Sequence[str], dice: Random) -> dict[int, tuple[Advice, float]]:
    """The verdict at the end of each minute, as the core gives it."""
    world, exposure, given = ProviderState("acme"), 1.0, {}
    for minute in range(-BEFORE, outage.end + AFTER):
        world = transition.apply_poll(world, PollResult(at(minute), page(outage, minute)), RULES).state
        seen = evidence(outage, minute, kinds, exposure, dice)
        if seen != EvidenceBatch():
            world = transition.apply_evidence(world, seen, at(minute), RULES).state
        verdict = world.verdicts[0]
        exposure = verdict.exposure
        given[minute] = (verdict.call, exposure)
    return given


def score(outage: Outage, given: dict[int, tuple[Advice, float]]) -> Score:
    """What these verdicts cost. A call goes for the minute that it was given in."""
    bad = [m for m in given if m >= 0 and outage.is_bad(m)]
    told = next((m for m in given if m >= 0 and given[m][1] < 1), outage.end + AFTER)
    later = [m for m in bad if m >= told]
    well = outage.bad[-1][1]
    after = [m for m in given if m >= well]
    return Score(
        blind=len(bad) - len(later),
        false_safe=sum(given[m][1] == 1 for m in later),
        weighted=sum(given[m][1] for m in later),
        first_retry=next((m - well for m in after if given[m][1] > 0), None),
        normal=next((m - well for m in after if given[m][1] == 1), None),
        held=sum(given[m][1] == 0 for m in given if m >= -15 and not outage.is_bad(m)),
    )


def scores(outages: Iterable[Outage], seed: int) -> dict[str, list[Score]]:
    """Every day in every column; each day's dice are its own, so that a day is the same day in all of them."""
    found: dict[str, list[Score]] = {name: [] for name in COLUMNS}
    for number, outage in enumerate(outages):
        for name, kinds in COLUMNS.items():
            found[name].append(score(outage, live(outage, kinds, Random(f"{seed} {number}"))))  # noqa: S311
    return found


# --- tables -----------------------------------------------------------------------------------------------------------

ROWS: dict[str, Callable[[Score], float | None]] = {
    "unseen min": lambda s: s.blind,
    "false-safe min": lambda s: s.false_safe,
    "both: bad min called normal": lambda s: s.blind + s.false_safe,
    "load let into bad minutes, in full minutes": lambda s: s.blind + s.weighted,
    "first retry after it is well, min": lambda s: s.first_retry,
    "normal after it is well, min": lambda s: s.normal,
    "held while well, min": lambda s: s.held,
}
AGAIN = 1000  # samples of the bootstrap


def table(found: dict[str, list[Score]], cell: Callable[[Sequence[float]], str]) -> Iterator[str]:
    """The lines of a table in Markdown."""
    yield f"| | {' | '.join(found)} |"
    yield "|---" * (len(found) + 1) + "|"
    for name, of in ROWS.items():
        cells = (cell([v for s in days if (v := of(s)) is not None]) for days in found.values())
        yield f"| {name} | {' | '.join(cells)} |"


def one(values: Sequence[float]) -> str:
    """The value of the only day."""
    return f"{round(values[0], 1):g}" if values else "never"


def mean_of(dice: Random) -> Callable[[Sequence[float]], str]:
    """The mean with its 95 % interval over days, and the median."""

    def cell(values: Sequence[float]) -> str:
        if not values:
            return "never"
        means = sorted(sum(dice.choices(values, k=len(values))) / len(values) for _ in range(AGAIN))
        low, high = means[int(0.025 * AGAIN)], means[int(0.975 * AGAIN) - 1]
        return f"{sum(values) / len(values):.1f} [{low:.1f}-{high:.1f}], {round(median(values), 1):g}"

    return cell


def main() -> None:
    """Prints the two tables."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--days", type=int, default=200, help="how many are drawn from the recordings")
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    print("One day, with evidence of every kind as severe as the outage is:\n")
    print("\n".join(table(scores([THE_DAY], given.seed), one)))
    folder = Path(os.environ.get("BROWNOUT_SHARED", Path(__file__).resolve().parents[3] / "shared" / "data"))
    if not folder.is_dir():
        print("\nNo days are drawn: the recordings are not here (set BROWNOUT_SHARED to their folder).")
        return
    recorded, dice = read(folder), Random(given.seed)  # noqa: S311
    days = [draw(recorded, dice) for _ in range(given.days)]
    print(
        f"\n{given.days} days drawn with seed {given.seed} from {len(recorded.courses)} courses, {len(recorded.lags)}"
        f" lags (median {median(recorded.lags):g} min), {len(recorded.delays)} delays of resolved"
        f" (median {median(recorded.delays):g} min); mean [95 % over days], median:\n"
    )
    print("\n".join(table(scores(days, given.seed), mean_of(dice))))


if __name__ == "__main__":
    main()

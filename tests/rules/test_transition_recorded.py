"""Recorded days, made worse: old bodies by turns and for hours, clocks that are set, odd entries, components gone.

Whatever comes, no surface is normal while the newest body shows it red, and no time that is told lies in the past. The
mutants at the end must break that, else the test would see nothing.
"""

import json
import lzma
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from bot import settings
from bot.domain import PollFailure, PollResult, Provider, ProviderState, Snapshot, VerdictParameters
from bot.errors import ParseError
from bot.formats import FORMATS, recordings
from bot.rules import transition
from bot.rules.verdict import machine_form
from tests.support.acme import ACME, NOON
from tests.support.pages import incident, iso, page, update

CONFIG = Path(__file__).parents[2] / "config"
STEPS = (timedelta(hours=-2), timedelta(seconds=-90), timedelta(hours=8))


def acme_day():
    """The bodies of a day of Acme's, each with its time: an outage in three posts, a red component without any, and a second outage."""
    posts = [update(n, status, f"Post {n}.", NOON + timedelta(minutes=m), api=api) for n, status, m, api in (
        (1, "investigating", 60, "major_outage"), (2, "identified", 75, None), (3, "resolved", 150, "operational"),
    )]  # fmt: skip
    again = update(9, "investigating", "Again.", NOON + timedelta(minutes=400), api="partial_outage")
    shown = [
        (0, page()),
        (60, page(incident(posts[0]), api="major_outage")),
        (75, page(incident(*posts[:2]), api="major_outage")),
        (150, page(incident(*posts))),
        (160, page()),
        (220, page(api="major_outage")),
        (340, page()),
        (400, page(incident(again, number=9), api="partial_outage")),
        (500, page(incident(again, number=9), api="major_outage")),
    ]
    for minute in range(0, 620, 2):
        since, body = [entry for entry in shown if entry[0] <= minute][-1]
        told = json.loads(body)
        told["page"]["updated_at"] = iso(NOON + timedelta(minutes=since))
        yield NOON + timedelta(minutes=minute), told


def github_days(folder, most):
    """The first recorded polls of GitHub's page, each with its time."""
    with lzma.open(folder / "github" / "polls-2020-11_2024-12.ndjson.xz") as lines:
        usable = ((p.at, p.body) for p in recordings.read_polls(lines) if isinstance(p.body, dict))
        yield from islice(usable, most)


@dataclass
class Day:
    """Plays bodies with faults of one seed; ``apply`` and ``read`` are what a mutant replaces."""

    provider: Provider
    seed: int
    apply: object = staticmethod(transition.apply_poll)
    now_of_verdict: object = staticmethod(lambda at: at)
    broken: list[str] = field(default_factory=list)

    def play(self, polls):
        """What was wrong at any time."""
        random, earlier, offset = Random(self.seed), [], timedelta(0)  # noqa: S311
        state, context = ProviderState(self.provider.id), transition.TransitionContext(
            self.provider, VerdictParameters(), {}
        )  # fmt: skip
        rolled_back, newest = 0, None
        for at, body in polls:
            rolled_back = random.randrange(20, 60) if random.random() < 0.03 else rolled_back - 1
            if rolled_back > 0 and earlier:
                state = self.poll(state, at + offset, random.choice(earlier[:2]), context)
                self.check(state, at + offset, newest, context)
                continue
            newest = body
            offset += random.choice(STEPS) if random.random() < 0.01 else timedelta(0)
            state = self.poll(state, at + offset, spoilt(body, random), context)
            for old in random.sample(earlier, min(len(earlier), random.choice((0, 0, 0, 1, 2)))):
                state = self.poll(state, at + offset, old, context)
            if random.random() < 0.1:
                failure = PollResult(at + offset, PollFailure("it is gone", "http_500"))
                state = self.apply(state, failure, context).state
            self.check(state, at + offset, body, context)
            earlier = [*earlier, body][-60:]
        return self.broken

    def poll(self, state, at, body, context):
        source_format = FORMATS[self.provider.source.kind]
        try:
            saw = source_format.parse((json.dumps(body).encode(),), self.provider.source, at)
        except ParseError as error:
            saw = PollFailure(str(error), "unparsable")
        return self.apply(state, PollResult(at, saw), context).state

    def check(self, state, at, newest, context):
        red = {c["id"] for c in newest.get("components") or () if c["status"].endswith("_outage")}
        cases = transition.verdict_cases(state, at, context)
        for surface in self.provider.surfaces:
            verdict = state.verdict(surface.id)
            if verdict is None:
                continue
            told = machine_form.verdict_as_json(verdict, cases[surface.id], self.now_of_verdict(at))
            if red.intersection(surface.components) and told["verdict"] == "retry_normally":
                self.broken.append(f"{at}: {surface.id} is normal while it is red")
            times = [told[key] for key in ("retry_at", "review_at", "valid_until") if told[key]]
            eta = told["eta"] or {"p50_s": 0, "p90_s": 0}
            if min(times) < f"{at:%Y-%m-%dT%H:%M:%SZ}" or min(eta["p50_s"], eta["p90_s"], told["retry_after_s"]) < 0:
                self.broken.append(f"{at}: {surface.id} is told a time that has passed")


def spoilt(body, random):
    """The body, now and then with an odd entry, a component renamed or one that is healthy and gone."""
    if random.random() > 0.2:
        return body
    told = json.loads(json.dumps(body))
    match random.randrange(3):
        case 0:
            told["incidents"] = [*(told.get("incidents") or ()), {"name": None}, 7]
        case 1:
            told["components"] = [{**c, "name": f"{c['name']} (new)"} for c in told["components"]]
        case _:
            healthy = [c for c in told["components"] if c["status"] == "operational"]
            told["components"] = [c for c in told["components"] if c not in healthy[:1]]
    return told


def without_times(state, poll, context):
    """A mutant that reads no times: whatever body comes is the newest."""
    if isinstance(poll.saw, Snapshot):
        shown = tuple(replace(i, updated_at=None, updates=()) for i in poll.saw.incidents or ())
        poll = replace(poll, saw=replace(poll.saw, updated_at=None, incidents=shown))
    return transition.apply_poll(replace(state, page_updated_at=None), poll, context)


@pytest.mark.parametrize("seed", range(6))
def test_a_day_made_worse_makes_nothing_red_normal_and_tells_no_time_that_has_passed(seed):
    assert Day(ACME, seed).play(acme_day()) == []


@pytest.mark.parametrize("seed", range(2))
def test_the_recorded_polls_of_github_made_worse_do_neither(shared, seed):
    github = settings.load(CONFIG).provider("github")
    assert Day(github, seed).play(github_days(shared, 300)) == []


@pytest.mark.parametrize(
    "mutant",
    [{"apply": without_times}, {"now_of_verdict": lambda at: at - timedelta(hours=9)}],
    ids=["no times of the page", "a clock that stands still"],
)
def test_a_mutant_is_found(mutant):
    assert any(Day(ACME, seed, **mutant).play(acme_day()) for seed in range(6))


def test_the_day_has_red_and_green():
    states = {c["status"] for _, body in acme_day() for c in body["components"]}
    assert states == {"operational", "major_outage", "partial_outage"}
    assert isinstance(NOON, datetime)

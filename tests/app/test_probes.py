"""Probes on their rounds: who is tried, what the engine hears, and what the log says."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.app.probes import ProbeScheduler, key_problem
from bot.domain import Probe, ProbeResult
from tests.support.scenario import ACME, GLOBEX

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
API = Probe("acme-api", "https://api.acme.example/", key_env="ACME_KEY")
WEB = Probe("acme-web", "https://acme.example/")
CUT_OFF = "it refuses connections"


class FakeProber:
    """A prober whose tries go as a test wants, and a witness that remembers."""

    def __init__(self, *whys, ours=False):
        self.whys, self.ours, self.keys, self.heard = list(whys), ours, [], []

    async def attempt(self, probe, at, *, key=""):
        self.keys.append(key)
        why = self.whys.pop(0)
        connect_ms = None if why == CUT_OFF else 1.0
        return ProbeResult(probe.surface, at, not why, why=why, ours=self.ours, connect_ms=connect_ms)

    async def take_evidence(self, provider_id, evidence):
        self.heard += [(provider_id, result) for result in evidence.probes]


def probing(sky, **environment):
    return ProbeScheduler(sky, sky, [ACME], environment, lambda: NOW, lambda: NOW)


def alone(sky, *, page_read_ago):
    """Rounds from a place where a page was last read so long ago."""
    return ProbeScheduler(sky, sky, [ACME], {}, lambda: NOW, lambda: NOW - page_read_ago)


async def test_the_engine_hears_of_every_try():
    sky = FakeProber("", "it answered 500")
    rounds = probing(sky)
    for _ in range(2):
        await rounds.run_probe(WEB, "acme")
    assert [(p, r.surface, r.ok, r.at) for p, r in sky.heard] == [
        ("acme", "acme-web", True, NOW),
        ("acme", "acme-web", False, NOW),
    ]


async def test_what_is_our_own_fault_is_no_evidence_and_is_logged(caplog):
    sky = FakeProber("it answered 401: that is about the key in ACME_KEY", ours=True)
    await probing(sky).run_probe(API, "acme")
    assert (sky.heard, "this says nothing about the surface" in caplog.text) == ([], True)


async def test_a_surface_that_is_cut_off_while_pages_can_be_read_is_evidence():
    sky = FakeProber(CUT_OFF)
    await alone(sky, page_read_ago=timedelta(seconds=70)).run_probe(WEB, "acme")
    assert [r.ok for _, r in sky.heard] == [False]


async def test_a_surface_that_is_cut_off_like_everything_else_is_no_evidence(caplog):
    sky = FakeProber(CUT_OFF)
    await alone(sky, page_read_ago=timedelta(seconds=80)).run_probe(WEB, "acme")
    assert (sky.heard, "nothing else can be reached from here either" in caplog.text) == ([], True)


async def test_another_probe_that_has_a_connection_shows_that_the_network_is_there():
    sky = FakeProber("", CUT_OFF)
    rounds = alone(sky, page_read_ago=timedelta(hours=1))
    await rounds.run_probe(API, "acme")
    await rounds.run_probe(WEB, "acme")
    assert [r.ok for _, r in sky.heard] == [True, False]


async def test_a_surface_that_connects_and_fails_is_evidence_whatever_else():
    sky = FakeProber("it answered 500")
    await alone(sky, page_read_ago=timedelta(hours=1)).run_probe(WEB, "acme")
    assert [r.ok for _, r in sky.heard] == [False]


async def test_the_same_failure_is_logged_once_and_its_end_too(caplog):
    sky = FakeProber("it answered 500", "it answered 500", "", "")
    rounds = probing(sky)
    with caplog.at_level(logging.INFO):
        for _ in range(4):
            await rounds.run_probe(WEB, "acme")
    assert caplog.messages == ["probe of acme-web: it answered 500", "probe of acme-web: well again"]


async def test_the_key_is_taken_from_the_environment_at_each_try():
    sky = FakeProber("", "")
    rounds = probing(sky, ACME_KEY="k-1")
    await rounds.run_probe(API, "acme")
    await rounds.run_probe(WEB, "acme")
    assert sky.keys == ["k-1", ""]


def tried(*probes):
    """Acme, with these surfaces tried."""
    found = {p.surface: p for p in probes}
    return replace(ACME, surfaces=tuple(replace(s, probe=found.get(s.id)) for s in ACME.surfaces))


def jobs(*probes, **environment):
    rounds = ProbeScheduler(
        FakeProber(), FakeProber(), [tried(*probes), GLOBEX], environment, lambda: NOW, lambda: None
    )
    return [*rounds.periodic_jobs()]


def test_there_is_a_job_per_probe():
    assert [job.name for job in jobs(API, WEB, ACME_KEY="k")] == ["probe acme-api", "probe acme-web"]


def test_jobs_are_jittered_and_begin_one_after_the_other():
    found = jobs(API, WEB, ACME_KEY="k")
    assert ({job.is_jittered for job in found}, [job.first_s for job in found]) == ({True}, [0, 2.5])


def test_a_probe_without_its_key_is_left_out_and_its_variable_is_named(caplog):
    assert jobs(API) == []
    assert caplog.messages == ["acme-api is not probed: ACME_KEY, which holds its key, is not set"]


def test_without_probes_there_are_no_jobs():
    assert jobs() == []


@pytest.mark.parametrize("key", ["k-1\n", "k 1", "k\u20131", "k\x00"])
def test_a_key_that_was_not_copied_as_it_is_is_named_and_not_shown(key):
    found = key_problem(API, {"ACME_KEY": key})
    assert (found.startswith("ACME_KEY has a blank, a line break"), key in found) == (True, False)


def test_a_probe_without_a_key_needs_none():
    assert key_problem(WEB, {}) == ""

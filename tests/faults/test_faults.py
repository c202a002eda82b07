"""The short form of ``python -m tests.faults``: some points of each part, and the controls that must be caught."""

import asyncio
import os
import sqlite3
from contextlib import closing

import pytest

from tests.faults import crashes, days, disk, power, slacks, sources, workflow_steps
from tests.faults.fake_services import SOURCE_FAULTS

pytestmark = pytest.mark.anyio

needs_strace = pytest.mark.skipif(crashes.STRACE is None, reason="strace is not installed")


async def tally(*calls, design="outbox", fates=crashes.KILLS, **more):
    chosen = {name: fates[name] for name in calls}
    return await crashes.tried(crashes.PASSES[0], design=design, fates=chosen, every=40, **more)


@needs_strace
async def test_a_kill_loses_nothing_and_every_copy_is_admitted():
    ours = await tally("pwrite64", "sendto", "recvfrom")
    assert (ours.lost, ours.twice - ours.said, ours.corrupt, ours.stuck) == (0, 0, 0, 0), ours.where


@needs_strace
async def test_a_kill_doubles_nothing_either_where_the_history_may_be_read():
    ours = await tally("recvfrom", may_be_read=True)
    assert (ours.lost, ours.twice, ours.corrupt, ours.stuck) == (0, 0, 0, 0), ours.where


@needs_strace
async def test_a_kill_loses_nothing_that_a_tool_is_to_get():
    tool = await tally("pwrite64", "sendto", "recvfrom", design="tool")
    assert (tool.lost, tool.twice - tool.said, tool.corrupt, tool.stuck) == (0, 0, 0, 0), tool.where


@needs_strace
async def test_a_call_that_fails_loses_nothing_and_every_copy_is_admitted():
    ours = await tally("pwrite64", "recvfrom", fates={"pwrite64": ["error=ENOSPC"], "recvfrom": ["error=ECONNRESET"]})
    assert (ours.lost, ours.corrupt, ours.stuck) == (0, 0, 0), ours.where


@needs_strace
async def test_the_kills_catch_a_design_that_saves_before_it_sends():
    assert (await tally("sendto", design="save-first")).lost > 0


@needs_strace
async def test_the_kills_catch_a_design_that_sends_before_it_saves():
    other = await tally("recvfrom", design="send-first")
    assert other.twice > other.said


@pytest.mark.parametrize("in_incident", [False, True])
async def test_a_page_with_a_bad_day_is_told_once_and_is_neither_outage_nor_all_clear(in_incident):
    told = await asyncio.gather(*(sources.tried(fault, in_incident=in_incident) for fault in SOURCE_FAULTS))
    assert [t for t in told if not t.is_right] == []


@needs_strace
def test_a_power_cut_loses_nothing_that_was_promised():
    ours = power.tried(rounds=1, every=45)
    assert (ours.lost, ours.half, ours.corrupt, ours.torn) == (0, 0, 0, 0), ours.where


@needs_strace
def test_the_power_cuts_catch_a_database_that_syncs_only_at_checkpoints():
    assert power.tried("NORMAL", rounds=1, every=90).lost > 0


@pytest.mark.skipif(not disk.can_mount(), reason="this machine lets nobody mount a disk of their own")
def test_a_full_disk_is_said_once_and_loses_nothing(tmp_path):
    came = disk.tried(tmp_path)
    assert (len(came.said), came.lost, came.twice, came.waiting, came.integrity, came.exit_code) == (
        1,
        0,
        0,
        0,
        "ok",
        0,
    )


async def test_what_slack_asks_to_wait_is_waited_and_nothing_is_lost_or_doubled():
    came = await slacks.tried("429", lasts_s=2.5, retry_after=2)
    assert (came.lost, came.twice, min(came.waits, default=2) >= 2) == (0, 0, True)


async def test_what_a_tool_asks_to_wait_is_waited_and_nothing_is_lost_or_doubled():
    came = await slacks.tried("429", lasts_s=2.5, retry_after=2, is_tool=True)
    assert (came.lost, came.twice, min(came.waits, default=2) >= 2) == (0, 0, True)


async def test_days_of_faults_break_no_rule():
    seed = int(os.environ.get("BROWNOUT_SEED", "8"))
    assert await days.first_broken(seed, 3, "ours") == (0, [])


@pytest.mark.parametrize("design", ["save-first", "send-first", "resolve-on-empty"])
async def test_days_of_faults_catch_a_control(design):
    assert (await days.first_broken(8, 6, design))[1]


async def test_a_day_with_a_gap_catches_a_control_that_knows_only_what_a_poll_shows():
    assert await days.Day("8:31", "edges-only").live()


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("at any moment of 20 events", "Socket Mode"), ("after Slack took the end, before it answers", "HTTP")],
    ids=["burst", "end"],
)
async def test_a_kill_loses_no_step_of_a_workflow(tmp_path, kind, mode):
    assert (await workflow_steps.tried(kind, 1, tmp_path, mode)).lost == 0


async def test_a_step_that_waits_outlives_a_kill(tmp_path):
    async with workflow_steps.step_bot(tmp_path) as bot:
        await bot.start()
        await bot.deliver(workflow_steps.WAIT, "Fx1", timeout_minutes=60)
        bot.kill()
        await bot.process.wait()
        with closing(sqlite3.connect(bot.database)) as database, database:  # an hour passes while no bot runs
            database.execute("UPDATE workflow_steps SET until = since")
        await bot.restart()
        assert await bot.count_ended({"Fx1"}) == 1
        assert bot.slack.ended["Fx1"]["timed_out"] is True

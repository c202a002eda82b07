"""A configuration that is read again while the bot runs: all of it applies, or nothing does."""

import asyncio
import logging
from dataclasses import replace

import pytest

from bot import settings
from bot.app import scheduler
from bot.app.reload import ConfigReloader, CurrentSettings, compare
from bot.cli.options import utc_now
from bot.domain import Subscription
from bot.engine import Engine
from bot.settings import PollSettings, Settings, WebSettings
from bot.settings.notify_toml import NotifyTable
from bot.settings.tracker_toml import TrackerTable
from tests.support.acme import ACME, Clock, catalogue

pytestmark = pytest.mark.anyio

GLOBEX = replace(ACME, id="globex", name="Globex", source=replace(ACME.source, id="globex", provider="globex"))
OLD = Settings(providers=(ACME,))


def changes(new, watched=(ACME,)):
    return compare(watched, OLD, new)


def test_the_same_settings_change_nothing():
    assert list(changes(Settings(providers=(ACME,))).lines()) == []


def test_a_new_provider_is_added():
    assert changes(Settings(providers=(ACME, GLOBEX))).added == (GLOBEX,)


def test_a_provider_whose_file_differs_is_changed():
    other = replace(ACME, name="Acme Inc.")
    assert changes(Settings(providers=(other,))).changed == (other,)


def test_a_provider_that_is_switched_off_is_removed():
    assert changes(Settings(providers=(replace(ACME, enabled=False),))).removed == (ACME,)


def test_a_provider_that_somebody_added_meanwhile_is_not_added_twice():
    assert changes(Settings(providers=(ACME, GLOBEX)), watched=(ACME, GLOBEX)).added == ()


def test_another_preset_is_other_rules():
    assert changes(replace(OLD, preset="fast")).has_other_rules


def test_another_port_needs_a_restart():
    assert changes(replace(OLD, web=WebSettings(port=9000))).needs_restart == ("[web]",)


def test_another_tool_or_tracker_needs_a_restart():
    tool = NotifyTable(name="pd", kind="pagerduty", key_env="PD")
    tracker = TrackerTable(surface="acme-api", url="https://tracker.example", value="n", over=1)
    found = changes(replace(OLD, tools=(tool,), trackers={"dd": tracker}))
    assert found.needs_restart == ("[[notify]]", "[tracker]")


def test_another_timeout_needs_a_restart():
    assert changes(replace(OLD, poll=PollSettings(timeout_s=3))).needs_restart == ("[poll] timeout_s",)


def test_another_interval_does_not():
    found = changes(replace(OLD, poll=PollSettings(interval_s=30)))
    assert (found.has_other_intervals, found.needs_restart) == (True, ())


class Running:
    """A bot that polls, with a configuration folder that tests change."""

    def __init__(self, folder, web, chat, repository):
        self.folder = catalogue(folder)
        current = CurrentSettings(settings.load(self.folder, {}), lambda: settings.load(self.folder, {}))
        self.watched = [p for p in current.settings.providers if p.enabled]
        engine = Engine({p.id: p for p in self.watched}, web, repository, chat, Clock(utc_now()), current.rules_for)
        self.bot = scheduler.BotApp(engine, current.settings.poll, shutdown_grace_s=0.1)
        self.calls = []
        self.reloader = ConfigReloader(
            *(current, self.bot, self.watched, repository, engine.now),
            on_providers=[lambda: self.calls.append("called")],
        )

    def write(self, name, text):
        file = self.folder / name
        file.write_text(text)

    def rename_acme(self, to):
        """Gives the provider's file another id."""
        file = self.folder / "providers" / "acme.toml"
        (self.folder / "providers" / f"{to}.toml").write_text(
            file.read_text().replace('id = "acme', f'id = "{to}').replace("status.acme", f"status.{to}")
        )

    async def __aenter__(self):
        self.stop = asyncio.Event()
        self.task = asyncio.create_task(self.bot.run(self.stop))
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_):
        self.stop.set()
        await self.task


@pytest.fixture
def running(tmp_path, web, chat, repository):
    return Running(tmp_path / "config", web, chat, repository)


def polled(running):
    return sorted(job.id for job in running.bot._scheduler.get_jobs() if job.id.startswith("poll "))


async def test_a_provider_of_a_new_file_is_polled(running):
    async with running:
        running.rename_acme("globex")
        await running.reloader.reload()
        assert polled(running) == ["poll acme", "poll globex"]


async def test_the_handlers_catalogue_is_the_new_one(running):
    async with running:
        running.rename_acme("globex")
        await running.reloader.reload()
        assert [p.id for p in running.watched] == ["acme", "globex"]


async def test_a_provider_whose_file_is_gone_is_not_polled_any_more(running):
    running.rename_acme("globex")
    async with running:
        await running.reloader.reload()
        (running.folder / "providers" / "globex.toml").unlink()
        await running.reloader.reload()
        assert polled(running) == ["poll acme"]


async def test_time_goes_on_without_the_removed_provider(running):
    running.rename_acme("globex")
    async with running:
        await running.reloader.reload()
        (running.folder / "providers" / "globex.toml").unlink()
        await running.reloader.reload()
        assert running.bot.engine.advance_time() == ()


async def test_a_poll_under_way_of_a_removed_provider_is_waited_for(running, web, caplog):
    began, release = asyncio.Event(), asyncio.Event()
    get = web.get

    async def slow(*args, **how):
        began.set()
        await release.wait()
        return await get(*args, **how)

    web.get = slow
    running.rename_acme("globex")
    async with running:
        await began.wait()
        (running.folder / "providers" / "acme.toml").unlink()
        reload = asyncio.create_task(running.reloader.reload())
        while "acme" in [p.id for p in running.watched]:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        assert "acme" in running.bot.engine.states
        release.set()
        await reload
    assert ("acme" in running.bot.engine.states, "unexpected error" in caplog.text) == (False, False)


async def test_a_changed_provider_is_judged_by_its_new_file(running):
    async with running:
        file = running.folder / "providers" / "acme.toml"
        file.write_text(file.read_text().replace('name = "Acme"', 'name = "Acme Inc."'))
        await running.reloader.reload()
        assert running.bot.engine.providers["acme"].name == "Acme Inc."


async def test_a_mistake_in_one_file_leaves_everything_as_it_was(running):
    async with running:
        running.rename_acme("globex")
        running.write("brownout.toml", "[poll]\nintervall_s = 5\n")
        assert (await running.reloader.reload(), polled(running)) == (None, ["poll acme"])


async def test_the_mistake_is_in_the_log_with_file_and_line(running, caplog):
    async with running:
        running.write("brownout.toml", "[poll]\nintervall_s = 5\n")
        await running.reloader.reload()
    assert "brownout.toml:2" in caplog.text


async def test_the_subscriptions_of_the_file_are_made(running, repository):
    async with running:
        running.write("brownout.toml", '[[subscribe]]\nchannel = "C0123"\nto = ["acme"]\n')
        await running.reloader.reload()
    assert [(s.channel, s.target) for s in repository.subscriptions()] == [("C0123", "acme")]


async def test_what_people_subscribed_stays(running, repository):
    repository.subscribe(Subscription("C1", "acme", created_by="U1", created_at=utc_now()))
    async with running:
        await running.reloader.reload()
    assert [s.channel for s in repository.subscriptions()] == ["C1"]


async def test_another_preset_applies_to_the_next_verdict(running):
    async with running:
        running.write("verdict.toml", '[preset.fast]\nname = "R30/10"\n')
        running.write("brownout.toml", '[verdict]\npreset = "fast"\n')
        await running.reloader.reload()
        engine = running.bot.engine
        assert engine.rules(engine.providers["acme"]).name == "R30/10"


async def test_other_intervals_apply(running):
    async with running:
        running.write("brownout.toml", "[poll]\ninterval_s = 7\nblind_after = 9\n")
        await running.reloader.reload()
        assert (running.bot.poll.interval_s, running.bot.engine.blind_after) == (7, 9)


async def test_a_reload_that_changes_nothing_says_so(running, caplog):
    caplog.set_level(logging.INFO, logger="brownout")
    async with running:
        await running.reloader.reload()
    assert "configuration reloaded: nothing has changed" in caplog.text


async def test_probes_and_fetchers_hear_of_other_providers_only(running):
    async with running:
        await running.reloader.reload()
        assert running.calls == []
        running.rename_acme("globex")
        await running.reloader.reload()
        assert running.calls == ["called"]


async def test_two_reloads_at_once_come_one_after_the_other(running):
    async with running:
        running.rename_acme("globex")
        await asyncio.gather(running.reloader.reload(), running.reloader.reload())
        assert polled(running) == ["poll acme", "poll globex"]


async def test_another_own_service_is_a_change(running, caplog):
    caplog.set_level(logging.INFO, logger="brownout")
    service = '[service.shop]\nname = "Shop"\nneeds = ["acme-api"]\n'
    running.write("brownout.toml", service)
    async with running:
        await running.reloader.reload()
    assert caplog.messages == ["configuration reloaded: changed: [service]"]

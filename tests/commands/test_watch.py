"""``/brownout watch``: what is shown, what a press does, and what a name that changes its mind leads to."""

import asyncio
import logging
import socket
from dataclasses import replace

import pytest

from bot.adapters.page_fetcher import PageFetcher
from bot.app.fetchers import SourceFetcher
from bot.app.onboarding import ProviderOnboarding
from bot.cli.options import utc_now
from bot.commands import buttons as commands_buttons
from bot.commands import registry, watch
from bot.commands.types import ButtonClick, CommandRequest
from bot.domain import ChatUser, VerdictParameters
from bot.errors import SourceError, UsageError
from bot.formats.statuspage import SUMMARY
from bot.queries.current import StatusQueries
from bot.queries.runtime import BotRole, ProviderOptions, Runtime
from tests.formats.pages import PAGES
from tests.support.acme import ACME, FILE, Clock, catalogue
from tests.support.fake_fetcher import FakeResponse

pytestmark = pytest.mark.anyio

ADA = ChatUser("U1", "ada")
PAGE = PAGES["statuspage", "mid-incident"][0]


class FakePollSchedule:
    """Takes whatever it is given."""

    def __init__(self):
        self.taken = []

    async def add_provider(self, provider):
        self.taken.append(provider)

    def poll_statistics(self, _):
        return None


@pytest.fixture
def folder(tmp_path):
    return catalogue(tmp_path)


class FakeHost:
    """Reads like a Fetcher what this host shows; 404 elsewhere."""

    def __init__(self, pages, delay=0.0):
        self.pages, self.delay = pages, delay

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        """Nothing to close."""

    async def get(self, source_url, path, *, accept):  # noqa: ARG002
        await asyncio.sleep(self.delay)
        if path not in self.pages:
            raise SourceError("HTTP 404", code="http_404")
        return FakeResponse(self.pages[path], source_url + path)


@pytest.fixture
def pages():
    return {SUMMARY: PAGE}


@pytest.fixture
def host(pages):
    return lambda: FakeHost(pages)


@pytest.fixture
def hall(repository, folder):
    """A queries of a running bot whose readers are set by the test."""

    def make(fetcher, admins=(), **more):
        running = Runtime([ACME], FakePollSchedule())
        running.onboarding = ProviderOnboarding(folder, fetcher, running.add_provider, utc_now, **more)
        return StatusQueries(
            running.providers, repository, Clock(), lambda _: VerdictParameters(), frozenset(admins), running
        )

    return make


def asked(queries, text="watch https://status.example.com", user="U1"):
    return registry.answer_command(queries, text, "C1", user, "ada")


async def shown(queries, text="watch https://status.example.com"):
    return await asked(queries, text).later()


def buttons(reply):
    return {e["text"]["text"]: e for b in reply.message.blocks if b["type"] == "actions" for e in b["elements"]}


async def press(queries, reply, label, person=ADA):
    element = buttons(reply)[label]
    return commands_buttons.handle_click(queries, ButtonClick(element["action_id"], element["value"], "C1", person))


def files(folder):
    return sorted(f.name for f in (folder / "providers").iterdir())


# --- what is shown ----------------------------------------------------------------------------------------------------


async def test_a_page_is_shown_with_its_format_its_surfaces_and_its_components(hall, host):
    text = (await shown(hall(host))).message.text
    assert "serves Statuspage. It would be example-cloud." in text
    assert "example-cloud-api: API" in text
    assert "Web: partial outage" in text


async def test_nothing_is_written_before_somebody_confirms(hall, folder, host):
    await shown(hall(host))
    assert files(folder) == ["acme.toml"]


async def test_the_answer_comes_at_once_and_the_poll_after_it(hall):
    reply = asked(hall(None), "watch <https://status.example.com|status.example.com>")
    assert reply.message.text == "Checking https://status.example.com …"


async def test_an_id_may_be_chosen(hall, host):
    text = (await shown(hall(host), "watch https://status.example.com id:mine")).message.text
    assert "It would be mine" in text


async def test_a_word_that_is_no_option_is_told(hall):
    with pytest.raises(UsageError, match="Unknown option “colour:red”"):
        await shown(hall(None), "watch https://status.example.com colour:red")


async def test_without_an_address_it_says_how(hall):
    assert "Which page?" in asked(hall(None), "watch").message.text


async def test_where_no_bot_runs_it_names_the_command_that_does_it(repository):
    queries = StatusQueries((ACME,), repository, Clock(), lambda _: VerdictParameters())
    assert "`brownout add URL`" in str(asked(queries).message.blocks)


async def test_it_is_for_admins(hall):
    reply = asked(hall(None, admins=("UBOSS",)))
    assert ("admins" in reply.message.text, reply.later) == (True, None)


async def test_it_is_for_admins_in_somebodys_own_channel_too(hall):
    queries = hall(None, admins=("UBOSS",))
    reply = registry.answer_command(queries, "watch https://status.example.com", "U1", "U1", "ada")
    assert ("admins" in reply.message.text, reply.later) == (True, None)


def test_of_a_user_group_everybody_who_is_in_it_is_meant():
    running = Runtime([], groups={"S1": ["U2", "U1"]})
    assert running.expand_groups(["U1", "S1", "S2", "C1"]) == ("U1", "U2", "C1")


# --- what a press does ------------------------------------------------------------------------------------------------


async def test_a_page_that_is_confirmed_is_written_and_watched(hall, folder, host):
    queries = hall(host)
    reply = await (await press(queries, await shown(queries), "Watch it")).later()
    assert files(folder) == ["acme.toml", "example-cloud.toml"]
    assert [p.id for p in queries.running.poll_jobs.taken] == ["example-cloud"]
    assert [p.id for p in queries.providers] == ["acme", "example-cloud"]
    assert "Now watching Example Cloud" in reply.message.text


async def test_a_page_that_was_typed_is_read_on_the_public_web_for_ever(hall, host):
    queries = hall(host)
    await (await press(queries, await shown(queries), "Watch it")).later()
    assert queries.running.poll_jobs.taken[0].source.public


async def test_the_log_says_who_added_what(hall, caplog, host):
    caplog.set_level(logging.INFO, logger="brownout")
    queries = hall(host)
    await (await press(queries, await shown(queries), "Watch it")).later()
    assert "ada (U1) added the provider example-cloud: https://status.example.com as statuspage, in" in caplog.text


async def test_a_page_that_has_changed_meanwhile_is_shown_again_and_not_kept(hall, folder, host, pages):
    queries = hall(host)
    first = await shown(queries)
    pages[SUMMARY] = PAGE.replace(b'"API"', b'"Not the API"')
    again = await (await press(queries, first, "Watch it")).later()
    assert files(folder) == ["acme.toml"]
    assert "has changed since you saw it" in str(again.message.blocks)
    assert "Watch it" in buttons(again)


async def test_never_mind_writes_nothing(hall, folder, host):
    queries = hall(host)
    reply = await press(queries, await shown(queries), "Cancel")
    assert (reply.message.text, reply.replaces, files(folder)) == ("Nothing was written.", True, ["acme.toml"])


async def test_a_press_of_somebody_who_is_no_admin_is_refused(hall, folder, host):
    queries = hall(host, admins=("U1",))
    reply = await press(queries, await shown(queries), "Watch it", ChatUser("U2", "bob"))
    assert ("admins" in reply.message.text, reply.later, files(folder)) == (True, None, ["acme.toml"])


async def test_a_folder_that_takes_no_file_leaves_the_file_to_be_put_there_by_hand(hall, host):
    class Unwritable(ProviderOnboarding):
        async def accept(self, proposal, by):  # noqa: ARG002
            raise UsageError(f"{proposal.file} can't be written (Read-only file system).")

    queries = hall(host)
    was = queries.running.onboarding
    queries.running.onboarding = Unwritable(was.folder, was.web, was.take_on, was.now)
    reply = await (await press(queries, await shown(queries), "Watch it")).later()
    assert "Read-only file system" in reply.message.text
    assert "Put this into providers/example-cloud.toml" in reply.message.text
    assert 'kind = "statuspage"' in reply.message.text


# --- a provider of the catalogue --------------------------------------------------------------------------------------

OFF = FILE.replace("acme", "umbra").replace("Acme", "Umbra").replace("[source]", "enabled = false # off\n[source]")


@pytest.fixture
def off(folder):
    file = folder / "providers" / "umbra.toml"
    file.write_text(OFF)
    return file


@pytest.mark.usefixtures("off")
@pytest.mark.parametrize("typed", ["umbra", "Umbra", "https://status.umbra.example"])
async def test_a_provider_that_is_off_is_shown_by_its_name_or_its_address(hall, host, typed):
    text = (await shown(hall(host), f"watch {typed}")).message.text
    assert "It is the provider umbra, off so far." in text


async def test_a_provider_that_is_confirmed_is_switched_on_and_nothing_else_of_its_file_is_changed(hall, host, off):
    queries = hall(host)
    await (await press(queries, await shown(queries, "watch umbra"), "Watch it")).later()
    assert off.read_text() == OFF.replace("enabled = false", "enabled = true")
    assert [p.id for p in queries.running.poll_jobs.taken] == ["umbra"]


async def test_a_provider_whose_page_is_not_what_the_catalogue_says_is_not_switched_on(hall, off):
    with pytest.raises(UsageError, match="no status page in a known format"):
        await shown(hall(lambda: FakeHost({"/summary.json": PAGES["instatus", "open"][0]})), "watch umbra")
    assert off.read_text() == OFF


async def test_a_provider_that_is_on_is_watched_already(hall):
    with pytest.raises(UsageError, match="Acme is already watched"):
        await shown(hall(None), "watch acme")


# --- what it refuses --------------------------------------------------------------------------------------------------


async def test_one_poll_at_a_time(hall, pages):
    watcher = hall(lambda: FakeHost(pages, delay=0.1)).running.onboarding
    first = asyncio.create_task(watcher.propose(ProviderOptions("https://status.example.com")))
    await asyncio.sleep(0.02)
    with pytest.raises(UsageError, match="Another address is being checked"):
        await watcher.propose(ProviderOptions("https://status.example.com"))
    await first


async def test_a_page_that_dawdles_is_given_up(hall):
    watcher = hall(lambda: FakeHost({}, delay=0.05), patience_s=0.1).running.onboarding
    with pytest.raises(UsageError, match="too slowly"):
        await watcher.propose(ProviderOptions("https://status.example.com"))


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://169.254.169.254/latest/", "http://[::1]/", "10.0.0.1"])
async def test_a_private_address_is_refused(hall, url):
    with pytest.raises(UsageError, match="no page on the public web answers there"):
        await shown(hall(lambda: PageFetcher(strict=True)), f"watch {url}")


async def test_a_name_that_turns_private_after_it_was_added_is_read_no_more():
    names = [("93.184.216.34", 443)]
    source = replace(ACME.source, public=True, url="https://status.rebound.example")

    def look_up(_host, _port, _family=0, kind=0):
        return [(socket.AF_INET, kind, 6, "", names[-1])]

    async with PageFetcher(timeout_s=1, look_up=look_up) as plain, PageFetcher(strict=True, look_up=look_up) as strict:
        webs = SourceFetcher(plain, strict, [replace(ACME, source=source)])
        names.append(("127.0.0.1", 443))
        with pytest.raises(SourceError) as refused:
            await webs.get(source.url, SUMMARY)
    assert refused.value.code == "refused"


async def test_a_source_of_our_own_may_be_inside():
    async with PageFetcher() as plain, PageFetcher(strict=True) as strict:
        webs = SourceFetcher(plain, strict, [ACME])
        assert (webs.fetcher_for(ACME.source), webs.fetcher_for(replace(ACME.source, public=True))) == (plain, strict)


def test_a_follower_says_how_a_page_is_added_for_all_bots(hall):
    queries = hall(lambda: FakeHost({}))
    queries.running.role = BotRole.FOLLOWER
    with pytest.raises(UsageError, match="each bot's machine"):
        watch.watch(queries, CommandRequest(("https://status.example.com",), "C1", "U1"))

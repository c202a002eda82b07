"""``brownout add``: a page on loopback, a config folder of our own, and what stands in it afterwards."""

import contextlib
import socket
from dataclasses import replace

import pytest
from aiohttp import web
from click.testing import CliRunner

from bot import settings
from bot.edge.fetch import Fetcher
from bot.entry import add, draft
from bot.entry.cli import brownout
from bot.errors import UsageError
from bot.model import Component, Condition, Snapshot
from bot.sources import KINDS, sniff
from tests.acme import FILE, catalogue
from tests.sources.pages import NOON, PAGES, source

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path):
    return catalogue(tmp_path)


@contextlib.asynccontextmanager
async def serving(paths, types=None):
    """A host that answers these paths; gives a maker of Fetchers that find it under any public name."""

    async def answer(request):
        found = paths.get(request.raw_path)
        if found is None:
            return web.Response(status=404)
        return web.Response(
            body=found, headers={"content-type": (types or {}).get(request.raw_path, "application/json")}
        )

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]

    def look_up(_host, _port, _family=0, kind=0):
        return [(socket.AF_INET, kind, 6, "", ("127.0.0.1", port))]

    def fetcher():
        return Fetcher(
            strict=True, timeout_s=5, look_up=look_up, is_public=lambda _: True, ports=frozenset({80, 443, port})
        )

    try:
        yield f"http://127.0.0.1:{port}", fetcher
    finally:
        await runner.cleanup()


async def found_at(kind, name, **wish):
    pages = {}
    async with serving(pages) as (url, fetcher):
        pages |= zip(KINDS[kind].paths_of(replace(source(kind), url=url)), PAGES[kind, name], strict=True)
        return await look_at(url, fetcher, **wish)


async def look_at(url, fetcher, **wish):
    options = sniff.Source("", "", "", url, **wish)
    async with fetcher() as reader:
        return await add.discover(reader, sniff.guesses(url, options), NOON)


OPTIONS = {"page": "demo", "regions": ("us-east-1",)}
OPEN = {"statuspage": "mid-incident", "feed": "statuspage"}


@pytest.mark.parametrize("kind", KINDS)
async def test_the_format_of_a_page_is_found_out(kind):
    wish = {name: OPTIONS[name] for name in KINDS[kind].needs}
    found, _ = await found_at(kind, OPEN.get(kind, "open"), **wish)
    assert found.source.kind == kind


async def test_a_newer_page_of_a_format_is_found_in_its_other_place():
    bodies = PAGES["instatus", "open"]
    async with serving(dict(zip(KINDS["instatus"].others[0], bodies, strict=True))) as (url, fetcher):
        found, _ = await look_at(url, fetcher)
    assert (found.source.kind, found.source.path) == ("instatus", "/v3/summary.json")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_drafted_file_is_one_that_the_catalogue_takes(kind, folder):
    snapshot = KINDS[kind].parse(PAGES[kind, OPEN.get(kind, "open")], source(kind), NOON)
    text = draft.provider_file("example", 'Ex "ample"\n\\ 日本', source(kind), snapshot)
    add.keep(folder / "providers" / "example.toml", text, folder)
    found = settings.load(folder).provider("example")
    assert (found.source.kind, found.name) == (kind, 'Ex "ample"\n\\ 日本')
    assert 1 <= len(found.surfaces) <= draft.MAX_SURFACES


async def test_a_page_that_serves_nothing_known_is_told_with_what_was_tried():
    async with serving({}) as (url, fetcher):
        found, told = await look_at(url, fetcher)
    assert found is None
    assert any(line.startswith("Statuspage: ") for line in told)


async def test_a_host_that_is_not_there_is_asked_once():
    asked = []

    def look_up(host, *_):
        asked.append(host)
        raise socket.gaierror("no such name")

    wish = add.Wish("https://status.nowhere.example")
    with pytest.raises(UsageError):
        await add.look(wish, lambda: Fetcher(strict=True, look_up=look_up))
    assert asked == ["status.nowhere.example"]


# --- the file ---------------------------------------------------------------------------------------------------------


def test_a_file_that_is_there_is_never_overwritten(folder):
    file = folder / "providers" / "acme.toml"
    with pytest.raises(UsageError, match="nothing was written"):
        add.keep(file, "x", folder)
    assert file.read_text() == FILE


def test_a_file_that_breaks_the_catalogue_is_taken_back(folder):
    file = folder / "providers" / "again.toml"
    with pytest.raises(UsageError, match="taken back"):
        add.keep(file, FILE, folder)
    assert not file.exists()


async def proposed(folder, kind="statuspage", **wish):
    found, _ = await found_at(kind, OPEN.get(kind, "open"))
    return add.proposal(add.Wish("x", **wish), found, folder)


async def test_the_id_is_the_pages_name_as_a_slug(folder):
    _, file = await proposed(folder)
    assert file == folder / "providers" / "example-cloud.toml"


async def test_an_id_that_is_taken_is_refused(folder):
    with pytest.raises(UsageError, match="choose another id"):
        await proposed(folder, ident="acme")


@pytest.mark.parametrize("ident", ["../evil", "Acme", "a b", "-", "a/b", "."])
async def test_an_id_is_small_letters_figures_and_hyphens(folder, ident):
    with pytest.raises(UsageError, match="small letters"):
        await proposed(folder, ident=ident)


async def test_a_page_that_is_watched_already_is_not_added_again(folder):
    found, _ = await found_at("statuspage", "mid-incident")
    (folder / "providers" / "b.toml").write_text(
        FILE.replace("acme", "b").replace("https://status.b.example", found.source.url)
    )
    with pytest.raises(UsageError, match="watched already: it is b"):
        add.proposal(add.Wish("x"), found, folder)


def test_what_was_found_is_shown():
    snapshot = KINDS["statuspage"].parse(PAGES["statuspage", "mid-incident"], source("statuspage"), NOON)
    found = add.Found(source("statuspage"), snapshot, "https://status.other.example/api/v2/summary.json")
    text = add.shown(found, ())
    assert "which redirects there" in text
    assert "Web: partly down" in text
    assert "1 open incidents:\n  The web pages load slowly" in text


@pytest.mark.parametrize(("kind", "is_told"), [("statuspage", False), ("rootly", True)])
def test_a_format_that_is_known_from_descriptions_alone_says_so(kind, is_told):
    snapshot = KINDS[kind].parse(PAGES[kind, OPEN.get(kind, "open")], source(kind), NOON)
    text = add.shown(add.Found(source(kind), snapshot, "https://status.example.com/x"), ())
    assert ("follows descriptions of it" in text) == is_told


# --- the surfaces -----------------------------------------------------------------------------------------------------


def components(*names):
    return [Component(str(n), name, Condition.OPERATIONAL) for n, name in enumerate(names)]


def test_at_most_six_surfaces_are_proposed_and_those_people_stand_on_first():
    names = [f"Region {n}" for n in range(20)] + ["Login", "API"]
    assert [i for i, _ in draft.surfaces("acme", components(*names))][-2:] == ["acme-login", "acme-api"]


def test_two_components_of_one_name_are_one_surface():
    assert [i for i, _ in draft.surfaces("acme", components("Login", "Login"))] == ["acme-login"]


def test_a_name_that_has_no_letters_is_left_out():
    assert draft.surfaces("acme", components("日本", "***")) == ()


def test_a_login_is_marked_as_one():
    snapshot = Snapshot("p", "Acme", tuple(components("Single Sign-On (SSO)")))
    assert "is_login = true" in draft.provider_file("acme2", "Acme", source("statuspage"), snapshot)


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.mark.hostile(5)
@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://169.254.169.254/latest/", "http://localhost/", "http://[::1]/", "http://10.0.0.1"],
)
def test_a_private_address_is_refused_in_the_same_words(folder, url):
    said = CliRunner().invoke(brownout, ["add", url, "--config", str(folder), "--yes"])
    assert said.exit_code == 1
    assert "it is not a page on the public web, or there is none" in said.output
    assert sorted(f.name for f in (folder / "providers").iterdir()) == ["acme.toml"]


def test_an_address_that_is_none_is_refused(folder):
    said = CliRunner().invoke(brownout, ["add", "ftp://status.example.com", "--config", str(folder)])
    assert (said.exit_code, sniff.NOT_PUBLIC in said.output) == (1, True)

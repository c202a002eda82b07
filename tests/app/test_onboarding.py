"""Onboarding of a provider: a page on loopback, a config folder, and the provider file that is proposed for it."""

import contextlib
import socket
from dataclasses import replace

import pytest
from aiohttp import web

from bot import settings
from bot.adapters.discovery import DiscoveredPage, discover, read_web_page
from bot.adapters.page_fetcher import PageFetcher
from bot.app import onboarding, provider_draft, provider_switch
from bot.domain import Component, Condition, Snapshot
from bot.errors import UsageError
from bot.formats import FORMATS, detection
from bot.queries.runtime import ProviderOptions
from tests.formats.pages import NOON, PAGES, source
from tests.support.acme import FILE, catalogue
from tests.support.loopback import serving_app

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

    def look_up(_host, _port, _family=0, kind=0):
        return [(socket.AF_INET, kind, 6, "", ("127.0.0.1", port))]

    def fetcher():
        return PageFetcher(
            strict=True, timeout_s=5, look_up=look_up, is_public=lambda _: True, ports=frozenset({80, 443, port})
        )

    async with serving_app(web.get("/{path:.*}", answer)) as url:
        port = int(url.rpartition(":")[2])
        yield url, fetcher


async def found_at(kind, name, **wish):
    pages = {}
    async with serving(pages) as (url, fetcher):
        pages |= zip(FORMATS[kind].paths_of(replace(source(kind), url=url)), PAGES[kind, name], strict=True)
        return await look_at(url, fetcher, **wish)


async def look_at(url, fetcher, **wish):
    options = detection.Source("", "", "", url, **wish)
    async with fetcher() as reader:
        return await discover(reader, detection.guess_sources(url, options), NOON)


OPTIONS = {"page": "demo", "regions": ("us-east-1",)}
OPEN = {"statuspage": "mid-incident", "feed": "statuspage"}


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if not FORMATS[kind].hosts])
async def test_the_format_of_a_page_is_found_out(kind):
    wish = {name: OPTIONS[name] for name in FORMATS[kind].needs}
    found, _ = await found_at(kind, OPEN.get(kind, "open"), **wish)
    assert found.source.kind == kind


async def test_a_page_that_lacks_a_path_that_it_may_lack_is_found():
    bodies = PAGES["cachet-v3", "open"][:2]
    async with serving(dict(zip(FORMATS["cachet-v3"].paths, bodies, strict=False))) as (url, fetcher):
        found, _ = await look_at(url, fetcher)
    assert found.source.kind == "cachet-v3"


async def test_a_newer_page_of_a_format_is_found_in_its_other_place():
    bodies = PAGES["instatus", "open"]
    async with serving(dict(zip(FORMATS["instatus"].others[0], bodies, strict=True))) as (url, fetcher):
        found, _ = await look_at(url, fetcher)
    assert (found.source.kind, found.source.path) == ("instatus", "/v3/summary.json")


@pytest.mark.parametrize("kind", FORMATS)
async def test_a_drafted_file_is_one_that_the_catalogue_takes(kind, folder):
    snapshot = FORMATS[kind].parse(PAGES[kind, OPEN.get(kind, "open")], source(kind), NOON)
    text = provider_draft.render_provider_file("example", 'Ex "ample"\n\\ 日本', source(kind), snapshot)
    onboarding.write_provider_file(folder / "providers" / "example.toml", text, folder)
    found = settings.load(folder).provider("example")
    assert (found.source.kind, found.name) == (kind, 'Ex "ample"\n\\ 日本')
    assert 1 <= len(found.surfaces) <= provider_draft.MAX_SURFACES


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

    wish = ProviderOptions("https://status.nowhere.example")
    with pytest.raises(UsageError):
        await onboarding.discover_page(wish, lambda: PageFetcher(strict=True, look_up=look_up), NOON)
    assert asked == ["status.nowhere.example"]


# --- the file ---------------------------------------------------------------------------------------------------------


def test_a_file_that_is_there_is_never_overwritten(folder):
    file = folder / "providers" / "acme.toml"
    with pytest.raises(UsageError, match="nothing was written"):
        onboarding.write_provider_file(file, "x", folder)
    assert file.read_text() == FILE


def test_a_file_that_breaks_the_catalogue_is_taken_back(folder):
    file = folder / "providers" / "again.toml"
    with pytest.raises(UsageError, match="was removed"):
        onboarding.write_provider_file(file, FILE, folder)
    assert not file.exists()


async def proposed(folder, kind="statuspage", **wish):
    found, _ = await found_at(kind, OPEN.get(kind, "open"))
    return onboarding.propose_file(ProviderOptions("x", **wish), found, folder)


async def test_the_id_is_the_pages_name_as_a_slug(folder):
    _, file = await proposed(folder)
    assert file == folder / "providers" / "example-cloud.toml"


async def test_an_id_that_is_taken_is_refused(folder):
    with pytest.raises(UsageError, match="Choose another id"):
        await proposed(folder, ident="acme")


@pytest.mark.parametrize("ident", ["../evil", "Acme", "a b", "-", "a/b", "."])
async def test_an_id_is_small_letters_figures_and_hyphens(folder, ident):
    with pytest.raises(UsageError, match="lowercase letters"):
        await proposed(folder, ident=ident)


async def test_a_page_that_is_watched_already_is_not_added_again(folder):
    found, _ = await found_at("statuspage", "mid-incident")
    (folder / "providers" / "b.toml").write_text(
        FILE.replace("acme", "b").replace("https://status.b.example", found.source.url)
    )
    with pytest.raises(UsageError, match="already watched as b"):
        onboarding.propose_file(ProviderOptions("x"), found, folder)


# --- the surfaces -----------------------------------------------------------------------------------------------------


def components(*names):
    return [Component(str(n), name, Condition.OPERATIONAL) for n, name in enumerate(names)]


def test_at_most_six_surfaces_are_proposed_and_those_people_stand_on_first():
    names = [f"Region {n}" for n in range(20)] + ["Login", "API"]
    assert [i for i, _ in provider_draft.propose_surfaces("acme", components(*names))][-2:] == [
        "acme-login",
        "acme-api",
    ]


def test_two_components_of_one_name_are_one_surface():
    assert [i for i, _ in provider_draft.propose_surfaces("acme", components("Login", "Login"))] == ["acme-login"]


def test_a_name_that_has_no_letters_is_left_out():
    assert provider_draft.propose_surfaces("acme", components("日本", "***")) == ()


def test_a_login_is_marked_as_one():
    snapshot = Snapshot("p", "Acme", tuple(components("Single Sign-On (SSO)")))
    assert "is_login = true" in provider_draft.render_provider_file("acme2", "Acme", source("statuspage"), snapshot)


# -- a folder above the shipped catalog


@pytest.fixture
def own_folder(tmp_path):
    """A user's folder that does not exist yet, and the text of a provider file for it."""
    return tmp_path / "own"


def save(folder, name, text):
    onboarding.save_provider(folder / "providers" / f"{name}.toml", text, folder)


def test_the_first_provider_file_of_a_folder_keeps_the_shipped_providers(own_folder):
    save(own_folder, "acme", FILE)
    assert {"acme", "claude", "github"} <= {p.id for p in settings.load(own_folder, {}).providers}


def test_the_first_provider_file_leaves_the_other_settings_as_they_were(own_folder):
    own_folder.mkdir()
    (own_folder / "brownout.toml").write_text('[web]\nport = 9000\n\n[catalog]\nenabled = ["claude"]\n')
    save(own_folder, "acme", FILE)
    loaded = settings.load(own_folder, {})
    assert (loaded.web.port, [p.id for p in loaded.providers if p.enabled]) == (9000, ["claude"])


def test_a_folder_with_a_catalog_of_its_own_stays_without_the_shipped_one(folder):
    save(folder, "other", FILE.replace("acme", "other").replace("Acme", "Other"))
    assert {p.id for p in settings.load(folder, {}).providers} == {"acme", "other"}


def test_enabling_a_shipped_provider_writes_a_file_that_extends_it(own_folder):
    own_folder.mkdir()
    disabled = next(p for p in settings.load(own_folder, {}).providers if not p.enabled)
    page = DiscoveredPage(disabled.source, Snapshot("", ""), disabled.source.url)
    text, file = provider_switch.propose_enabling(page, own_folder)
    onboarding.save_provider(file, text, own_folder)
    assert settings.load(own_folder, {}).provider(disabled.id).enabled


# --- the address that people see --------------------------------------------------------------------------------------


async def found_on(paths):
    """What is found at the root of a host that answers these paths, and what was tried before."""
    async with serving(paths, {"/": "text/html"}) as (url, fetcher), fetcher() as reader:
        return await onboarding.discover_at(detection.Source("", "", "", url), reader, NOON)


async def test_a_page_of_status_io_is_found_by_its_plain_address():
    page_id = "5b36dc6502d06804c08349f7"
    paths = {"/": f"<script>var statuspage_id = '{page_id}'</script>".encode()}
    async with serving(paths, {"/": "text/html"}) as (url, fetcher):
        async with fetcher() as reader:
            html = await read_web_page(reader, url)
        first = detection.guess_sources(url, detection.Source("", "", "", url), html)[0].source
    assert (first.kind, first.url, first.page, first.home) == ("statusio", "https://api.status.io", page_id, html.url)


async def test_an_uptime_kuma_on_its_own_domain_is_found_by_what_its_server_says():
    page, heartbeats = PAGES["uptimekuma", "open"]
    found, _ = await found_on(
        {
            "/": b"<html><title>Uptime Kuma</title></html>",
            "/api/entry-page": b'{"type":"statusPageMatchedDomain","statusPageSlug":"acme"}',
            "/api/status-page/acme": page,
            "/api/status-page/heartbeat/acme": heartbeats,
        },
    )
    assert (found.source.kind, found.source.page) == ("uptimekuma", "acme")


async def test_a_page_is_found_by_the_feed_that_its_head_names():
    link = b'<link rel="alternate" type="application/rss+xml" href="/default/updates">'
    found, _ = await found_on({"/": link, "/default/updates": PAGES["feed", "per-update"][0]})
    assert (found.source.kind, found.source.path) == ("feed", "/default/updates")


@pytest.mark.parametrize("kind", ["rootly", "heroku", "cachet-v1", "cachet-v3", "openstatus", "betterstack"])
async def test_a_page_is_found_at_the_root_of_its_own_domain(kind):
    paths = dict(zip(FORMATS[kind].paths_of(source(kind)), PAGES[kind, "open"], strict=True))
    found, _ = await found_on({"/": b"<html>Status</html>", **paths})
    assert found.source.kind == kind


async def test_few_addresses_are_asked_where_a_page_names_its_system():
    bodies = PAGES["instatus", "open"]
    paths = {"/": b"<footer>Instatus</footer>", **dict(zip(FORMATS["instatus"].paths, bodies, strict=True))}
    _, attempts = await found_on(paths)
    assert attempts == ()


async def test_a_parent_page_is_refused_with_the_addresses_of_its_sub_pages():
    parent = b'{"summary":{"page_type":"parent","components":[],"ongoing_incidents":[],"scheduled_maintenances":[]}}'
    paths = {"/": b'<a href="/us">US</a> <a href="/eu">EU</a> incident.io'}
    async with serving(paths, {"/": "text/html"}) as (url, fetcher), fetcher() as reader:
        paths[f"/proxy/{url.removeprefix('http://')}"] = parent
        with pytest.raises(UsageError, match=r"parent of other pages.*/us, .*/eu"):
            await onboarding.discover_at(detection.Source("", "", "", url), reader, NOON)


@pytest.mark.parametrize(
    ("typed", "asked_for"),
    [
        ("https://health.aws.amazon.com/health/status", "--region"),
        ("status.aws.amazon.com", "--region"),
        ("https://status.salesforce.com", "--page"),
    ],
)
async def test_an_address_of_many_pages_is_answered_with_a_question(typed, asked_for):
    with pytest.raises(UsageError, match=asked_for):
        await onboarding.discover_page(ProviderOptions(typed), PageFetcher, NOON)


@pytest.mark.parametrize(
    ("typed", "options", "found"),
    [
        ("https://status.aws.amazon.com", {"regions": ("eu-west-1",)}, ("aws", "", "")),
        ("https://status.salesforce.com/instances/NA224", {}, ("salesforce", "NA224", "")),
        (
            "https://status.salesforce.com/products/Tableau",
            {},
            ("salesforce", "Tableau", "/v1/instances?products=Tableau"),
        ),
    ],
)
def test_an_address_that_says_which_page_is_tried_as_that_first(typed, options, found):
    first = detection.guess_sources(typed, detection.Source("", "", "", typed, **options))[0].source
    assert (first.kind, first.page, first.path) == found


async def test_a_second_page_of_a_shared_address_is_another_page(folder):
    """All pages of Status.io are read at one address."""
    snapshot = FORMATS["statusio"].parse(PAGES["statusio", "open"], source("statusio"), NOON)
    first, second = (
        DiscoveredPage(replace(source("statusio"), url="https://api.status.io", page=page), snapshot, "https://x")
        for page in ("5b36dc6502d06804c08349f7", "5b36dc6502d06804c08349f8")
    )
    text, file = onboarding.propose_file(ProviderOptions("x", ident="first"), first, folder)
    onboarding.write_provider_file(file, text, folder)
    _, other = onboarding.propose_file(ProviderOptions("x", ident="second"), second, folder)
    assert other.stem == "second"


def test_components_of_one_name_are_proposed_as_services_of_their_groups():
    groups = [Component(i, name, Condition.OPERATIONAL, is_group=True) for i, name in (("g", "Chat"), ("h", "Video"))]
    logins = [Component(i, "Login", Condition.OPERATIONAL, parent=p) for i, p in (("a", "g"), ("b", "h"))]
    proposed = provider_draft.propose_surfaces("acme", [*groups, *logins])
    assert {"acme-chat-login", "acme-video-login"} <= {ident for ident, _ in proposed}

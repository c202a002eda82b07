"""What all tests share: the recordings, where they are at hand, an event loop, an empty repository, and fakes."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from bot.storage import Repository
from tests.support.acme import Clock
from tests.support.fake_chat import FakeChat
from tests.support.fake_fetcher import FakeFetcher
from tests.support.one_case import one_case_of_each
from tests.support.scenario import Scenario
from tests.support.stores import SERVER, place, release, with_tables

settings.register_profile("default", deadline=None)  # machines are noisy; a slow example is no wrong one
settings.register_profile("quick", parent=settings.get_profile("default"), max_examples=20)
settings.load_profile("default")


def pytest_addoption(parser):
    parser.addoption(
        "--one-case",
        action="store_true",
        help="runs one case of each parametrised test, chosen by the seed of the random order",
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Slack's types see what all other tests have rendered, in whatever order these run."""
    if config.getoption("one_case"):
        chosen = one_case_of_each(items, config.getoption("randomly_seed", 0))
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = [item for item in items if item in chosen]
    items.sort(key=lambda item: item.path.name == "test_slack_types.py")
    if SERVER:
        skip = pytest.mark.skip(reason="of SQLite's files; this run is on PostgreSQL (BROWNOUT_POSTGRES)")
        for item in items:
            if item.get_closest_marker("sqlite"):
                item.add_marker(skip)


@pytest.fixture(scope="session")
def shared():
    """The folder with the real recordings; its tests skip where it is absent, since the texts are not ours to ship."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("BROWNOUT_SHARED", beside))
    if not folder.is_dir():
        pytest.skip("the recordings of real pages are not here (set BROWNOUT_SHARED to their folder)")
    return folder


@pytest.fixture(autouse=bool(SERVER))
def databases_are_used_again(request):
    """On PostgreSQL, the schemas of a test are emptied for later ones."""
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    if folder:
        release(folder)


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def repository(tmp_path):
    """Nothing was seen yet."""
    store = Repository.open(with_tables(place(tmp_path / "b.db")))
    yield store
    store.close()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def web():
    return FakeFetcher()


@pytest.fixture
def chat():
    return FakeChat()


@pytest.fixture
def scenario(tmp_path):
    """A bot's database and status pages of two made-up providers, on whose pages nothing has happened yet."""
    scenario = Scenario(place(tmp_path / "town.db"))
    yield scenario
    scenario.repository.close()

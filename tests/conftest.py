"""What every room's tests share: the recordings, where they are at hand, and the event loop they run on."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("house", deadline=None)  # machines are noisy; a slow example is no wrong one
settings.load_profile("house")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Slack's types see what all other tests have rendered."""
    items.sort(key=lambda item: item.path.name == "test_types.py")


@pytest.fixture(scope="session")
def shared():
    """The folder with the real recordings; its tests skip where it is absent, since the texts are not ours to ship."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("BROWNOUT_SHARED", beside))
    if not folder.is_dir():
        pytest.skip("the recordings of real pages are not here (set BROWNOUT_SHARED to their folder)")
    return folder


@pytest.fixture
def anyio_backend():
    return "asyncio"

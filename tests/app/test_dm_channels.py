"""The channels of direct messages are stored beside the event loop; a failure is only logged."""

import asyncio
from contextlib import closing

import pytest

from bot.app.dm_channels import StoredDmChannels
from bot.app.store_thread import StoreThread
from bot.errors import StoreError
from bot.storage import Repository
from bot.storage.loop_check import WORDS
from tests.support.stores import place

pytestmark = pytest.mark.anyio


async def save(store, *, is_debugging=False):
    """Saves one in a store thread, and waits until it is done."""
    asyncio.get_running_loop().set_debug(is_debugging)
    units = StoreThread()
    channels = StoredDmChannels(store, units)
    channels.save_dm_channel("U1", "D7")
    await asyncio.wait([*channels._saving])
    await units.close()


async def test_a_channel_is_stored_without_a_use_of_the_database_in_the_event_loop(tmp_path, caplog):
    with closing(Repository.open(place(tmp_path / "b.db"), alone=True)) as repository:
        await save(repository.schedules, is_debugging=True)
        assert WORDS not in caplog.text
        assert repository.schedules.dm_channels() == {"U1": "D7"}
        assert WORDS in caplog.text  # this test has asked in the event loop


async def test_one_that_can_not_be_stored_is_logged(caplog):
    class Full:
        def save_dm_channel(self, *_):
            raise StoreError("the disk is full")

    await save(Full())
    assert "the direct message channel of U1 could not be saved: the disk is full" in caplog.text

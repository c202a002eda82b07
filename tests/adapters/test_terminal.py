"""The terminal as a chat: what is drawn for a post, a reply and an edit."""

from io import StringIO

import pytest
from rich.console import Console

from bot.adapters.terminal import CHANNEL, TerminalClient
from bot.domain import Message
from tests.support.acme import Clock

pytestmark = pytest.mark.anyio


@pytest.fixture
def paper():
    return StringIO()


@pytest.fixture
def draw(paper):
    return lambda **more: TerminalClient(Console(file=paper, width=80), Clock(), **more)


async def test_a_post_is_drawn_with_its_time(draw, paper):
    await draw().post(CHANNEL, Message("Acme: API down"), thread_ts=None, broadcast=False)
    assert "12:00 UTC" in paper.getvalue()
    assert "Acme: API down" in paper.getvalue()


async def test_a_reply_is_indented_and_has_its_time(draw, paper):
    await draw().post(CHANNEL, Message("found it"), thread_ts="1", broadcast=False)
    assert paper.getvalue() == f"{'    12:00 UTC ↳ found it':80}\n"


async def test_a_broadcast_reply_says_so(draw, paper):
    await draw().post(CHANNEL, Message("over"), thread_ts="1", broadcast=True)
    assert "12:00 UTC ↳ also in the channel: over" in paper.getvalue()


async def test_slacks_escapes_are_undone(draw, paper):
    await draw().post(CHANNEL, Message("a &lt;b&gt; &amp; c"), thread_ts=None, broadcast=False)
    assert "a <b> & c" in paper.getvalue()


@pytest.mark.hostile(42)
async def test_what_looks_like_markup_is_drawn_as_it_is(draw, paper):
    await draw().post(CHANNEL, Message("[bold red]Acme[/] :fire:"), thread_ts=None, broadcast=False)
    assert "[bold red]Acme[/] :fire:" in paper.getvalue()


async def test_every_post_has_a_ts_of_its_own(draw):
    terminal = draw()
    told = [await terminal.post(CHANNEL, Message("x"), thread_ts=None, broadcast=False) for _ in range(3)]
    assert len(set(told)) == 3


@pytest.mark.parametrize(("with_edits", "is_drawn"), [(False, False), (True, True)])
async def test_edits_are_drawn_where_they_are_wanted(draw, paper, with_edits, is_drawn):
    await draw(with_edits=with_edits).edit(CHANNEL, "1", Message("Acme: over", key="inc1:alert"))
    assert ("Acme: over" in paper.getvalue()) is is_drawn


async def test_the_edit_of_a_notice_is_drawn_since_it_has_no_thread_that_says_it(draw, paper):
    await draw(with_edits=False).edit(CHANNEL, "1", Message("Acme: readable again", key="acme:blind"))
    assert "Acme: readable again" in paper.getvalue()

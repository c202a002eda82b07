"""Export: files of a summary and of an uptime, and what is said where Slack does not take them."""

import json

import pytest

from bot.commands import export_files
from bot.commands.types import ButtonClick
from bot.domain import ChatUser, Event, EventKind
from bot.errors import DeliveryError, UsageError
from tests.support.scenario import Scenario
from tests.support.slack_limits import assert_sendable
from tests.support.stores import place

pytestmark = pytest.mark.anyio

ADA = ChatUser("U1", "ada <!channel>")


class FakeUploads:
    def __init__(self, code=""):
        self.code = code
        self.taken = []

    async def upload(self, channel, files, comment):
        if self.code:
            raise DeliveryError("no", code=self.code)
        self.taken.append((channel, {f.name: f for f in files}, comment))


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    scenario = Scenario(place(tmp_path_factory.mktemp("town") / "town.db")).is_over()
    yield scenario
    scenario.repository.close()


async def exported(scenario, value, shelf=None, channel="C1"):
    shelf = shelf or FakeUploads()
    found = export_files.build_bundle(scenario.queries(), ButtonClick("export", value, channel, ADA, channel))
    reply = await export_files.upload_bundle(shelf, found, channel)
    if reply:
        assert_sendable(reply.message)
    return reply, shelf.taken


async def test_a_summary_is_three_files(scenario):
    reply, [(channel, files, _)] = await exported(scenario, "summary i-1")
    assert (reply, channel) == (None, "C1")
    assert list(files) == ["acme-i-1.md", "acme-i-1.json", "acme-i-1.png"]


async def test_they_are_what_their_names_say(scenario):
    _, [(_, files, _)] = await exported(scenario, "summary i-1")
    assert files["acme-i-1.md"].content.startswith(b"# Errors on the API")
    assert json.loads(files["acme-i-1.json"].content)["incident"]["id"] == "i-1"
    assert files["acme-i-1.png"].content.startswith(b"\x89PNG")


async def test_the_picture_has_words_for_who_does_not_see_it(scenario):
    _, [(_, files, _)] = await exported(scenario, "summary i-1")
    assert "Acme API" in files["acme-i-1.png"].alt


async def test_the_words_beside_them_ring_nobody(scenario):
    _, [(_, _, comment)] = await exported(scenario, "summary i-1")
    assert comment == "ada &lt;!channel&gt; exported the incident i-1 of Acme."


async def test_notes_of_another_channel_are_in_no_file(scenario):
    at = scenario.now()
    note = Event(EventKind.NOTE, "acme", at, at, incident="i-1", text="secret plan", author="bob", channel="C2")
    scenario.repository.archive.add_event(note)
    _, [(_, here, _)] = await exported(scenario, "summary i-1", channel="C1")
    _, [(_, there, _)] = await exported(scenario, "summary i-1", channel="C2")
    assert [b"secret plan" in f.content for f in here.values()] == [False, False, False]
    assert b"secret plan" in there["acme-i-1.md"].content


async def test_the_uptime_of_a_surface_is_a_picture_and_its_figures(scenario):
    _, [(_, files, comment)] = await exported(scenario, "uptime acme-api 7d")
    assert list(files) == ["acme-api.png", "acme-api.json"]
    assert "the uptime of Acme API" in comment


@pytest.mark.parametrize(
    ("length", "says"),
    [("12m", "for months write 12mo"), ("1x", "“1x” is not a duration"), ("0d", "out of range")],
)
async def test_an_uptime_of_a_length_that_is_none_is_refused(scenario, length, says):
    with pytest.raises(UsageError, match=says):
        export_files.build_bundle(
            scenario.queries(), ButtonClick("export", f"uptime acme-api {length}", "C1", ADA, "C1")
        )


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("missing_scope", "lacks the scope files:write"),
        ("not_in_channel", "/invite @brownout"),
        ("channel_not_found", "/invite @brownout"),
        ("fatal_error", "rejected the files (fatal_error)"),
    ],
)
async def test_a_refusal_says_what_to_do_and_what_gives_the_same(scenario, code, says):
    reply, taken = await exported(scenario, "summary i-1", FakeUploads(code))
    assert says in reply.message.text
    assert "brownout export i-1" in reply.message.text
    assert taken == []


async def test_a_picture_that_can_not_be_drawn_is_missed_aloud(scenario):
    def fails():
        raise UsageError("Pictures need matplotlib: pip install matplotlib")

    shelf = FakeUploads()
    found = export_files.build_bundle(scenario.queries(), ButtonClick("export", "summary i-1", "C1", ADA, "C1"))
    reply = await export_files.upload_bundle(
        shelf, export_files.FileBundle((*found.files[:2], fails), found.comment, found.shell), "C1"
    )
    assert "Without the picture: Pictures need matplotlib" in reply.message.text
    assert list(shelf.taken[0][1]) == ["acme-i-1.md", "acme-i-1.json"]


@pytest.mark.parametrize("value", ["unsubscribe acme", "retry acme-api", "uptime acme", "summary nothing-like-it"])
def test_nothing_else_is_exported(scenario, value):
    with pytest.raises(UsageError):
        export_files.build_bundle(scenario.queries(), ButtonClick("export", value, "C1", ADA, "C1"))

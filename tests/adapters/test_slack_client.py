"""SlackEdge against a loopback server that plays Slack's answers."""

import asyncio
import json
import logging
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack_client import (
    MAX_FALLBACK_TEXT,
    MAX_TEXT,
    SlackClient,
    TokenInfo,
    cannot_post_reason,
    request_socket_url,
    verify_bot_token,
)
from bot.domain import File, Message
from bot.errors import DeliveryError, RefusalScope
from tests.support.loopback import serving_app

pytestmark = pytest.mark.anyio

TOKEN = "xoxb-not-a-real-one"  # noqa: S105 - it opens nothing
MESSAGE = Message(
    text="Claude API: major outage, hold off",
    blocks=({"type": "section", "text": {"type": "plain_text", "text": "Claude API"}},),
    key="claude:inc-1:C1:opened",
)
SINCE = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TAKEN = {"ok": True, "channel": "C1", "ts": "1772452140.000100"}


class FakeSlack:
    """Gives its answers in turn and keeps what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def handle(self, request):
        is_json = request.content_type == "application/json"
        said = await request.json() if is_json else request.query_string or await request.text()
        self.asked.append((request.match_info["method"], said))
        answer = self.answers.pop(0)
        return await answer(request) if callable(answer) else web.json_response(answer)


def says(body, status=200, headers=None, content_type="application/json"):
    async def answer(_):
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(text=text, status=status, headers=headers, content_type=content_type)

    return answer


async def hangs(_):
    await asyncio.sleep(30)


async def drops(request):
    request.transport.abort()
    return web.Response()


@asynccontextmanager
async def slack(*answers, timeout_s=5):
    fake = FakeSlack(*answers)
    async with serving_app(web.route("*", "/api/{method}", fake.handle)) as url:
        fake.url = f"{url}/api/"
        yield SlackClient(TOKEN, base_url=fake.url, timeout_s=timeout_s), fake


async def refused(*answers, timeout_s=5):
    """The error of a post that gets these answers, and how often Slack was asked."""
    async with slack(*answers, timeout_s=timeout_s) as (edge, fake):
        with pytest.raises(DeliveryError) as caught:
            await edge.post("C1", MESSAGE)
    return caught.value, len(fake.asked)


async def test_a_post_returns_its_ts():
    async with slack(TAKEN) as (edge, _):
        assert await edge.post("C1", MESSAGE) == "1772452140.000100"


async def test_a_post_carries_text_blocks_and_key_and_unfurls_nothing():
    async with slack(TAKEN) as (edge, fake):
        await edge.post("C1", MESSAGE)
    assert fake.asked == [
        (
            "chat.postMessage",
            {
                "channel": "C1",
                "text": MESSAGE.text,
                "blocks": list(MESSAGE.blocks),
                "unfurl_links": False,
                "unfurl_media": False,
                "metadata": {"event_type": "brownout_post", "event_payload": {"key": "claude:inc-1:C1:opened"}},
            },
        )
    ]


async def test_a_reply_names_its_thread_and_stays_in_it():
    async with slack(TAKEN) as (edge, fake):
        await edge.post("C1", MESSAGE, thread_ts="1.2")
    [(_, asked)] = fake.asked
    assert asked["thread_ts"] == "1.2"
    assert "reply_broadcast" not in asked


async def test_a_broadcast_reply_is_shown_in_the_channel_too():
    async with slack(TAKEN) as (edge, fake):
        await edge.post("C1", MESSAGE, thread_ts="1.2", broadcast=True)
    assert fake.asked[0][1]["reply_broadcast"] is True


async def test_an_edit_replaces_text_and_blocks_in_place():
    async with slack(TAKEN) as (edge, fake):
        await edge.edit("C1", "1.2", MESSAGE)
    assert fake.asked == [
        (
            "chat.update",
            {
                "channel": "C1",
                "ts": "1.2",
                "text": MESSAGE.text,
                "blocks": list(MESSAGE.blocks),
                "attachments": list(MESSAGE.attachments),
            },
        )
    ]


BAR = {"color": "#B42318", "blocks": [{"type": "divider"}]}


async def test_a_message_with_a_bar_is_sent_with_text_blocks_and_attachments():
    async with slack(TAKEN) as (edge, fake):
        await edge.edit("C1", "1.2", replace(MESSAGE, attachments=(BAR,)))
    assert [fake.asked[0][1][key] for key in ("text", "blocks", "attachments")] == [
        MESSAGE.text,
        list(MESSAGE.blocks),
        [BAR],
    ]


@pytest.mark.parametrize("code", ["invalid_attachments", "invalid_blocks"])
async def test_refused_attachments_are_followed_by_the_blocks_and_then_by_the_text_alone(code):
    refusals = ({"ok": False, "error": code}, {"ok": False, "error": "invalid_blocks"})
    async with slack(*refusals, TAKEN) as (edge, fake):
        await edge.post("C1", replace(MESSAGE, attachments=(BAR,)))
    parts = [tuple(key for key in ("blocks", "attachments") if sent.get(key)) for _, sent in fake.asked]
    assert parts == [("blocks", "attachments"), ("blocks",), ()]


async def test_an_edit_without_blocks_takes_the_old_blocks_away():
    async with slack(TAKEN) as (edge, fake):
        await edge.edit("C1", "1.2", Message("plain"))
    assert fake.asked[0][1]["blocks"] == []


@pytest.mark.parametrize("letter", ["x", "é", "🔥"])
async def test_a_long_text_is_cut_to_what_slack_takes(letter):
    async with slack(TAKEN) as (edge, fake):
        await edge.edit("C1", "1.2", Message(letter * 5000))
    text = fake.asked[0][1]["text"]
    assert text.endswith(f"{letter}…")
    assert MAX_TEXT - 4 < len(text.encode()) <= MAX_TEXT


async def test_a_text_of_the_greatest_length_is_left_whole():
    async with slack(TAKEN) as (edge, fake):
        await edge.edit("C1", "1.2", Message("x" * MAX_TEXT))
    assert fake.asked[0][1]["text"] == "x" * MAX_TEXT


@pytest.mark.hostile(14)
async def test_a_lone_surrogate_does_not_stop_a_post():
    async with slack(TAKEN) as (edge, fake):
        await edge.post("C1", Message("half \ud83d of it"))
    assert fake.asked[0][1]["text"] == "half ? of it"


@pytest.mark.parametrize("code", ["invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"])
async def test_refused_blocks_are_followed_by_the_text_alone(code):
    async with slack({"ok": False, "error": code}, TAKEN) as (edge, fake):
        ts = await edge.post("C1", MESSAGE)
    assert ts == TAKEN["ts"]
    assert "blocks" in fake.asked[0][1]
    assert "blocks" not in fake.asked[1][1]
    assert fake.asked[1][1]["text"] == MESSAGE.text


async def test_refused_blocks_of_an_edit_are_followed_by_the_text_alone():
    async with slack({"ok": False, "error": "invalid_blocks"}, TAKEN) as (edge, fake):
        await edge.edit("C1", "1.2", MESSAGE)
    assert fake.asked[1] == (
        "chat.update",
        {"channel": "C1", "ts": "1.2", "text": MESSAGE.text, "blocks": [], "attachments": []},
    )


async def test_a_refusal_of_blocks_is_logged_with_the_payloads_hash(caplog):
    async with slack({"ok": False, "error": "invalid_blocks"}, TAKEN) as (edge, _):
        await edge.post("C1", MESSAGE)
    [line] = [r.getMessage() for r in caplog.records if r.name == "bot.adapters.slack_client"]
    assert line == "Slack refused payload a33c2f002a2c4999 (invalid_blocks); sending its text alone"


@pytest.mark.hostile(
    25,
    "Slack: 429 with no, absurd or endless Retry-After, `ok: false`, HTML, a revoked token, an archived channel",
    "bounded waits; nothing dropped; what waiting can't mend is parked with its remedy",
)
@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ({"Retry-After": "7"}, 7),
        ({}, 30),
        ({"Retry-After": "abc"}, 30),
        ({"Retry-After": "nan"}, 30),
        ({"Retry-After": "inf"}, 30),
        ({"Retry-After": "-3"}, 1),
        ({"Retry-After": "1000000000"}, 300),
    ],
)
async def test_slow_down_names_a_bounded_wait(header, wait):
    error, asked = await refused(says({"ok": False, "error": "ratelimited"}, 429, header))
    assert (error.code, error.permanent, error.retry_after, asked) == ("ratelimited", False, wait, 1)


async def test_slow_down_in_an_answer_with_status_200_is_slow_down():
    error, _ = await refused({"ok": False, "error": "rate_limited"})
    assert (error.code, error.retry_after) == ("ratelimited", 30)


@pytest.mark.parametrize("kind", ["application/json", "text/html", "text/plain"])
async def test_a_server_error_is_tried_again_by_the_outbox_only(kind):
    error, asked = await refused(says("<h1>Bad gateway</h1>", 502, content_type=kind))
    assert (error.code, error.permanent, asked) == ("http_502", False, 1)


async def test_a_server_error_may_name_a_wait():
    error, _ = await refused(says("", 503, {"Retry-After": "9"}, "text/html"))
    assert (error.code, error.retry_after) == ("http_503", 9)


async def test_slacks_own_trouble_is_not_permanent():
    error, _ = await refused(says({"ok": False, "error": "internal_error"}, 500))
    assert (error.code, error.permanent) == ("internal_error", False)


@pytest.mark.hostile(25)
@pytest.mark.parametrize(
    "answer",
    [
        says("<h1>Welcome to the hotel's wifi</h1>", content_type="text/html"),
        says("fine", content_type="text/plain"),
        says("{", content_type="application/json"),
        says("[]"),
        says("[1]"),
        says("{}"),
        says({"ok": True}),
        says({"ok": True, "ts": 5}),
    ],
    ids=["html", "text", "half", "list", "items", "empty", "no ts", "number"],
)
async def test_an_answer_that_is_not_slacks_leaves_the_outcome_unknown(answer):
    error, asked = await refused(answer)
    assert (error.code, error.permanent, asked) == ("unknown_outcome", False, 1)


async def test_a_post_that_gets_no_answer_in_time_has_an_unknown_outcome():
    error, asked = await refused(hangs, timeout_s=1)
    assert (error.code, error.permanent, asked) == ("unknown_outcome", False, 1)


async def test_a_dropped_connection_is_not_posted_again_and_has_an_unknown_outcome():
    error, asked = await refused(drops)
    assert (error.code, error.permanent, asked) == ("unknown_outcome", False, 1)


async def test_without_a_connection_nothing_was_sent():
    async with slack() as (edge, _):
        pass
    with pytest.raises(DeliveryError) as caught:
        await edge.post("C1", MESSAGE)
    assert (caught.value.code, caught.value.permanent) == ("unreachable", False)


@pytest.mark.hostile(25)
@pytest.mark.parametrize(
    "code",
    [
        "not_in_channel",
        "channel_not_found",
        "is_archived",
        "token_revoked",
        "account_inactive",
        "invalid_auth",
    ],
)
async def test_a_refusal_that_waiting_does_not_mend_is_permanent_and_says_the_remedy(code):
    error, asked = await refused({"ok": False, "error": code})
    assert (error.code, error.permanent, asked) == (code, True, 1)
    assert str(error).startswith(f"Slack did not take the message to C1: {code} (")


async def test_an_unheard_of_refusal_is_tried_again():
    error, _ = await refused({"ok": False, "error": "mercury_in_retrograde"})
    assert (error.code, error.permanent) == ("mercury_in_retrograde", False)


@pytest.mark.parametrize("code", ["message_not_found", "cant_update_message", "edit_window_closed", "is_inactive"])
async def test_a_message_that_can_not_be_edited_any_more_has_its_own_code(code):
    async with slack({"ok": False, "error": code}) as (edge, _):
        with pytest.raises(DeliveryError) as caught:
            await edge.edit("C1", "1.2", MESSAGE)
    assert (caught.value.code, caught.value.permanent) == ("message_not_found", False)


async def test_a_knock_is_answered():
    async with slack({"ok": True, "url": "wss://127.0.0.1/1"}) as (_, fake):
        await request_socket_url("xapp-1", base_url=fake.url)
    assert [method for method, _ in fake.asked] == ["apps.connections.open"]


async def test_a_knock_with_a_refused_token_names_the_token_to_check():
    async with slack({"ok": False, "error": "invalid_auth"}) as (_, fake):
        with pytest.raises(DeliveryError, match=r"^Slack refuses SLACK_APP_TOKEN \(invalid_auth\)") as caught:
            await request_socket_url("xapp-1", base_url=fake.url)
    assert caught.value.permanent


async def test_a_knock_on_a_bad_day_may_be_tried_again():
    async with slack(says({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": "7"})) as (_, fake):
        with pytest.raises(DeliveryError) as caught:
            await request_socket_url("xapp-1", base_url=fake.url)
    assert (caught.value.permanent, caught.value.retry_after) == (False, 7)


@pytest.mark.hostile(58)
@pytest.mark.parametrize("answer", [{"ok": False, "error": "invalid_auth"}, says("no", 500), drops])
async def test_no_token_is_in_a_log_line_or_an_error(answer, caplog):
    caplog.set_level(logging.DEBUG)
    async with slack(answer) as (edge, _):
        with pytest.raises(DeliveryError) as caught:
            await edge.post("C1", MESSAGE)
    told = "".join(str(e) for e in (caught.value, caught.value.__cause__, edge)) + caplog.text
    assert TOKEN not in told
    assert "xoxb" not in told


# --- what a refusal is about --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "blame"),
    [
        ("not_in_channel", RefusalScope.CHANNEL),
        ("channel_not_found", RefusalScope.CHANNEL),
        ("is_archived", RefusalScope.CHANNEL),
        ("token_revoked", RefusalScope.WORKSPACE),
        ("no_text", RefusalScope.POST),
    ],
)
async def test_a_refusal_says_what_waits_with_it_and_what_people_can_do(code, blame):
    error, _ = await refused({"ok": False, "error": code})
    assert (error.permanent, error.blame, error.remedy in str(error)) == (True, blame, True)


async def test_metadata_that_slack_refuses_is_left_out():
    async with slack({"ok": False, "error": "metadata_too_large"}, TAKEN) as (edge, fake):
        await edge.post("C1", MESSAGE)
    assert ["metadata" in asked for _, asked in fake.asked] == [True, False]


async def test_a_text_that_is_too_long_again_and_again_gets_shorter():
    too_long = {"ok": False, "error": "msg_too_long"}
    async with slack(too_long, too_long, too_long, TAKEN) as (edge, fake):
        await edge.post("C1", Message("word " * 700, MESSAGE.blocks, "k"))
    assert [len(asked["text"].encode()) for _, asked in fake.asked] == [3500, 1000, 300, 100]


async def test_a_text_that_slack_calls_too_long_is_sent_as_its_beginning():
    async with slack({"ok": False, "error": "msg_too_long"}, TAKEN) as (edge, fake):
        await edge.post("C1", Message("word " * 700, MESSAGE.blocks, "k"))
    sent = fake.asked[1][1]
    assert (len(sent["text"].encode()), sent["text"][-1], "blocks" in sent) == (MAX_FALLBACK_TEXT, "…", False)


# --- looking for a post -------------------------------------------------------------------------------------------------


def history(*keys, cursor=""):
    """A page of a channel's history; a key of None is somebody else's message."""
    of_ours = [{"event_type": "brownout_post", "event_payload": {"key": key}} if key else None for key in keys]
    messages = [{"ts": f"{9 - n}.0", "text": "x"} | ({"metadata": m} if m else {}) for n, m in enumerate(of_ours)]
    return {"ok": True, "messages": messages, "response_metadata": {"next_cursor": cursor}}


async def looked(*answers, thread_ts=None):
    """What a poll for the key finds among these answers, and what Slack was asked."""
    async with slack(*answers) as (edge, fake):
        found = await edge.find_message("C1", "k", SINCE, thread_ts=thread_ts)
    return found, [(method, dict(parse_qsl(body))) for method, body in fake.asked]


async def test_a_post_is_found_by_its_key():
    found, [(method, asked)] = await looked(history(None, "other", "k"))
    assert (found, method) == ("7.0", "conversations.history")
    assert (asked["oldest"], asked["include_all_metadata"]) == (f"{SINCE.timestamp():.6f}", "1")


async def test_of_two_the_newer_one_is_found():
    assert (await looked(history("k", "k")))[0] == "9.0"


async def test_a_reply_is_looked_for_in_its_thread():
    found, [(method, asked)] = await looked(history("k"), thread_ts="1.2")
    assert (found, method, asked["ts"]) == ("9.0", "conversations.replies", "1.2")


async def test_a_history_without_it_has_none():
    assert (await looked(history("other")))[0] is None


async def test_a_history_is_read_on_until_it_is_found():
    found, asked = await looked(history("other", cursor="more"), history("k"))
    assert (found, asked[1][1]["cursor"]) == ("9.0", "more")


async def test_a_history_without_an_end_is_given_up():
    found, asked = await looked(*[history("other", cursor="more")] * 5)
    assert (found, len(asked)) == (None, 5)


async def test_without_the_scope_it_says_so_and_never_looks_again():
    async with slack({"ok": False, "error": "missing_scope"}) as (edge, _):
        with pytest.raises(DeliveryError) as caught:
            await edge.find_message("C1", "k", SINCE)
    assert (caught.value.code, caught.value.permanent, edge.can_search_history) == ("missing_scope", True, False)


@pytest.mark.parametrize(("scopes", "looks"), [("chat:write", False), ("chat:write,channels:history", True)])
async def test_slack_says_with_every_post_whether_histories_may_be_read(scopes, looks):
    async with slack(says(TAKEN, headers={"x-oauth-scopes": scopes})) as (edge, _):
        await edge.post("C1", MESSAGE)
    assert edge.can_search_history is looks


async def test_who_wants_no_look_up_gets_none():
    assert not SlackClient(TOKEN, look_up=False).can_search_history


# --- people, Homes, groups and files ----------------------------------------------------------------------------------

IN_A_ROOM = TAKEN | {"channel": "D7"}


class FakeDmChannels:
    def __init__(self):
        self.kept = {}

    def save_dm_channel(self, person, channel):
        self.kept[person] = channel


async def with_rooms(rooms, *answers):
    async with slack(*answers) as (_, fake):
        known = SlackClient(TOKEN, base_url=fake.url, rooms=rooms)
        await known.post("U1", MESSAGE)
        await known.edit("U1", "1.0", MESSAGE)
    return fake.asked


async def test_an_edit_for_a_person_goes_to_the_room_that_slack_named():
    rooms = FakeDmChannels()
    (_, posted), (_, edited) = await with_rooms(rooms, IN_A_ROOM, TAKEN)
    assert (posted["channel"], edited["channel"]) == ("U1", "D7")
    assert rooms.kept == {"U1": "D7"}


async def test_a_room_is_remembered_after_a_restart():
    async with slack(TAKEN) as (_, fake):
        again = SlackClient(TOKEN, base_url=fake.url, rooms=FakeDmChannels())
        again.know_dm_channels({"U1": "D7"})
        await again.edit("U1", "1.0", MESSAGE)
    assert fake.asked[0][1]["channel"] == "D7"


async def test_without_the_room_the_message_is_as_good_as_gone():
    async with slack() as (edge, _):
        with pytest.raises(DeliveryError) as refused:
            await edge.edit("U1", "1.0", MESSAGE)
    assert refused.value.code == "message_not_found"


async def test_a_home_is_published_over_the_state_that_was_drawn_last():
    async with slack({"ok": True, "view": {"hash": "2.b"}}) as (edge, fake):
        assert await edge.publish_home("U1", {"type": "home", "blocks": []}, "1.a") == "2.b"
    [(method, asked)] = fake.asked
    assert (method, "1.a" in str(asked)) == ("views.publish", True)


@pytest.mark.parametrize("code", ["hash_conflict", "not_enabled"])
async def test_why_a_home_was_not_taken_is_in_the_code(code):
    async with slack({"ok": False, "error": code}) as (edge, _):
        with pytest.raises(DeliveryError) as refused:
            await edge.publish_home("U1", {"type": "home", "blocks": []})
    assert refused.value.code == code


async def test_the_members_of_a_group_are_its_users():
    async with slack({"ok": True, "users": ["U1", "U2"]}) as (edge, _):
        assert await edge.group_members("S1") == {"U1", "U2"}


async def test_one_history_that_lacks_its_scope_keeps_nobody_from_looking_into_others():
    granted = {"x-oauth-scopes": "chat:write,channels:history"}
    async with slack(says(TAKEN, headers=granted), {"ok": False, "error": "missing_scope"}) as (edge, _):
        await edge.post("C1", MESSAGE)
        with pytest.raises(DeliveryError):
            await edge.find_message("D1", "k", SINCE)
    assert edge.can_search_history


async def test_an_answer_without_messages_is_no_proof_that_it_did_not_arrive():
    async with slack({"ok": True}) as (edge, _):
        with pytest.raises(DeliveryError) as caught:
            await edge.find_message("C1", "k", SINCE)
    assert (caught.value.code, caught.value.permanent) == ("no_history", False)


@pytest.mark.parametrize("answer", [says("<html>", content_type="text/html"), says([1])], ids=["a page", "a list"])
async def test_a_strange_answer_about_a_group_is_no_crash(answer):
    async with slack(answer) as (edge, _):
        with pytest.raises(DeliveryError):
            await edge.group_members("S1")


async def test_files_are_uploaded_one_by_one_and_shown_together():
    where = {"ok": True, "upload_url": "http://127.0.0.1:1/", "file_id": "F1"}
    async with slack(where, says("OK - 3", content_type="text/plain"), {"ok": True, "files": [{"id": "F1"}]}) as (
        edge,
        fake,
    ):
        where["upload_url"] = f"{fake.url}upload"
        await edge.upload("C1", [File("a.md", b"# A", "A" * 999, "word " * 999)], "ada exports it.")
    assert [method for method, _ in fake.asked] == [
        "files.getUploadURLExternal",
        "upload",
        "files.completeUploadExternal",
    ]


@pytest.mark.parametrize("code", ["missing_scope", "not_in_channel"])
async def test_why_files_were_not_taken_is_in_the_code(code):
    async with slack({"ok": False, "error": code}) as (edge, _):
        with pytest.raises(DeliveryError) as refused:
            await edge.upload("C1", [File("a.md", b"# A")], "")
    assert refused.value.code == code


async def test_bytes_that_slack_does_not_take_are_a_refusal():
    where = {"ok": True, "upload_url": "", "file_id": "F1"}
    async with slack(where, says("no", status=400, content_type="text/plain")) as (edge, fake):
        where["upload_url"] = f"{fake.url}upload"
        with pytest.raises(DeliveryError) as refused:
            await edge.upload("C1", [File("a.md", b"# A")], "")
    assert refused.value.code == "upload_failed"


# --- where a message is -----------------------------------------------------------------------------------------------

HOME = "https://acme.slack.example/"


async def test_a_message_s_address_needs_no_call():
    async with slack() as (edge, fake):
        edge.set_identity(TokenInfo(home=HOME))
        assert edge.permalink("C1", "1772452140.000100") == f"{HOME}archives/C1/p1772452140000100"
        assert fake.asked == []


async def test_before_slack_has_said_where_the_workspace_is_a_message_has_no_address():
    async with slack() as (edge, _):
        assert edge.permalink("C1", "1772452140.000100") == ""


async def test_what_is_no_web_address_is_no_home():
    async with slack() as (edge, _):
        edge.set_identity(TokenInfo(home="javascript:alert(1)//"))
        assert edge.permalink("C1", "1772452140.000100") == ""


async def test_a_direct_message_s_address_is_in_its_room():
    async with slack(TAKEN | {"channel": "D1"}) as (edge, _):
        edge.set_identity(TokenInfo(home=HOME))
        assert edge.permalink("U1", "1.2") == ""
        await edge.post("U1", Message("hello", (), "k"))
        assert edge.permalink("U1", "1.2") == f"{HOME}archives/D1/p12"


async def test_slack_says_where_the_workspace_is_as_it_says_who_we_are():
    async with slack({"ok": True, "url": HOME}) as (_, fake):
        assert (await verify_bot_token("xoxb-1", base_url=fake.url)).home == HOME


# --- whether a channel takes posts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"ok": True, "channel": {"id": "C1", "is_member": False}}, ""),
        ({"ok": True, "channel": {"id": "C1", "is_archived": True}}, "is_archived"),
        ({"ok": False, "error": "channel_not_found"}, "channel_not_found"),
        ({"ok": False, "error": "missing_scope"}, ""),
        (drops, ""),
    ],
    ids=["public", "archived", "private", "no scope", "no answer"],
)
async def test_whether_a_channel_would_take_posts(answer, why):
    async with slack(answer) as (_, fake):
        client = AsyncWebClient(token=TOKEN, base_url=fake.url, retry_handlers=[])
        assert await cannot_post_reason(client, "C1") == why


async def connections_of_two_posts(*, is_kept):
    """Over how many connections two posts leave."""
    ports = set()

    async def answer(request):
        ports.add(request.transport.get_extra_info("peername")[1])
        return web.json_response({"ok": True, "ts": "1.0", "channel": "C1"})

    async with serving_app(web.post("/api/{method}", answer)) as url:
        edge = SlackClient(TOKEN, base_url=f"{url}/api/")
        keeping = asyncio.create_task(edge.keep_connections() if is_kept else asyncio.sleep(0))
        await asyncio.sleep(0)
        for _ in range(2):
            await edge.post("C1", MESSAGE)
        keeping.cancel()
        await asyncio.wait([keeping])
        await edge.post("C1", MESSAGE)
    return len(ports)


@pytest.mark.parametrize(("is_kept", "opened"), [(True, 2), (False, 3)])
async def test_posts_share_a_connection_while_connections_are_kept_and_later_ones_open_their_own(is_kept, opened):
    assert await connections_of_two_posts(is_kept=is_kept) == opened


@pytest.mark.parametrize(
    ("answer", "is_accepted"),
    [
        ({"ok": True}, True),
        ({"ok": False, "error": "invalid_auth"}, False),
        ({"ok": False, "error": "fatal_error"}, None),
    ],
)
async def test_whether_slack_accepts_the_token_is_asked_by_auth_test(answer, is_accepted):
    async with slack(answer) as (edge, fake):
        found = await edge.is_token_accepted()
    assert (found, fake.asked[0][0]) == (is_accepted, "auth.test")


class LeaseIsOverError(Exception):
    """What a guard raises in place of ending the process."""


@asynccontextmanager
async def guarded_slack(guard):
    """A client with a guard on a Slack that counts requests by method, closed by the keeper of its connections."""
    seen = []

    async def answer(request):
        seen.append(request.match_info["method"])
        return web.json_response({"ok": True, "ts": "1.0", "channel": "C1"})

    async with serving_app(web.post("/api/{method}", answer)) as url:
        client = SlackClient(TOKEN, base_url=f"{url}/api/", guard=guard)
        try:
            yield client, seen
        finally:
            keeping = asyncio.create_task(client.keep_connections())
            await asyncio.sleep(0)
            keeping.cancel()
            await asyncio.wait([keeping])


async def test_the_very_first_post_is_guarded_before_connections_are_kept():
    def is_over():
        raise LeaseIsOverError

    async with guarded_slack(is_over) as (client, seen):
        with pytest.raises(LeaseIsOverError):
            await client.post("C1", MESSAGE)
    assert seen == []


async def test_an_edit_is_guarded_as_a_post_is():
    asked = []
    async with guarded_slack(lambda: asked.append(1)) as (client, _):
        await client.post("C1", MESSAGE)
        await client.edit("C1", "1.0", MESSAGE)
    assert len(asked) == 2


async def test_what_is_no_message_needs_no_lease():
    asked = []
    async with guarded_slack(lambda: asked.append(1)) as (client, seen):
        await client.post("C1", MESSAGE)
        await client.is_token_accepted()
    assert (seen, asked) == (["chat.postMessage", "auth.test"], [1])

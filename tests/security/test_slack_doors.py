"""What somebody who is not Slack, or has a copy of what Slack sent, may try at Slack's servers."""

import asyncio
import json
import logging
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.slack.http_mode import FORM_TYPE, JSON_TYPE, PATH
from bot.slack.signature import sign, signature_error
from tests.support.signed_requests import NOON, SECRET, signed_endpoint

pytestmark = pytest.mark.anyio
hostile = pytest.mark.hostile


@pytest.fixture
async def web_server(tmp_path):
    async with signed_endpoint(tmp_path / "b.db") as web_server:
        yield web_server


async def refused(web_server, body, headers, status=401):
    """Sends it; it is refused, with nothing said about why, and no listener hears of it."""
    answer = await web_server.post(body, headers=headers)
    assert (answer.status_code, answer.text, web_server.heard) == (status, "not accepted", [])


# --- the signature ----------------------------------------------------------------------------------------------------


@hostile(1, "a command with a wrong, empty or missing signature", "401; no listener runs")
@pytest.mark.parametrize("signature", [None, "", "v0=", "v0=" + "0" * 64, "v1=" + "0" * 64, "x" * 10_000])
async def test_a_command_that_slack_did_not_sign_is_refused(web_server, signature):
    headers = web_server.headers(body := web_server.command())
    del headers["x-slack-signature"]
    await refused(web_server, body, headers | ({} if signature is None else {"x-slack-signature": signature}))


@hostile(1)
async def test_a_signature_by_another_secret_is_refused(web_server):
    await refused(web_server, body := web_server.command(), web_server.headers(body, secret="f" * 32))


@hostile(1)
async def test_a_signature_of_another_body_is_refused(web_server):
    await refused(web_server, web_server.command("mute all"), web_server.headers(web_server.command("status")))


@hostile(1)
async def test_without_a_secret_nothing_is_signed(web_server):
    web_server.web_server.secret = ""
    await refused(web_server, body := web_server.command(), web_server.headers(body, secret=""))


@hostile(2, "a signed command from 6 minutes ago, or from the future", "401")
@pytest.mark.parametrize("minutes", [-6, 6, 60 * 24 * 365])
async def test_an_old_or_early_signature_is_refused(web_server, minutes):
    web_server.web_server._started_at = 0
    body = web_server.command()
    await refused(web_server, body, web_server.headers(body, at=NOON + timedelta(minutes=minutes)))


@hostile(3, "a timestamp that is no number: `abc`, empty, `nan`", "401 (Bolt's own check answers 500 and a traceback)")
@pytest.mark.parametrize("stamp", ["abc", "", "nan", "1e9", "9" * 400])
async def test_a_timestamp_that_is_no_number_is_refused(web_server, caplog, stamp):
    body = web_server.command()
    headers = {
        "content-type": FORM_TYPE,
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": sign(SECRET, stamp, body),
    }
    await refused(web_server, body, headers)
    assert not any(record.exc_info for record in caplog.records)


@hostile(4, "the same signed command again, within its five minutes", "200, and no second effect")
async def test_a_replayed_command_acts_once(web_server):
    body = web_server.command("subscribe claude")
    headers = web_server.headers(body)
    answers = []
    for web_server.minute in (0, 1, 4.9):
        answers.append((await web_server.post(body, headers=headers)).status_code)
    assert (answers, web_server.heard) == ([200, 200, 200], ["subscribe claude"])


@hostile(4)
async def test_a_replayed_modal_acts_once(web_server):
    view = {"id": "V1", "callback_id": "settings", "type": "modal", "state": {"values": {}}}
    payload = {"type": "view_submission", "team": {"id": "T1"}, "user": {"id": "U1"}, "view": view}
    body = urlencode({"payload": json.dumps(payload)}).encode()
    headers = web_server.headers(body)
    for _ in range(2):
        await web_server.post(body, headers=headers)
    assert web_server.heard == ["V1"]


@hostile(4)
async def test_a_check_of_the_certificate_needs_no_signature_and_does_nothing(web_server):
    answer = await web_server.post(
        b"ssl_check=1&token=x&command=%2Fbrownout&text=mute+all", headers={"content-type": FORM_TYPE}
    )
    assert (answer.status_code, answer.content, web_server.heard) == (200, b"", [])


@hostile(30, "two signatures, or two timestamps, in one request", "401; nobody chooses which one counts")
@pytest.mark.parametrize("name", ["x-slack-signature", "x-slack-request-timestamp"])
async def test_a_header_that_is_there_twice_is_refused(web_server, name):
    headers = [*web_server.headers(body := web_server.command()).items()]
    twice = [*headers, (name, dict(headers)[name])]
    answer = await web_server.client.post(PATH, content=body, headers=twice)
    assert answer.status_code == 401


@hostile(31, "a timestamp as only a lenient parser reads it: unicode figures, `+`, `_`, blanks, a sign", "401")
@pytest.mark.parametrize("odd", ["+{}", "{} ", " {}", "-{}", "{}_0", "{}.0", "0x{}", "{}\u0660", "\uff11{}"])
def test_a_timestamp_that_only_python_takes_for_a_number_is_refused(odd):
    stamp = odd.format(int(NOON.timestamp()))
    assert signature_error(SECRET, [stamp], [sign(SECRET, stamp, b"x")], b"x", NOON) == "a timestamp that is no number"


@hostile(
    36,
    "a signed command from before this process began, sent again after a restart",
    "401; the former may have heard it",
)
async def test_a_command_of_the_former_life_is_refused(tmp_path):
    async with signed_endpoint(tmp_path / "b.db") as before:
        body = before.command("mute all")
        headers = before.headers(body)
        await before.post(body, headers=headers)
    async with signed_endpoint(tmp_path / "b.db", now=lambda: NOON + timedelta(seconds=20)) as after:
        await refused(after, body, headers)


# --- the body ---------------------------------------------------------------------------------------------------------


@hostile(26, "a body of 2 MB, with its length declared or not", "413; no more of it is read")
@pytest.mark.parametrize("declares", [True, False])
async def test_a_large_body_is_refused(web_server, declares):
    body = b"x" * 2_000_000
    sent = []

    async def chunks():
        for start in range(0, len(body), 100_000):
            sent.append(start)
            yield body[start : start + 100_000]

    answer = await web_server.client.post(
        PATH, content=body if declares else chunks(), headers={"content-type": FORM_TYPE, "x-slack-signature": "x"}
    )
    assert answer.status_code == 413


@hostile(26)
@pytest.mark.parametrize("length", ["-1", "99999999999999999999", "1e3", "x"])
async def test_an_odd_length_is_refused(web_server, length):
    answer = await web_server.client.post(
        PATH, content=b"x", headers={"content-type": FORM_TYPE, "content-length": length}
    )
    assert answer.status_code == 413


@hostile(27, "a body that is no form and no JSON, packed, or sent with GET, PUT or DELETE", "415, or 405")
@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "text/html", "", "application/xml"])
async def test_a_body_of_another_kind_is_refused(web_server, kind):
    await refused(web_server, body := web_server.command(), web_server.headers(body, kind=kind), 415)


@hostile(27)
async def test_a_packed_body_is_refused(web_server):
    await refused(
        web_server, body := web_server.command(), web_server.headers(body) | {"content-encoding": "gzip"}, 415
    )


@hostile(27)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_another_method_is_refused(web_server, method):
    body = web_server.command()
    answer = await web_server.client.request(method, PATH, content=body, headers=web_server.headers(body))
    assert (answer.status_code, web_server.heard) == (405, [])


UNREADABLE = {
    "no JSON": (b"{", JSON_TYPE),
    "a list": (b"[]", JSON_TYPE),
    "a number of 5,000 figures": (b"9" * 5000, JSON_TYPE),
    "a hundred thousand deep": (b"[" * 100_000, JSON_TYPE),
    "no text": (b"\xff\xfe", JSON_TYPE),
    "ten thousand fields": (b"&".join(b"a%d=1" % n for n in range(10_000)), FORM_TYPE),
    "a payload that is no JSON": (b"payload=x", FORM_TYPE),
    "a payload that is deep": (b"payload=" + b"[" * 100_000, FORM_TYPE),
}


@hostile(28, "signed bytes that are no object: `{`, a list, 100,000 deep, 10,000 fields, no UTF-8", "400, no traceback")
@pytest.mark.parametrize("name", UNREADABLE)
async def test_what_can_not_be_read_is_refused(web_server, caplog, name):
    body, kind = UNREADABLE[name]
    await refused(web_server, body, web_server.headers(body, kind=kind), 400)
    assert not any(record.exc_info for record in caplog.records)


ODD_PAYLOADS = [
    {},
    {"type": "event_callback", "event_id": ["x"], "event": None},
    {"type": "block_actions", "actions": []},
    {"type": "view_submission"},
    {"type": "block_actions", "actions": "x", "user": 7, "team": []},
    {"command": "/brownout"},
    {"command": ["/brownout"], "text": {"a": 1}},
    {"type": "event_callback", "event": {"type": "app_home_opened"}, "authorizations": [{}]},
]


@hostile(28)
@pytest.mark.parametrize("payload", ODD_PAYLOADS, ids=range(len(ODD_PAYLOADS)))
async def test_a_payload_without_what_it_should_have_ends_nothing(web_server, payload):
    await web_server.post(json.dumps(payload).encode(), kind=JSON_TYPE)
    await web_server.type("status")
    assert web_server.heard[-1:] == ["status"]


@hostile(29, "headers that Bolt obeys and Slack never sends (`X-Slack-Bolt-Lazy-Only`)", "they do not reach Bolt")
async def test_headers_that_steer_bolt_are_dropped(web_server):
    body = web_server.command("status")
    steering = {"x-slack-bolt-lazy-only": "1", "x-slack-bolt-lazy-function-name": "handle"}
    await web_server.post(body, headers=web_server.headers(body) | steering)
    assert web_server.heard == ["status"]


@hostile(34, "a body that never comes, or comes a byte at a time", "408 within five seconds")
async def test_a_body_that_does_not_come_is_given_up(web_server):
    web_server.web_server.patience_s = 0.05

    async def drips():
        yield b"command="
        await asyncio.sleep(30)

    answer = await web_server.client.post(PATH, content=drips(), headers={"content-type": FORM_TYPE})
    assert answer.status_code == 408


@hostile(35, "a thousand bad requests a minute", "one log line for each kind, and nothing of them in it")
async def test_bad_requests_do_not_fill_the_log(web_server, caplog):
    caplog.set_level(logging.INFO)
    for n in range(500):
        await web_server.client.post(PATH, content=b"text=EVIL%d" % n, headers={"content-type": FORM_TYPE})
        await web_server.client.post(PATH, content=b"EVIL", headers={"content-type": "text/plain"})
    lines = [r.message for r in caplog.records if r.name == "brownout"]
    assert lines == [
        "a request to /slack/events was refused: no signature",
        "a request to /slack/events was refused: a body of a kind that Slack does not send",
    ]


# --- events -----------------------------------------------------------------------------------------------------------


@hostile(32, "an event thrice: as Slack's retry, after a restart, over the socket", "its listener runs once")
async def test_a_retried_event_is_heard_once(web_server):
    for number in range(3):
        await web_server.event("Ev1", retry=number)  # signed anew each time, as Slack does
    assert web_server.heard == ["Ev1"]


@hostile(32)
async def test_a_retried_event_is_heard_once_over_a_restart(tmp_path):
    heard = []
    for _ in range(2):
        async with signed_endpoint(tmp_path / "b.db") as web_server:
            await web_server.event("Ev1")
            heard += web_server.heard
    assert heard == ["Ev1"]


@hostile(32)
async def test_a_retried_event_is_heard_once_over_the_socket(web_server):
    body = {"type": "event_callback", "event_id": "Ev1", "team_id": "T1", "event": {"type": "app_home_opened"}}
    for _ in range(3):
        await web_server.web_server.bolt.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode"))
        await web_server.settled()
    assert web_server.heard == ["Ev1"]


@hostile(32)
async def test_an_event_is_forgotten_after_a_day(web_server):
    for web_server.minute in (0, 60 * 26):
        await web_server.event("Ev1")
    assert web_server.heard == ["Ev1", "Ev1"]


@hostile(
    33,
    "a challenge that is unsigned, or a page: `<script>`, 100 KB",
    "401; else JSON that no browser takes for a page, cut",
)
async def test_an_unsigned_challenge_is_refused(web_server):
    await refused(web_server, b'{"type": "url_verification", "challenge": "abc"}', {"content-type": JSON_TYPE})


@hostile(33)
@pytest.mark.parametrize("challenge", ["<script>alert(1)</script>", "x" * 100_000, {"a": 1}, None])
async def test_a_challenge_is_no_page(web_server, challenge):
    answer = await web_server.post(
        json.dumps({"type": "url_verification", "challenge": challenge}).encode(), kind=JSON_TYPE
    )
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert len(answer.content) < 1000


@hostile(58)
async def test_what_slack_signs_is_in_no_log_line(web_server, caplog):
    caplog.set_level(logging.DEBUG, logger="brownout")
    await web_server.type("a SECRET word", response_url="http://127.0.0.1:9/respond/TICKET")
    await web_server.post(b"text=SECRET", headers={"content-type": FORM_TYPE})
    assert not [r for r in caplog.records if "SECRET" in r.getMessage() or "TICKET" in r.getMessage()]

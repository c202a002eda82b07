"""Tools over HTTP on loopback: what arrives, how it is signed, and what each bad answer means."""

import asyncio
import base64
import hashlib
import hmac
import json
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiohttp import web

from bot.adapters import tool_client
from bot.adapters.tool_client import HttpToolClient, decode_secret
from bot.errors import DeliveryError, RefusalScope
from bot.messages.tools import HTTP_KINDS
from bot.messages.tools.base import ToolAddress
from tests.messages.test_tools import STEPS_OF_A_DAY, meaning
from tests.support.acme import NOON, Clock
from tests.support.loopback import abort, serving_app, serving_raw

pytestmark = pytest.mark.anyio

OLD, NEW_SECRET = (f"whsec_{base64.b64encode(bytes([n]) * 24).decode()}" for n in (1, 2))


class Receiver:
    """Keeps requests, and answers with ``response``."""

    def __init__(self):
        self.requests = []
        self.response = web.Response

    async def answer(self, request):
        self.requests.append((request.path_qs, dict(request.headers), await request.read()))
        response = self.response()
        return await response if asyncio.iscoroutine(response) else response


@asynccontextmanager
async def receiving(kind="webhook", secrets=(), key="s3cret-key", path="/hook", guard=None):
    receiver = Receiver()
    async with (
        serving_app(web.route("*", "/{path:.*}", receiver.answer)) as url,
        HttpToolClient(HTTP_KINDS[kind], ToolAddress(f"{url}{path}", key), Clock(), secrets, guard=guard) as client,
    ):
        yield receiver, client


async def send(client, announcement=None, parent=None):
    return await client.post("notify:t", announcement or meaning(), thread_ts=parent, broadcast=False)


async def refusal(response, kind="webhook"):
    async with receiving(kind) as (receiver, client):
        receiver.response = response
        with pytest.raises(DeliveryError) as caught:
            await send(client)
    return caught.value


@pytest.mark.parametrize("kind", HTTP_KINDS)
async def test_each_kind_reaches_its_server_with_every_step(kind):
    async with receiving(kind, path="/topic") as (receiver, client):
        parent = await send(client)
        for step in ("updated", "acknowledged", "resolved"):
            await send(client, STEPS_OF_A_DAY[step], parent)
    assert parent == "brownout/acme/i1"
    assert len(receiver.requests) == (3 if kind in ("alertmanager", "incidentio", "rootly") else 4)


def verified(secret, headers, body):
    """As a receiver does it: the signature of id, timestamp and body is one of those in the header."""
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return f"v1,{digest}" in headers["webhook-signature"].split(" ")


async def test_a_webhook_is_signed_and_dated():
    async with receiving(secrets=(NEW_SECRET,)) as (receiver, client):
        await send(client)
    [(_, headers, body)] = receiver.requests
    assert verified(NEW_SECRET, headers, body)
    assert headers["webhook-timestamp"] == str(int(NOON.timestamp()))


async def test_with_two_secrets_either_verifies_it():
    async with receiving(secrets=(NEW_SECRET, OLD)) as (receiver, client):
        await send(client)
    [(_, headers, body)] = receiver.requests
    assert verified(NEW_SECRET, headers, body)
    assert verified(OLD, headers, body)


async def test_a_changed_body_or_another_secret_does_not_verify():
    async with receiving(secrets=(NEW_SECRET,)) as (receiver, client):
        await send(client)
    [(_, headers, body)] = receiver.requests
    assert not verified(NEW_SECRET, headers, body + b" ")
    assert not verified(OLD, headers, body)


async def test_the_signature_of_the_specifications_example():
    headers = tool_client.signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        NOON.fromtimestamp(1614265330, NOON.tzinfo),
        b'{"test": 2432232314}',
        (decode_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),),
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_every_attempt_has_the_same_id_and_every_message_another():
    async with receiving() as (receiver, client):
        await send(client)
        await send(client)
        await send(client, STEPS_OF_A_DAY["resolved"], "k")
    first, again, other = (headers["webhook-id"] for _, headers, _ in receiver.requests)
    assert first == again != other


async def test_what_continues_another_incident_has_the_key_that_the_tool_knows():
    async with receiving("pagerduty") as (receiver, client):
        await send(client, STEPS_OF_A_DAY["resolved"], "brownout/acme/suspected-1")
    assert json.loads(receiver.requests[0][2])["dedup_key"] == "brownout/acme/suspected-1"


@pytest.mark.parametrize(
    ("status", "blame"),
    [
        (400, RefusalScope.POST),
        (413, RefusalScope.POST),
        (422, RefusalScope.POST),
        (401, RefusalScope.CHANNEL),
        (403, RefusalScope.CHANNEL),
        (404, RefusalScope.CHANNEL),
        (410, RefusalScope.CHANNEL),
        (301, RefusalScope.CHANNEL),
        (307, RefusalScope.CHANNEL),
        (408, RefusalScope.TRANSIENT),
        (429, RefusalScope.TRANSIENT),
        (500, RefusalScope.TRANSIENT),
        (503, RefusalScope.TRANSIENT),
    ],
)
async def test_what_a_status_means(status, blame):
    assert (await refusal(lambda: web.Response(status=status))).blame is blame


async def test_a_redirect_is_not_followed():
    async with receiving() as (receiver, client):
        receiver.response = lambda: web.Response(status=302, headers={"location": "/elsewhere"})
        with pytest.raises(DeliveryError, match="302"):
            await send(client)
    assert [path for path, _, _ in receiver.requests] == ["/hook"]


async def test_a_wait_that_is_asked_for_is_passed_on():
    error = await refusal(lambda: web.Response(status=429, headers={"retry-after": "86400"}))
    assert (error.code, error.retry_after) == ("ratelimited", 86400)


async def test_a_connection_that_breaks_leaves_it_in_doubt():
    async def broken(request):
        return await abort(request)

    async with (
        serving_app(web.post("/hook", broken)) as url,
        HttpToolClient(HTTP_KINDS["webhook"], ToolAddress(f"{url}/hook"), Clock()) as client,
    ):
        with pytest.raises(DeliveryError) as caught:
            await send(client)
    assert caught.value.code == "unknown_outcome"


async def test_nothing_that_listens_is_no_doubt():
    async with serving_raw() as server:
        pass
    async with HttpToolClient(HTTP_KINDS["webhook"], ToolAddress(server.url), Clock()) as client:
        with pytest.raises(DeliveryError) as caught:
            await send(client)
    assert caught.value.code == "unreachable"


async def test_an_answer_of_ten_megabytes_is_not_read_to_its_end():
    written = 0

    async def endless(writer):
        nonlocal written
        writer.write(b"HTTP/1.1 500 no\r\ncontent-length: 10485760\r\n\r\n")
        for _ in range(160):
            writer.write(b"x" * 65536)
            await writer.drain()
            written += 65536

    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving_raw({"/hook": endless}))
        address = ToolAddress(f"{server.url}/hook")
        client = await stack.enter_async_context(HttpToolClient(HTTP_KINDS["webhook"], address, Clock()))
        with pytest.raises(DeliveryError) as caught:
            await send(client)
    assert len(str(caught.value)) < 300
    assert written < 10_485_760


async def test_no_secret_is_in_an_error_even_if_the_answer_repeats_it():
    error = await refusal(lambda: web.Response(status=400, text="bad key s3cret-key"))
    assert str(error) == "Webhook answered 400: bad key [secret]"


@pytest.mark.parametrize("secret", ["", "short", "whsec_AAAA", "whsec_!!!"])
def test_a_weak_secret_is_refused(secret):
    with pytest.raises(ValueError, match="24 or more bytes"):
        decode_secret(secret)


@pytest.mark.parametrize(
    "answer",
    [
        "Cannot POST /api/webhooks/1234567/aBcDeFgHiJkL",
        "no /api/webhooks/1234567/aBcDeFgHiJkL?token=qWeRt%2FY77",
        r'{"at": "https:\/\/discord.example\/api\/webhooks\/1234567\/aBcDeFgHiJkL"}',
        "unknown token qWeRt/Y77",
    ],
)
async def test_an_answer_that_names_the_path_does_not_put_a_secret_address_into_the_error(answer):
    path = "/api/webhooks/1234567/aBcDeFgHiJkL?token=qWeRt%2FY77"
    async with receiving("discord", path=path) as (receiver, client):
        receiver.response = lambda: web.Response(status=404, text=answer)
        with pytest.raises(DeliveryError) as caught:
            await send(client)
    assert not [part for part in ("1234567", "aBcDeFgHiJkL", "qWeRt", "Y77") if part in str(caught.value)]


async def test_a_word_of_the_address_is_not_hidden_in_an_answer():
    async with receiving(path="/alerts") as (receiver, client):
        receiver.response = lambda: web.Response(status=400, text="alerts must be a list")
        with pytest.raises(DeliveryError, match="alerts must be a list"):
            await send(client)


@pytest.mark.parametrize(
    ("url", "key"),
    [("http://127.0.0.1:99999/hook", "k"), ("http://127.0.0.1:port/hook", "k"), ("http://127.0.0.1:9/hook", "kéy")],
)
async def test_an_address_or_key_that_no_request_can_have_pauses_the_tool_and_is_not_shown(url, key):
    async with HttpToolClient(HTTP_KINDS["opsgenie"], ToolAddress(url, key), Clock()) as client:
        with pytest.raises(DeliveryError) as caught:
            await send(client)
    assert (caught.value.permanent, caught.value.blame, str(caught.value)) == (
        True,
        RefusalScope.CHANNEL,
        "Opsgenie can't be asked with this address and key",
    )


class LeaseIsOverError(Exception):
    """What a guard raises in place of ending the process."""


async def test_no_request_leaves_after_the_end_of_the_lease():
    def is_over():
        raise LeaseIsOverError

    async with receiving(guard=is_over) as (receiver, client):
        with pytest.raises(LeaseIsOverError):
            await send(client)
    assert receiver.requests == []


async def test_each_request_is_guarded_on_a_kept_connection_too():
    asked = []
    async with receiving(guard=lambda: asked.append(1)) as (receiver, client):
        for _ in range(2):
            await send(client)
    assert (len(receiver.requests), asked) == (2, [1, 1])

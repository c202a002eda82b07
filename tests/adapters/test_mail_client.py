"""Mail by SMTP to a real server on loopback: what arrives, over TLS too, and what each refusal means."""

import ssl
from contextlib import asynccontextmanager

import pytest
import trustme

from bot.adapters.mail_client import MailServer, MailToolClient
from bot.errors import DeliveryError, RefusalScope
from tests.messages.test_tools import STEPS_OF_A_DAY, meaning
from tests.support.acme import Clock
from tests.support.mail_server import serving_mail

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def client_of(port, guard=lambda: None, **server):
    options = {"host": "127.0.0.1", "security": "none", **server}
    async with MailToolClient(
        MailServer(port=port, **options),
        "bot@acme.example",
        ("ops@acme.example", "b@acme.example"),
        Clock(),
        guard=guard,
    ) as client:
        yield client


async def send(client, announcement=None, parent=None):
    return await client.post("notify:mail", announcement or meaning(), thread_ts=parent, broadcast=False)


async def test_a_mail_arrives_as_text_and_html():
    async with serving_mail() as server, client_of(server.port) as client:
        await send(client)
    [mail] = server.mails
    assert (mail["Subject"], mail["To"]) == ("Acme web partial outage", "ops@acme.example, b@acme.example")
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert "Don't retry" in mail.get_body(("plain",)).get_content()


async def test_the_end_is_in_the_conversation_of_the_beginning():
    async with serving_mail() as server, client_of(server.port) as client:
        parent = await send(client)
        await send(client, STEPS_OF_A_DAY["resolved"], parent)
    begun, ended = server.mails
    assert begun["In-Reply-To"] == ended["In-Reply-To"]
    assert begun["Message-ID"] != ended["Message-ID"]


async def test_a_password_is_sent_after_starttls(tmp_path):
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    secure = {"security": "starttls", "user": "bot", "password": "hush", "ca_file": str(tmp_path / "ca.pem")}
    async with serving_mail(context) as server, client_of(server.port, **secure) as client:
        await send(client)
    assert server.logins == ["\0bot\0hush"]
    assert len(server.mails) == 1


async def refusal(**answers):
    async with serving_mail(**answers) as server, client_of(server.port) as client:
        with pytest.raises(DeliveryError) as caught:
            await send(client)
    return caught.value


async def test_a_server_that_is_busy_is_tried_again():
    error = await refusal(MAIL="421 come back later")
    assert (error.code, error.blame) == ("smtp_421", RefusalScope.TRANSIENT)


async def test_a_refused_mail_is_given_up():
    error = await refusal(end="554 no such mails here")
    assert (error.code, error.blame) == ("smtp_554", RefusalScope.POST)


async def test_refused_recipients_pause_the_tool():
    assert (await refusal(RCPT="550 who is that")).blame is RefusalScope.CHANNEL


async def test_a_connection_that_breaks_after_the_text_leaves_the_mail_in_doubt():
    assert (await refusal(end=None)).code == "unknown_outcome"


async def test_a_server_that_does_not_say_goodbye_has_the_mail_all_the_same():
    async with serving_mail(QUIT="500 never") as server, client_of(server.port) as client:
        assert await send(client)


async def test_a_wrong_password_pauses_the_tool_and_is_not_in_the_error(tmp_path):
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    secure = {"security": "starttls", "user": "bot", "password": "hush-hush", "ca_file": str(tmp_path / "ca.pem")}
    async with (
        serving_mail(context, AUTH="535 wrong password hush-hush") as server,
        client_of(server.port, **secure) as client,
    ):
        with pytest.raises(DeliveryError) as caught:
            await send(client)
    assert caught.value.blame is RefusalScope.CHANNEL
    assert "hush-hush" not in str(caught.value)


async def test_no_server_is_told_apart_from_a_refusal():
    async with serving_mail() as server:
        pass
    async with client_of(server.port) as client:
        with pytest.raises(DeliveryError, match="gave no answer") as caught:
            await send(client)
    assert caught.value.code == "unreachable"


class LeaseIsOverError(Exception):
    """What a guard raises in place of ending the process."""


def is_over():
    raise LeaseIsOverError


async def test_no_mail_leaves_after_the_end_of_the_lease():
    async with serving_mail() as server, client_of(server.port, guard=is_over) as client:
        with pytest.raises(LeaseIsOverError):
            await send(client)
    assert server.mails == []

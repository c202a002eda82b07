"""Client of a mail server: sends announcements as e-mail by SMTP. Every failure is a DeliveryError.

The library of Python's own is synchronous, so a mail is sent in a thread. The password is in no error.
"""

from __future__ import annotations

import asyncio
import logging
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Self

from typing_extensions import override

from bot.errors import DeliveryError, RefusalScope
from bot.messages.announcement import Announcement
from bot.messages.tools import email

TIMEOUT_S = 10.0  # for each step with the server
_TRANSIENT = range(400, 500)
_log = logging.getLogger("brownout")


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in. ``security`` is ``starttls``, ``tls`` (from the first byte) or ``none``."""

    host: str
    port: int
    security: str = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: str | None = None  # certificates to trust; None: those of the system


class _Smtp(smtplib.SMTP):
    """Calls ``guard`` before it asks the server to take the text of a mail."""

    guard: Callable[[], None]

    @override
    def data(self, msg: Any) -> tuple[int, bytes]:
        self.guard()
        return super().data(msg)


class _SmtpOverTls(_Smtp, smtplib.SMTP_SSL):
    """The same with TLS from the first byte."""


class MailToolClient:
    """A ChatClient that sends e-mail from one address to some others."""

    burst = 1
    can_search_history = False

    def __init__(
        self,
        server: MailServer,
        sender: str,
        recipients: tuple[str, ...],
        now: Callable[[], datetime],
        *,
        guard: Callable[[], None] = lambda: None,
    ) -> None:
        """``sender`` and ``recipients`` are addresses.

        ``guard`` is called when the server has taken the recipients, as the last step before it is asked to take the
        mail; it may raise, or end the process.
        """
        self._server, self._sender, self._recipients, self._now = server, sender, recipients, now
        self._guard = guard

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is open between two mails."""

    async def post(self, channel: str, message: Announcement, *, thread_ts: str | None, broadcast: bool) -> str:  # noqa: ARG002
        """Sends one mail to all recipients; returns the key of its incident. Raises DeliveryError."""
        dedup_key = thread_ts or message.dedup_key
        await asyncio.to_thread(self._send, self._mail(email.content(message, dedup_key)))
        return dedup_key

    async def edit(self, channel: str, ts: str, message: Announcement) -> None:
        """Sends it as a further mail."""
        await self.post(channel, message, thread_ts=ts, broadcast=False)

    async def find_message(self, channel: str, key: str, since: datetime, *, thread_ts: str | None) -> str | None:  # noqa: ARG002
        """Always None: a mail that was handed in can't be searched for."""
        return None

    async def is_token_accepted(self) -> bool | None:
        """Not known."""
        return None

    def permalink(self, channel: str, ts: str) -> str:  # noqa: ARG002
        """Always empty."""
        return ""

    def _mail(self, content: email.MailContent) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = content.subject, self._sender, ", ".join(self._recipients)
        mail["Date"], mail["Message-ID"] = format_datetime(self._now()), content.message_id
        mail["In-Reply-To"] = mail["References"] = content.thread_id
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notes, please
        mail.set_content(content.text)
        mail.add_alternative(content.html, subtype="html")
        return mail

    def _send(self, mail: EmailMessage) -> None:
        is_handed_in = False
        try:
            connection = self._connect()
            connection.guard = self._guard
            try:
                if self._server.user:
                    connection.login(self._server.user, self._server.password)
                is_handed_in = True
                refused = connection.send_message(mail, self._sender, self._recipients)
                with suppress(smtplib.SMTPException, OSError):
                    connection.quit()
            finally:
                connection.close()
        except smtplib.SMTPAuthenticationError as error:
            raise self._refusal("it refuses the password", error.smtp_code, RefusalScope.CHANNEL) from error
        except smtplib.SMTPRecipientsRefused as error:
            worst = max(code for code, _ in error.recipients.values())
            raise self._refusal("it takes none of the recipients", worst, RefusalScope.CHANNEL) from error
        except smtplib.SMTPResponseException as error:
            raise self._refusal("it refused the mail", error.smtp_code, RefusalScope.POST) from error
        except (smtplib.SMTPException, ssl.SSLError, OSError, ValueError) as error:
            outcome = "unknown_outcome" if is_handed_in else "unreachable"
            raise DeliveryError(f"the mail server gave no answer ({type(error).__name__})", code=outcome) from error
        for address in refused:
            _log.warning("the mail server did not take a mail to %s; the other recipients got it", address)

    def _connect(self) -> _Smtp:
        server = self._server
        context = ssl.create_default_context(cafile=server.ca_file)
        if server.security == "tls":
            return _SmtpOverTls(server.host, server.port, timeout=TIMEOUT_S, context=context)
        connection = _Smtp(server.host, server.port, timeout=TIMEOUT_S)
        try:
            if server.security == "starttls":
                connection.starttls(context=context)
        except (smtplib.SMTPException, OSError):
            connection.close()
            raise
        return connection

    def _refusal(self, what: str, code: int, scope: RefusalScope) -> DeliveryError:
        why = f"the mail server answered {code}: {what}"
        if code in _TRANSIENT:
            return DeliveryError(why, code=f"smtp_{code}")
        remedy = "check the user, its password and the recipients" if scope is RefusalScope.CHANNEL else ""
        return DeliveryError(why, code=f"smtp_{code}", permanent=True, blame=scope, remedy=remedy)

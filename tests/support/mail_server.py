"""A mail server on loopback, as far as a client needs one: EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, QUIT."""

import asyncio
import base64
from contextlib import asynccontextmanager
from email import message_from_bytes, policy


class FakeMailServer:
    """``answers`` replaces the answer to a command; None closes the connection in place of it."""

    def __init__(self, tls=None, answers=()):
        self.tls, self.answers = tls, dict(answers)
        self.mails, self.logins, self.port, self.tasks = [], [], 0, set()

    async def serve(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        try:
            await self._talk(reader, writer)
        except (EOFError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader, writer):
        writer.write(b"220 mail.test ESMTP\r\n")
        is_secure, verb = False, ""
        while verb != "QUIT" and (line := (await reader.readline()).decode().strip()):
            verb = line.split(" ")[0].upper()
            answer = self.answers.get(verb, self._answer(verb, is_secure=is_secure))
            if not await _say(writer, answer):
                return
            if verb == "AUTH" and answer.startswith("235"):
                self.logins.append(base64.b64decode(line.split(" ")[2]).decode())
            if verb == "STARTTLS" and answer.startswith("220"):
                await writer.start_tls(self.tls)
                is_secure = True
            if verb == "DATA" and answer.startswith("354") and not await self._take(reader, writer):
                return

    async def _take(self, reader, writer):
        """Reads a mail; False where the connection is to be closed in place of an answer."""
        raw = await reader.readuntil(b"\r\n.\r\n")
        answer = self.answers.get(".", "250 taken")
        if answer and answer.startswith("250"):
            self.mails.append(message_from_bytes(raw[:-3], policy=policy.default))
        return await _say(writer, answer)

    def _answer(self, verb, *, is_secure):
        if verb == "EHLO":
            extra = "250-AUTH PLAIN\r\n" if is_secure or not self.tls else "250-STARTTLS\r\n"
            return f"250-mail.test\r\n{extra}250 8BITMIME"
        return {"STARTTLS": "220 go ahead", "AUTH": "235 fine", "DATA": "354 go on", "QUIT": "221 bye"}.get(
            verb, "250 fine"
        )


async def _say(writer, answer):
    if answer is None:
        return False
    writer.write(f"{answer}\r\n".encode())
    await writer.drain()
    return True


@asynccontextmanager
async def serving_mail(tls=None, **answers):
    """The server, at its port of 127.0.0.1."""
    server = FakeMailServer(tls, {"." if k == "end" else k: v for k, v in answers.items()})
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in server.tasks:
            task.cancel()
        await asyncio.gather(*server.tasks, return_exceptions=True)
        await listener.wait_closed()

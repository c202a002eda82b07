"""Many hosts on loopback that speak TLS: each page has an address of its own, as real pages have.

The certificates are RSA-2048 below an intermediate authority of an authority that is made for the run, so a client
verifies a chain of two, as it does for most real pages. One certificate names ``NAMES`` addresses.
"""

from __future__ import annotations

import asyncio
import ipaddress
import resource
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

HOST = "{host}"  # in a URL, the place of a page's own address
NAMES = 25


def page_url(url: str, number: int) -> str:
    """The URL of a page's host."""
    return url.replace(HOST, address_of(number))


def address_of(number: int) -> str:
    """The loopback address of a page: 127.1.0.1 and so on; there is room for 63,000."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


@asynccontextmanager
async def serving_tls(
    handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], count: int, *, keeps_s: float = 75
) -> AsyncIterator[tuple[str, Path]]:
    """Serves so many hosts; yields their URL, for ``page_url``, and the file of the authority that a client has to trust.

    A connection without a request is closed after ``keeps_s`` seconds; 75 are nginx's.
    """
    open_files(3 * count + 1_000)
    port, loop = free_port(), asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        authority = Authority(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="brownout-tls-"))))
        server = web.Server(handler, keepalive_timeout=keeps_s, handler_cancellation=True)
        stack.push_async_callback(server.shutdown, 0.1)
        for addresses, context in authority.contexts(count):
            listener = await loop.create_server(server, list(addresses), port, ssl=context, backlog=128)
            stack.callback(listener.close)
        yield f"https://{HOST}:{port}", authority.root_file


def open_files(count: int) -> None:
    """Lets this process open so many files, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, count)), hard))


def free_port() -> int:
    """A port of loopback that no one has now."""
    with closing(socket.socket()) as any_socket:
        any_socket.bind(("127.0.0.1", 0))
        return int(any_socket.getsockname()[1])


class Authority:
    """Makes the certificates; ``root_file`` is what a client has to trust."""

    def __init__(self, folder: Path) -> None:
        """Writes the files into the folder."""
        self._folder, self._key = folder, rsa.generate_private_key(public_exponent=65537, key_size=2048)
        root = self._issue("bench root", "bench root", is_authority=True)
        self._intermediate = self._issue("bench intermediate", "bench root", is_authority=True)
        self.root_file = folder / "root.pem"
        self.root_file.write_bytes(root.public_bytes(Encoding.PEM))

    def contexts(self, count: int) -> Iterator[tuple[tuple[str, ...], ssl.SSLContext]]:
        """The addresses of so many pages, with the TLS context of their servers."""
        key = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        numbers = iter(range(count))
        while addresses := tuple(map(address_of, islice(numbers, NAMES))):
            leaf = self._issue(addresses[0], "bench intermediate", addresses)
            chain = self._folder / f"{addresses[0]}.pem"
            chain.write_bytes(key + leaf.public_bytes(Encoding.PEM) + self._intermediate.public_bytes(Encoding.PEM))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(chain)
            yield addresses, context

    def _issue(
        self, subject: str, issuer: str, addresses: tuple[str, ...] = (), *, is_authority: bool = False
    ) -> x509.Certificate:
        """All are signed with one key, which saves the time to make more and changes nothing for the client."""
        now = datetime.now(UTC)  # noqa: TID251  (certificates are valid in real time)
        made = (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name(issuer))
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if addresses:
            named = [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
            made = made.add_extension(x509.SubjectAlternativeName(named), critical=False)
        return made.sign(self._key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

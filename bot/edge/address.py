"""A host -> its addresses, and whether an address belongs to the open internet. For the edges that connect to hosts.

The one edge that others may import: what may be connected to is decided in one place (performance-reliability.md
section 4, rows 5 to 9).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from threading import Thread
from typing import Any

Lookup = Callable[..., list[Any]]

_TRANSLATED = ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("2002::/16"), ipaddress.ip_network("2001::/32")


@lru_cache(maxsize=4096)  # every connection asks, and the same few addresses come again and again
def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open internet; ``is_private`` alone is not enough on Python 3.11."""
    ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _TRANSLATED)


async def addresses(
    look_up: Lookup, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
) -> list[Any]:
    """What ``socket.getaddrinfo`` (or another ``look_up``) says of a host; OSError or ValueError where it can't.

    Asked in a thread of its own and not in asyncio's: a name server that hangs holds up nothing, nor our end.
    """
    answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
    try:
        Thread(target=_ask, args=(answer, look_up, host, port, family), daemon=True).start()
    except RuntimeError as error:
        raise OSError(str(error)) from error  # the system has no more threads to give
    return await answer


def _ask(
    answer: asyncio.Future[list[Any]], look_up: Lookup, host: str, port: int, family: socket.AddressFamily
) -> None:
    def settle() -> None:
        if not answer.done():
            answer.set_exception(found) if isinstance(found, Exception) else answer.set_result(found)

    found: list[Any] | Exception
    try:
        found = look_up(host, port, family, socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        found = error
    with suppress(RuntimeError):  # the loop has ended meanwhile
        answer.get_loop().call_soon_threadsafe(settle)

"""Resolves host names, and decides whether an IP address is public.

Every adapter that connects to hosts uses this module, so that one place decides which addresses are allowed
(bot/docs/decisions.md#addresses). It is the only adapter that other adapters may import.
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

_TRANSLATED_NETWORKS = (
    ipaddress.ip_network("64:ff9b::/96"),
    ipaddress.ip_network("2002::/16"),
    ipaddress.ip_network("2001::/32"),
)


@lru_cache(maxsize=4096)  # called for every connection, mostly with the same few addresses
def is_public(address: str) -> bool:
    """True for an address on the public internet. ``ipaddress.is_private`` alone is not enough on Python 3.11."""
    ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _TRANSLATED_NETWORKS)


async def resolve_addresses(
    look_up: Lookup, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
) -> list[Any]:
    """Resolves a host with ``look_up``, which has the signature of ``socket.getaddrinfo``.

    It runs in a daemon thread and not in asyncio's executor: a name server that hangs blocks neither other lookups nor
    the shutdown. Raises OSError or ValueError where the host can't be resolved.
    """
    future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
    try:
        Thread(target=_resolve_in_thread, args=(future, look_up, host, port, family), daemon=True).start()
    except RuntimeError as error:
        raise OSError(str(error)) from error  # the system has no more threads
    return await future


def _resolve_in_thread(
    future: asyncio.Future[list[Any]], look_up: Lookup, host: str, port: int, family: socket.AddressFamily
) -> None:
    def settle() -> None:
        if not future.done():
            future.set_exception(result) if isinstance(result, Exception) else future.set_result(result)

    result: list[Any] | Exception
    try:
        result = look_up(host, port, family, socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        result = error
    with suppress(RuntimeError):  # the event loop is closed already
        future.get_loop().call_soon_threadsafe(settle)

"""What a poll costs a peer: its processes run for a while over the pages of the stage, and are counted together."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from tests.bench.fake_services import FakeServices, cpu_s, rss_mb, until
from tests.bench.looks import SUMMARY
from tests.bench.tls_hosts import page_url

PAGES = 100
EVERY_S = 20
ROUNDS = 3  # that are measured


@dataclass(frozen=True)
class Cost:
    """CPU milliseconds a poll, and resident memory, of the whole peer; ``note`` is what else is to be known."""

    each_ms: float
    weight_mb: float
    note: str = ""


def found(name: str) -> str:
    """The program, on PATH or where PEERS says; FileNotFoundError that names it where it is not installed."""
    program = shutil.which(name, path=os.pathsep.join((os.environ.get("PEERS", ""), os.environ["PATH"])))
    if program is None:
        raise FileNotFoundError(f"{name} is not installed")
    return program


def pages(stage: FakeServices) -> list[str]:
    """The addresses that every peer looks at."""
    return [f"{page_url(stage.pages_url, n)}/p{n}/{SUMMARY}" for n in range(PAGES)]


def trusting(stage: FakeServices) -> dict[str, str]:
    """What the environment of a peer needs so that it trusts the pages' certificates."""
    file = str(stage.trusted)
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE")
    return dict.fromkeys(names, file) if stage.trusted else {}


async def steady(
    stage: FakeServices, commands: Iterable[list[str]], told: Mapping[str, str] | None = None, patience_s: float = 60
) -> Cost:
    """What a peer's processes use from the second round on. ``told`` is for their environment; they end with this.

    TimeoutError where the first round takes longer than ``patience_s``; OSError where a process does not start, or ends.
    """
    async with AsyncExitStack() as stack:
        environment = {**trusting(stage), **(told or {})}
        children = [await stack.enter_async_context(process(command, environment)) for command in commands]
        await alive(children, lambda: len(stage.looks) == PAGES, patience_s, "the first round")
        await asyncio.sleep(EVERY_S)
        return await _measured(stage, children)


@asynccontextmanager
async def process(command: list[str], told: Mapping[str, str]) -> AsyncIterator[Process]:
    """One process that says nothing, and ends with this."""
    child = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=DEVNULL, env={**os.environ, **told})
    try:
        yield child
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()


async def alive(children: list[Process], is_so: Callable[[], bool], patience_s: float, what: str) -> None:
    """Waits for what they do; TimeoutError that names it, ChildProcessError where one of them ended before."""
    await until(lambda: is_so() or any(child.returncode is not None for child in children), patience_s, what)
    if not is_so():
        codes = ", ".join(str(child.returncode) for child in children if child.returncode is not None)
        raise ChildProcessError(f"it ended by itself before {what}, with {codes}")


async def _measured(stage: FakeServices, children: list[Process]) -> Cost:
    """Of whole rounds: a peer that looks at all pages in one go is idle in between, and that counts as often."""
    pids = [child.pid for child in children]
    before, used, began = _looks(stage), sum(map(cpu_s, pids)), time.monotonic()
    due = ROUNDS * PAGES
    await alive(children, lambda: _looks(stage) - before >= due, 2 * ROUNDS * EVERY_S, f"{due} looks")
    used, took = sum(map(cpu_s, pids)) - used, time.monotonic() - began
    return Cost(1000 * used / (_looks(stage) - before), sum(map(rss_mb, pids)), f"a round in {took / ROUNDS:.1f} s")


def _looks(stage: FakeServices) -> int:
    return sum(map(len, stage.looks.values()))

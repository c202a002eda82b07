"""PostgreSQL servers of our own on loopback: one, or a primary with a streaming replica; tunnels and poolers to them."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psycopg

_OPTIONS = "-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 -c wal_level=replica"
_PATIENCE_S = 30.0
PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin") or ""  # empty where there is none


@dataclass
class Cluster:
    """A PostgreSQL server of our own, on loopback, run by the user ``postgres`` where we are root."""

    folder: Path
    port: int
    bin: Path
    name: str = "data"

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def data(self) -> str:
        return str(self.folder / self.name)

    def run(self, program: str, *arguments: str) -> None:
        as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        subprocess.run([*as_user, self.bin / program, *arguments], check=True, capture_output=True, cwd=self.folder)  # noqa: S603

    def create(self) -> None:
        self.run("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8")

    def start(self) -> None:
        log = str(self.folder / f"{self.name}.log")
        self.run("pg_ctl", "-D", self.data, "-l", log, "-w", "start", "-o", f"-p {self.port} {_OPTIONS}")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(psycopg.connect(self.url, autocommit=True)) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() == 0:
            subprocess.run(["chown", "postgres", folder], check=True)  # noqa: S603, S607
        yield Path(folder)


def _program_folder() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        raise SystemExit("PostgreSQL is not installed (apt-get install postgresql)")
    return found[-1]


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A new server, with fsync on; it ends with the block."""
    with _folder() as folder:
        server = Cluster(folder, random.randrange(20_000, 30_000), _program_folder())  # noqa: S311
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()


@dataclass
class Pooler:
    """A pgbouncer before a server, as the user ``postgres`` where we are root; one database for each pool mode."""

    folder: Path
    port: int
    server: str  # as libpq writes it in words: host=... port=...
    ignores_options: bool = False
    process: subprocess.Popen[bytes] | None = None

    MODES = ("session", "transaction", "statement")

    def url(self, mode: str = "session") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{mode}"

    def start(self) -> None:
        settings = self.folder / f"pgbouncer-{self.port}.ini"
        databases = [f"{mode} = {self.server} user=postgres pool_mode={mode}" for mode in self.MODES]
        ignored = ["ignore_startup_parameters = options"] if self.ignores_options else []
        own = [
            f"listen_port = {self.port}",
            "listen_addr = 127.0.0.1",
            "unix_socket_dir =",
            "auth_type = any",
            *ignored,
        ]
        settings.write_text("\n".join(["[databases]", *databases, "[pgbouncer]", *own, ""]))
        settings.chmod(0o644)
        user = "postgres" if os.geteuid() == 0 else None
        with (self.folder / f"pgbouncer-{self.port}.log").open("ab") as log:
            self.process = subprocess.Popen([PGBOUNCER, settings], stdout=log, stderr=log, user=user)  # noqa: S603
        self._wait()

    def stop(self) -> None:
        """Ends it at once; its clients and its sessions on the server lose their connections."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def _wait(self) -> None:
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            time.sleep(0.02)
        raise SystemExit("pgbouncer does not listen")


@contextmanager
def pooler(server: str, *, ignores_options: bool = False) -> Iterator[Pooler]:
    """A pgbouncer before a server; it ends with the block."""
    with _folder() as folder:
        folder.chmod(0o755)
        one = Pooler(folder, random.randrange(20_000, 30_000), server, ignores_options)  # noqa: S311
        one.start()
        try:
            yield one
        finally:
            one.stop()


@dataclass
class Pair:
    """A primary, and a replica that streams from it through a tunnel. Which is which changes with each promotion."""

    primary: Cluster
    replica: Cluster
    is_synchronous: bool
    tunnel: Tunnel | None = None
    number: int = 0

    @property
    def url(self) -> str:
        ports = sorted((self.primary.port, self.replica.port))
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        return f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"

    async def attach(self) -> None:
        """Makes the replica anew from the primary, and waits until it streams; then commits wait for it, if they are to."""
        self.number += 1
        self.tunnel = await Tunnel(self.primary.port).__aenter__()
        replica = self.replica
        replica.name = f"data{self.number}"
        source = f"host=127.0.0.1 port={self.primary.port} user=postgres"
        await asyncio.to_thread(replica.run, "pg_basebackup", "-D", replica.data, "-d", source, "-c", "fast")
        with (Path(replica.data) / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"\nprimary_conninfo = 'host=127.0.0.1 port={self.tunnel.listens_on} user=postgres'\n")
            settings.write("synchronous_standby_names = ''\n")
        (Path(replica.data) / "standby.signal").touch()
        await asyncio.to_thread(replica.start)
        await self._until(lambda: self.primary.ask("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"))
        if self.is_synchronous:
            self._set_synchronous("'*'")
            await self._until(lambda: self.primary.ask("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"))

    async def fail_over(self, cut_for_s: float) -> None:
        """Cuts the replica off for a while, then ends the primary at once, and promotes the replica."""
        assert self.tunnel is not None
        self.tunnel.is_cut = True
        await asyncio.sleep(cut_for_s)
        await asyncio.to_thread(self.primary.stop)
        await self.tunnel.__aexit__()
        await asyncio.to_thread(self.replica.run, "pg_ctl", "-D", self.replica.data, "-w", "promote")
        self.primary, self.replica = self.replica, self.primary

    def _set_synchronous(self, names: str) -> None:
        self.primary.ask(f"ALTER SYSTEM SET synchronous_standby_names = {names}")
        self.primary.ask("SELECT pg_reload_conf()")

    async def _until(self, holds: Callable[[], object]) -> None:
        until = time.monotonic() + _PATIENCE_S
        while not await asyncio.to_thread(holds):
            if time.monotonic() > until:
                raise SystemExit("the replica does not stream")
            await asyncio.sleep(0.05)


@contextmanager
def pair(*, is_synchronous: bool) -> Iterator[Pair]:
    """A primary, and a replica that is not attached yet; both end with the block."""
    with _folder() as folder:
        first = random.randrange(20_000, 30_000)  # noqa: S311
        programs = _program_folder()
        servers = Pair(Cluster(folder, first, programs), Cluster(folder, first + 1, programs, ""), is_synchronous)
        servers.primary.create()
        servers.primary.start()
        try:
            yield servers
        finally:
            for server in (servers.replica, servers.primary):
                subprocess.run(  # noqa: S603
                    ["/bin/sh", "-c", f"kill -QUIT $(head -1 {server.data}/postmaster.pid)"],
                    check=False,
                    capture_output=True,
                )
            time.sleep(0.5)


@dataclass
class Tunnel:
    """Passes bytes on to the server, until it is cut: then it keeps the connections and passes nothing."""

    port: int
    is_cut: bool = False
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *problem: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()

    @property
    def listens_on(self) -> int:
        return self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.listens_on}/postgres"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.close()
            return
        for task in (asyncio.create_task(self._pass(reader, back)), asyncio.create_task(self._pass(there, writer))):
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                while self.is_cut:  # noqa: ASYNC110  (it is a wire)
                    await asyncio.sleep(0.05)
                to.write(data)
                await to.drain()
        except OSError:
            pass
        finally:
            to.close()

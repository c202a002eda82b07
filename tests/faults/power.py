"""A life of the store, as strace saw it -> what a power cut would have left of it, and whether that is enough.

The recorded calls are replayed up to every point. What was written and not yet synced is then dropped: all of it, a
random half of the calls, or a random half of their 512-byte sectors; of names, those since the last sync of their folder
(of the random ones, a random number stays, in order). The real store opens what is left. It must be sound, and hold
exactly what was there at the last promised call, or after the one that was under way. So the connection that is tried
is the shipped one, on the system's own SQLite. (bot/docs/decisions.md#13-sqlite-durability)
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from bot.errors import BrownoutError
from bot.storage import Repository, backup

CALLS = "openat,pwrite64,write,ftruncate,fdatasync,fsync,unlink,unlinkat,rename,link,mkdir"
SECTOR = 512
FATES = ("all dropped", "half the calls", "half the sectors")
_LINE = re.compile(rb"^\d+\s+(\w+)\((.*)\)\s+= (-?\d+)")
_STRING = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"|<((?:\\x[0-9a-f]{2})*)>')


@dataclass(frozen=True)
class Call:
    """One call that changed something: its name, the places it names, and what it wrote where."""

    name: str
    places: tuple[str, ...]
    offset: int = 0
    data: bytes = b""


@dataclass
class File:
    """``safe``: what is on the disk for certain; ``pending``: writes and (data None) truncations since the last sync."""

    safe: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)


def recorded(folder: Path, rounds: int, sync: str) -> list[Call]:
    """Lives once in this folder, under strace; the calls that touched it, in order. Only the first 1 MB of a call."""
    log = folder.with_suffix(".strace")
    strace = (str(shutil.which("strace")), "-f", "-o", str(log), "-xx", "-y", "-s", "1048576", "-e", f"trace={CALLS}")
    lived = (sys.executable, "-m", "tests.faults.power_life", str(folder / "b.db"), str(rounds), sync)
    subprocess.run(  # noqa: S603
        [*strace, *lived],
        check=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    with log.open("rb") as lines:
        calls = [call for line in lines for call in _read(line, str(folder))]
    log.unlink()
    return calls


def _read(line: bytes, folder: str) -> Iterator[Call]:
    found = _LINE.match(line)
    if found is None or int(found[3]) < 0 or (found[1] == b"openat" and b"O_CREAT" not in found[2]):
        return
    name, done = found[1].decode(), int(found[3])
    words = [
        bytes.fromhex((m[1] if m[2] is None else m[2]).decode().replace("\\x", "")) for m in _STRING.finditer(found[2])
    ]
    data = words.pop()[:done] if name in ("pwrite64", "write") else b""
    places = tuple(w.decode(errors="replace").removesuffix(" (deleted)") for w in words)
    places = tuple(p for p in places if p.startswith(folder) and not p.endswith("-shm"))
    numbers = [int(n) for n in found[2].rpartition(b'"')[2].replace(b">", b",").split(b",") if n.strip().isdigit()]
    if places:
        offset = numbers[-1] if name in ("pwrite64", "ftruncate") else 0
        yield Call(name, places[-2:] if name in ("rename", "link") else places[-1:], offset, data)


class Disk:
    """A folder as the system shows it, and as the disk has it."""

    def __init__(self) -> None:
        self.names: dict[str, File] = {}
        self.safe_names: dict[str, File] = {}
        self.steps: list[tuple[str, File | None]] = []  # of names, since the last sync of a folder
        self.promised = -1

    def do(self, call: Call) -> None:
        place = call.places[0]
        match call.name:
            case "openat" if place not in self.names:
                self._name(place, File())
            case "write" if place.endswith("/acks"):
                self.promised = int(call.data)
            case "pwrite64" | "write" if place in self.names:
                self.names[place].pending.append((call.offset, call.data))
            case "ftruncate" if place in self.names:
                self.names[place].pending.append((call.offset, None))
            case "fdatasync" | "fsync" if place in self.names:
                file = self.names[place]
                file.safe, file.pending = content(file, file.pending), []
            case "fdatasync" | "fsync":  # of a folder
                self.safe_names, self.steps = dict(self.names), []
            case _:
                self._name_anew(call)

    def _name_anew(self, call: Call) -> None:
        if call.name in ("link", "rename"):
            self._name(call.places[1], self.names[call.places[0]])
        if call.name in ("unlink", "unlinkat", "rename"):
            self._name(call.places[0], None)

    def _name(self, place: str, file: File | None) -> None:
        self.steps.append((place, file))
        _put(self.names, place, file)

    def now(self) -> dict[str, bytes]:
        """What a reader sees."""
        return {place: bytes(content(file, file.pending)) for place, file in self.names.items()}

    def after_a_cut(self, fate: str, draw: Random) -> dict[str, bytes]:
        """What is left when the power goes now."""
        names = dict(self.safe_names)
        stay = 0 if fate == FATES[0] else draw.randrange(len(self.steps) + 1)
        for place, file in self.steps[:stay]:
            _put(names, place, file)
        kept = {id(f): bytes(content(f, survivors(f.pending, fate, draw))) for f in names.values()}
        return {place: kept[id(file)] for place, file in names.items()}


def _put(names: dict[str, File], place: str, file: File | None) -> None:
    if file is None:
        names.pop(place, None)
    else:
        names[place] = file


def content(file: File, pending: Iterable[tuple[int, bytes | None]]) -> bytearray:
    found = bytearray(file.safe)
    for offset, data in pending:
        end = offset + len(data or b"")
        if data is None:
            del found[offset:]
        found.extend(bytes(max(0, end - len(found))))
        found[offset:end] = data or b""
    return found


def survivors(pending: list[tuple[int, bytes | None]], fate: str, draw: Random) -> Iterator[tuple[int, bytes | None]]:
    """The writes that reached the disk by themselves."""
    for offset, data in pending if fate != FATES[0] else ():
        if fate == FATES[1] or data is None:
            if draw.random() < 0.5:
                yield offset, data
            continue
        for place in range(0, len(data), SECTOR):
            if draw.random() < 0.5:
                yield offset + place, data[place : place + SECTOR]


@dataclass
class Tally:
    """What came of the cuts. ``lost``: cuts after which a promised call was gone; ``most``: how many at worst."""

    cuts: int = 0
    lost: int = 0
    most: int = 0
    half: int = 0
    corrupt: int = 0
    torn: int = 0
    where: Counter[str] = field(default_factory=Counter)

    HEAD = ("cuts", "lost something", "promised calls lost, at most", "half a stroke", "corrupt", "torn backups")

    def row(self) -> tuple[int, ...]:
        return self.cuts, self.lost, self.most, self.half, self.corrupt, self.torn


class Judge:
    """Opens what is left, with the real store; ``states`` are the digests of the database after each promised call."""

    def __init__(self, home: str, scratch: Path) -> None:
        self.home, self.scratch = home, scratch
        self.states: list[str] = []

    def laid_out(self, left: dict[str, bytes]) -> Path:
        shutil.rmtree(self.scratch, ignore_errors=True)
        for place, body in left.items():
            to = self.scratch / Path(place).relative_to(self.home)
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(body)
        self.scratch.mkdir(exist_ok=True)
        return self.scratch / "b.db"

    def learn(self, left: dict[str, bytes]) -> None:
        """A promised call has returned: this is what it promised."""
        self.states.append(digest(self.laid_out(left)))

    def judge(self, left: dict[str, bytes], promised: int, tally: Tally, where: str) -> None:
        tally.cuts += 1
        path = self.laid_out(left)
        try:
            found = digest(path)
        except (BrownoutError, sqlite3.Error) as error:
            tally.corrupt += 1
            tally.where[f"{where}: {error}"] += 1
            return
        if found in self.states[max(promised, 0) : promised + 2]:  # the call that was under way may have come through
            pass
        elif found in self.states[: max(promised, 0)]:
            last = max(n for n in range(promised) if self.states[n] == found)
            tally.lost, tally.most = tally.lost + 1, max(tally.most, promised - last)
            tally.where[f"{where}: {promised - last} lost"] += 1
        else:
            tally.half += 1
            tally.where[f"{where}: a state that never was"] += 1
        for file in self.scratch.glob("backups/*.db"):
            tally.torn += not _is_whole(file)


def digest(path: Path) -> str:
    """What a database holds, as the real store reads it; raises where it is not sound."""
    with closing(Repository.open(path, alone=True)) as store:
        found = hashlib.sha256("".join(store.archive.dump()).encode()).hexdigest()
        if store._db.rows("PRAGMA integrity_check") != [{"integrity_check": "ok"}]:
            raise sqlite3.DatabaseError("integrity_check")
        return found


def _is_whole(file: Path) -> bool:
    try:
        return not backup.verify(file).wrong
    except BrownoutError:
        return False


def tried(
    sync: str = "FULL", rounds: int = 3, every: int = 1, seed: int = 1, say: Callable[[str], None] = str
) -> Tally:
    """Cuts a life at every so-manieth call, in each of the ways."""
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as name:  # noqa: S108
        home = Path(name) / "home"
        home.mkdir()
        calls = recorded(home, rounds, sync)
        judge = Judge(str(home), Path(name) / "cut")
        _learn(calls, judge)
        assert len(set(judge.states)) >= len(judge.states) - 1, "every call changes something, but perhaps the restore"
        say(f"{len(calls)} calls, {len(judge.states)} of the store's promised")
        tally, disk, draw = Tally(), Disk(), Random(seed)  # noqa: S311
        for number, call in enumerate(calls):
            disk.do(call)
            if number % every == 0:
                for fate in FATES:
                    where = f"{sync}, call {number} ({call.name} {Path(call.places[0]).name}), {fate}"
                    judge.judge(disk.after_a_cut(fate, draw), disk.promised, tally, where)
        return tally


def _learn(calls: list[Call], judge: Judge) -> None:
    disk = Disk()
    for call in calls:
        before = disk.promised
        disk.do(call)
        if disk.promised > before:
            judge.learn(disk.now())

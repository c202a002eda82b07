"""``python -m tests.bench.fuzz --seconds 60 [KIND...]``: breaks every format's pages until time is up, and says what broke.

With atheris (Apache-2.0, not a dependency: ``pip install atheris``) the mutations follow the code's coverage; without it
they are random. Each kind runs in a process of its own. Anything but a sound Snapshot or ParseError counts as a find, and
so does a single read that takes longer than a second of the processor.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import random
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any

from bot.formats import FORMATS
from tests.formats.format_contract import assert_kept
from tests.formats.pages import PAGES

SLOW_S = 1.0
SEPARATOR = b"\x00\x00--\x00\x00"  # between the bodies of a kind that has several
ODD = [
    b"null", b"-1", b"1e308", b"99999999999999999999", b'""', b"[]", b"{}", b"true", b'"\\ud800"', b'"\\u0000"',
    b'"0000-00-00T00:00:00Z"', b'"9999-12-31T23:59:59+14:00"', b"\xff\xfe", b"&#x0;", b"<![CDATA[", b"<!DOCTYPE x>",
]  # fmt: skip
VALUES = [
    None,
    True,
    -1,
    0,
    2**63,
    10**30,
    1e308,
    0.1,
    "",
    " ",
    "x" * 3000,
    "\ud800",
    "\x00\x1b[31m",
    [],
    {},
    [[]],
    [None],
]
VALUES += [
    "9999-12-31T23:59:59+14:00",
    "0001-01-01T00:00:00Z",
    "2026-13-45",
    "12345678901",
    "-1",
    "resolved",
    "../../x",
]


class Tally:
    """What happened so far."""

    def __init__(self, kind: str) -> None:
        self.kind, self.runs, self.slowest, self.finds = kind, 0, 0.0, {}
        self.keep = assert_kept

    def one(self, data: bytes) -> None:
        """Reads one broken page and keeps what should not have happened."""
        paths = len(FORMATS[self.kind].paths)
        bodies = (*data.split(SEPARATOR)[:paths], *[b"{}"] * paths)[:paths]
        began = time.process_time()  # of the process: others may be busy too
        try:
            self.keep(self.kind, bodies)
        except Exception as error:  # noqa: BLE001  (whatever comes out is the find)
            where = traceback.extract_tb(error.__traceback__)[-1]
            self.finds.setdefault(f"{type(error).__name__} at {where.name}:{where.lineno}", data)
        took = time.process_time() - began
        self.runs, self.slowest = self.runs + 1, max(self.slowest, took)
        if took > SLOW_S:
            self.finds.setdefault(f"slow: {took:.1f} s", data)


def seeds(kind: str) -> list[bytes]:
    """The kind's own pages, as one string of bytes each."""
    return [SEPARATOR.join(bodies) for (k, _), bodies in PAGES.items() if k == kind]


def mutated(data: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    """The bytes with one to eight changes: cut, doubled, flipped, swapped with a piece of another page, odd values."""
    out = bytearray(data)
    for _ in range(dice.randint(1, 8)):
        at, end = sorted(dice.choices(range(len(out) + 1), k=2))
        end = min(end, at + dice.choice((1, 4, 16, 64, 4096)))
        match dice.randrange(6):
            case 0:
                del out[at:end]
            case 1:
                out[at:at] = out[at:end]
            case 2 if out:
                out[min(at, len(out) - 1)] = dice.randrange(256)
            case 3:
                other = dice.choice(others)
                start = dice.randrange(len(other) + 1)
                out[at:end] = other[start : start + dice.choice((4, 16, 64, 512))]
            case _:
                out[at:end] = dice.choice(ODD)
    return bytes(out)


def restructured(data: bytes, dice: random.Random) -> bytes:
    """JSON bodies with one to four of their values replaced by another of their values, or by an odd one."""
    bodies = data.split(SEPARATOR)
    number = dice.randrange(len(bodies))
    try:
        whole = [
            json.loads(bodies[number].decode("utf-16" if bodies[number][:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"))
        ]
    except ValueError:
        return data
    for _ in range(dice.randint(1, 4)):
        places = list(_places(whole))
        (holder, key), (other, name) = dice.choice(places), dice.choice(places)
        holder[key] = deepcopy(other[name] if dice.random() < 0.5 else dice.choice(VALUES))
    bodies[number] = json.dumps(whole[0]).encode()
    return SEPARATOR.join(bodies)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


def broken(page: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    """A page with another structure, or with other bytes."""
    return restructured(page, dice) if dice.random() < 0.5 else mutated(page, others, dice)


def at_random(tally: Tally, seconds: float, seed: int) -> None:
    """Breaks pages at random until time is up."""
    dice, pages = random.Random(seed), seeds(tally.kind)  # noqa: S311  (nothing is secret here)
    everything = [page for kind in FORMATS for page in seeds(kind)]
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        tally.one(broken(dice.choice(pages), everything, dice))


def by_coverage(tally: Tally, seconds: float, seed: int) -> None:
    """Lets atheris break pages; half of the time goes there, since it spends some of it on itself."""
    import atheris  # noqa: PLC0415  (only where it is installed)

    for module in [name for name in sys.modules if name.startswith(("bot.", "tests.formats"))]:
        del sys.modules[module]
    with atheris.instrument_imports(include=["bot.formats"]):
        tally.keep = importlib.import_module("tests.formats.format_contract").assert_kept
    until = time.monotonic() + seconds
    dice, pages = random.Random(seed), seeds(tally.kind)  # noqa: S311

    def run(data: bytes) -> None:
        tally.one(data if dice.random() < 0.5 else broken(dice.choice(pages), [data or b"x"], dice))
        if time.monotonic() >= until:
            report(tally)
            sys.stdout.flush()
            os._exit(1 if tally.finds else 0)

    atheris.Setup(["fuzz", f"-seed={seed}", "-max_len=20000", "-verbosity=0"], run)
    atheris.Fuzz()


def report(tally: Tally) -> None:
    """One line of JSON for each kind."""
    finds = {what: repr(data[:300]) for what, data in tally.finds.items()}
    said = {"kind": tally.kind, "runs": tally.runs, "slowest_ms": round(tally.slowest * 1000, 1), "finds": finds}
    print(json.dumps(said))


def main() -> int:
    """Runs each kind in a process of its own; exit code 1 where anything was found."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("kinds", nargs="*", default=list(FORMATS), metavar="KIND")
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--random", action="store_true", help="no atheris, even where it is installed")
    options.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    told = options.parse_args()
    if told.here:
        tally = Tally(told.kinds[0])
        has_atheris = importlib.util.find_spec("atheris") and not told.random
        fuzz: Callable[[Tally, float, int], None] = by_coverage if has_atheris else at_random
        fuzz(tally, told.seconds, told.seed)
        report(tally)
        return 1 if tally.finds else 0
    how = ["--seconds", str(told.seconds), "--seed", str(told.seed), "--here", *(["--random"] if told.random else [])]
    return max(subprocess.call([sys.executable, "-m", "tests.bench.fuzz", kind, *how]) for kind in told.kinds)  # noqa: S603


if __name__ == "__main__":
    raise SystemExit(main())

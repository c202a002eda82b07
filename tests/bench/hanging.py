"""``python -m tests.bench.hanging``: are other pages looked at later because fifty never answer?

The real bot looks at 250 pages every five seconds, for a while with all of them well and for a while with fifty that take
the connection and say nothing. What is compared is how far apart the polls of the other two hundred are.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import fmean

from tests.bench.fake_services import FakeServices, configure, running, until
from tests.bench.table import Row, percentile, table

PAGES, HANGING = 250, 50
INTERVAL_S = 5
MEASURED_S = 45.0
NOISE_MS = 50  # a hundredth of the interval: less can't be told from jitter


async def gaps(stage: FakeServices, names: list[str]) -> list[float]:
    """Seconds between polls of each of these pages, from now on."""
    await asyncio.sleep(2 * INTERVAL_S)
    began = time.monotonic()
    await asyncio.sleep(MEASURED_S)
    times = ([t for t in stage.looks[name] if t > began] for name in names)
    return [b - a for looks in times for a, b in pairwise(looks)]


async def compared(folder: Path) -> tuple[list[float], list[float]]:
    """Gaps between polls of the others: with all pages well, and with some that hang."""
    others = [f"p{n}" for n in range(HANGING, PAGES)]
    async with FakeServices() as stage:
        config = configure(folder / "config", stage.url, PAGES, interval_s=INTERVAL_S)
        with (folder / "bot.log").open("ab") as log:
            async with running(config, folder / "hanging.db", stage, log):
                await until(lambda: len(stage.looks) == PAGES, 120, "the first round")
                well = await gaps(stage, others)
                stage.hanging = {f"p{n}" for n in range(HANGING)}
                return well, await gaps(stage, others)


async def rows() -> list[Row]:
    """How much later the others are looked at."""
    with tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder:
        well, hung = await compared(Path(folder))
    found = []
    for name, of in (("mean", fmean), ("p99", partial(percentile, share=0.99))):
        before, after = of(well), of(hung)
        note = f"{before:.3f} s without, {after:.3f} s with; {len(hung)} gaps"
        late = max(0.0, after - before) * 1000
        found.append(Row(f"delay of 200 others by {HANGING} that hang, {name}", late, "ms", NOISE_MS, note=note))
    return found


if __name__ == "__main__":
    print(table(asyncio.run(rows())))

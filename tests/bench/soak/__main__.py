"""``python -m tests.bench.soak``: two hours of five hundred recorded pages at high speed, with faults, commands, restarts.

The real ``brownout run`` watches them through a real Slack connection on loopback. What went wrong is looked for in its
database, in what Slack took, and in its log; ``--report FOLDER`` looks again, at any time. Interrupted, it still reports.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from pathlib import Path

from tests.bench.soak.report import report
from tests.bench.soak.runner import Soak

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"


def main() -> None:
    """Soaks, or reports on a soak."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--sources", type=int, default=500)
    parser.add_argument("--channels", type=int, default=36)
    parser.add_argument("--speed", type=float, default=120, help="of the pages, give or take a half")
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument(
        "--restart-every", type=float, default=10, help="minutes; SIGTERM and kill -9 in turn; 0 is never"
    )
    parser.add_argument("--interval", type=float, nargs=2, default=(10, 5), help="seconds between looks: usual, busy")
    parser.add_argument("--tls", action=argparse.BooleanOptionalAction, default=True, help="a TLS host for each page")
    parser.add_argument(
        "--storm-every", type=float, default=7, help="minutes; one page in ten breaks at once; 0 is never"
    )
    parser.add_argument("--command-every", type=float, default=10, help="seconds")
    parser.add_argument("--out", type=Path, help="where all of it is kept")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("BROWNOUT_SHARED", SHARED)))
    parser.add_argument("--report", type=Path, metavar="FOLDER", help="only report on what lies there")
    options = parser.parse_args()
    if options.report:
        report(options.report)
        return
    out = options.out or Path(tempfile.mkdtemp(prefix="brownout-soak-"))
    out.mkdir(parents=True, exist_ok=True)
    if (out / "soak.db").exists():
        parser.error(f"{out} holds a soak already; --report {out} reports on it")
    asyncio.run(Soak(options, out).run())
    report(out)


if __name__ == "__main__":
    main()

"""A soak's folder -> what held and what did not: printed, and drawn as a plot. Reads files only, so it can be run at any time."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import linear_regression, median
from typing import Any

WARM_S = 120  # a life's first minutes: caches fill
FIRST_S = 600


def report(out: Path, *, is_over: bool = True) -> None:
    """Prints the table; draws the plot where matplotlib is there."""
    with closing(sqlite3.connect(f"{(out / 'soak.db').absolute().as_uri()}?mode=ro", uri=True)) as repository:
        repository.row_factory = sqlite3.Row
        all_taken = read(out / "taken.ndjson")
        taken = [t for t in all_taken if t["kind"] == "post"]
        edited = {(t["channel"], t["ts"]) for t in all_taken if t["kind"] == "edit"}
        rows = [
            *_span(out),
            *_posts(repository, taken, edited, out),
            *_observed(repository, out, is_over),
            *_log(out),
            *_memory(out),
        ]
        if is_over:
            rows.append(("integrity_check", repository.execute("PRAGMA integrity_check").fetchone()[0]))
    wide = max(len(name) for name, _ in rows)
    print("\n".join(f"{name:<{wide}}  {value}" for name, value in rows), flush=True)
    if is_over:
        plot(out)


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of a file, but for a last one that was cut."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


Row = tuple[str, object]
BY_ITSELF = "itself"  # how a life ended that nothing was to end


def _span(out: Path) -> Iterator[Row]:
    lives = read(out / "lives.ndjson")
    began = lives[0]
    last = max(line["at"] for line in lives if "at" in line)
    died = [line for line in lives if line["what"] == "died"]
    kinds = Counter(f"{d['how']} -> {d['code']}" for d in died)
    yield (
        "soaked",
        f"{(last - began['at']) / 60:.0f} min of {began['minutes']}; {began['sources']} sources at {began['speed']}x, seed {began['seed']}",
    )
    yield "lives", f"{sum(line['what'] == 'born' for line in lives)}; ended by {dict(kinds)}"
    yield "ENDED BY ITSELF", sum(d["how"] == BY_ITSELF for d in died)
    terms = [d["took_s"] for d in died if d["how"] == "SIGTERM"]
    if terms:
        yield "SIGTERM to exit, longest", f"{max(terms):.1f} s"
    counts = next((line["counts"] for line in reversed(lives) if "counts" in line), None)
    if counts:
        yield "looks, by how the page answered", counts["pages"]
        yield "calls of Slack, by what went wrong", counts["slack"]
        yield "asked meanwhile", counts["asked"]
        yield (
            "acks",
            f"{counts['acks']}, p50 {counts.get('ack_p50_ms', 0):.0f} ms, p99 {counts.get('ack_p99_ms', 0):.0f} ms; answers {counts['answers']}",
        )


def never_came(
    repository: sqlite3.Connection, taken: list[dict[str, Any]], edited: set[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """What is said to be sent, and came neither as a message nor as an edit of one: some notices are edits."""
    came = {(t["channel"], t["key"]) for t in taken}
    for row in repository.execute("SELECT channel, key, ts FROM outbox WHERE state = 'sent' AND kind != 'edit'"):
        if (row["channel"], row["key"]) not in came and (row["channel"], row["ts"]) not in edited:
            yield row["channel"], row["key"]


def _posts(
    repository: sqlite3.Connection, taken: list[dict[str, Any]], edited: set[tuple[str, str]], out: Path
) -> Iterator[Row]:
    states = Counter(dict(repository.execute("SELECT state, count(*) FROM outbox GROUP BY state").fetchall()))
    came = Counter((t["channel"], t["key"]) for t in taken)
    due = {(r["channel"], r["key"]) for r in repository.execute("SELECT channel, key FROM outbox")}
    yield "posts due, by state", dict(states)
    yield (
        "  parked, by reason",
        dict(repository.execute("SELECT error, count(*) FROM outbox WHERE state = 'parked' GROUP BY error").fetchall())
        or "none",
    )
    yield "LOST: said to be sent, and never came", sum(1 for _ in never_came(repository, taken, edited))
    yield "LOST: still owed", states["waiting"] + states["sending"]
    yield "came, and was never due", sum(key not in due for key in came)
    again = sum(n - 1 for n in came.values())
    text = (out / "bot.log").read_text(encoding="utf-8", errors="replace")
    admitted: Counter[str] = Counter()
    for channel, attempt in re.findall(r"(C\d{3}): sent again.* attempt (\d+)", text):
        admitted[channel] += int(attempt) - 1  # every attempt before it may have been taken
    per_channel = Counter(c for (c, _), n in came.items() for _ in range(n - 1))
    said = len(re.findall("sent again", text))
    yield "duplicates", f"{again} of {len(taken)} messages; {said} lines of the log admit {sum(admitted.values())}"
    yield "  channels with more duplicates than admitted", sum(n > admitted[c] for c, n in per_channel.items())
    yield "posts out of order", sum(1 for _ in disorder(repository, taken))
    told, bare = repository.execute("SELECT count(*), sum(ts IS NULL) FROM alerts").fetchone()
    yield "told: incident and channel", f"{told}; without a receipt {bare}"
    yield "threads whose parent is another incident's", sum(1 for _ in _strays(repository, taken))


def disorder(repository: sqlite3.Connection, taken: list[dict[str, Any]]) -> Iterator[str]:
    """Posts that came before one of the same incident and channel that was owed earlier."""
    owed = {
        (r["channel"], r["key"]): (r["id"], r["incident"])
        for r in repository.execute("SELECT id, channel, key, incident FROM outbox WHERE kind IN ('alert', 'reply')")
    }
    last: dict[tuple[str, str], int] = defaultdict(int)
    seen = set()
    for post in taken:
        key = post["channel"], post["key"]
        if key in seen or key not in owed:
            continue
        seen.add(key)
        number, incident = owed[key]
        if number < last[post["channel"], incident]:
            yield f"{key}"
        last[post["channel"], incident] = max(number, last[post["channel"], incident])


def _strays(repository: sqlite3.Connection, taken: list[dict[str, Any]]) -> Iterator[str]:
    owed = {
        (r["channel"], r["key"]): r["incident"] for r in repository.execute("SELECT channel, key, incident FROM outbox")
    }
    parents = {(t["channel"], t["ts"]): owed.get((t["channel"], t["key"])) for t in taken if not t["thread"]}
    for post in taken:
        if post["thread"] and parents.get((post["channel"], post["thread"])) != owed.get(
            (post["channel"], post["key"])
        ):
            yield post["key"]


def _observed(repository: sqlite3.Connection, out: Path, is_over: bool) -> Iterator[Row]:
    """What the pages showed in looks that went well, against what is in the database."""
    looks: Counter[tuple[str, str, str]] = Counter()
    for line in read(out / "seen.ndjson"):
        for incident, update, _ in line["updates"]:
            looks[line["source"], incident, update] += line["looks"]
    known = {(r["source"], r["id"]) for r in repository.execute("SELECT source, id FROM updates")}
    read_ = [(source, update) for (source, _, update), n in looks.items() if n]
    lost = sum(post not in known for post in read_)
    yield (
        "vendors' posts that the bot has read, by the tags that it asked with",
        f"{len(read_)}; not in the book: {lost}",
    )
    found = repository.execute(
        "SELECT count(*), sum(is_baseline), sum(is_retroactive), sum(closed_at IS NOT NULL) FROM incidents"
    ).fetchone()
    yield (
        "incidents in the book",
        f"{found[0]} (open at the first look {found[1]}, over before it was seen {found[2]}); ended {found[3]}",
    )
    yield (
        "events in the timeline",
        dict(repository.execute("SELECT kind, count(*) FROM events GROUP BY kind ORDER BY 2 DESC").fetchall()),
    )
    (size,) = repository.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()
    yield "database", f"{size / 1e6:.0f} MB"
    if is_over:
        yield "source_blind without source_back at the end", _blind(repository)


def _blind(repository: sqlite3.Connection) -> int:
    last = repository.execute(
        "SELECT provider, kind, max(id) FROM events WHERE kind IN ('source_blind', 'source_back') GROUP BY provider"
    ).fetchall()
    return sum(kind == "source_blind" for _, kind, _ in last)


def _log(out: Path) -> Iterator[Row]:
    text = (out / "bot.log").read_text(encoding="utf-8", errors="replace")
    yield "Tracebacks in the log", text.count("Traceback")
    yield "unexpected errors", text.count("unexpected error")
    yield (
        "errors in the log, by kind",
        dict(Counter(re.findall(r"ERROR brownout (?:\S+: )?(.{0,60})", text)).most_common(4)) or "none",
    )
    yield "lines in the log", text.count("\n")


def _memory(out: Path) -> Iterator[Row]:
    samples = [s for s in read(out / "samples.ndjson") if s["who"] == "bot"]
    lives = by_life(samples)
    if not samples:
        return
    first = samples[0]["at"]
    late = [s for s in samples if s["at"] - first > FIRST_S and s["at"] - lives[s["life"]][0]["at"] > WARM_S]
    for what, unit, scale in (("rss", "MB", 1e6), ("fds", "files", 1), ("threads", "threads", 1)):
        values = [s[what] / scale for s in samples]
        yield f"{what}: median, most", f"{median(values):.1f}, {max(values):.1f} {unit}"
        if len(late) > 2:
            slope = linear_regression([s["at"] / 3600 for s in late], [s[what] / scale for s in late]).slope
            yield "  slope over the soak, after 10 min", f"{slope:+.2f} {unit} an hour"
        inside = [slope_of(life, what, scale) for life in lives.values() if len(life) > 20]
        if inside:
            yield "  slope within a life, median", f"{median(inside):+.2f} {unit} an hour, of {len(inside)} lives"
    used = sum(life[-1]["cpu"] - life[0]["cpu"] for life in lives.values())
    spent = sum(life[-1]["at"] - life[0]["at"] for life in lives.values())
    if spent:
        yield "CPU of the bot", f"{100 * used / spent:.1f} % of a core"


def by_life(samples: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    """Samples by the process that they are of."""
    lives: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for sample in samples:
        lives[sample["life"]].append(sample)
    return lives


def slope_of(life: list[dict[str, Any]], what: str, scale: float) -> float:
    """Units an hour of one life, its first minutes left out."""
    late = [s for s in life if s["at"] - life[0]["at"] > WARM_S]
    return linear_regression([s["at"] / 3600 for s in late], [s[what] / scale for s in late]).slope


def plot(out: Path) -> None:
    """Memory, open files, threads and the size of the database over the soak, as ``soak.png``."""
    try:
        import matplotlib as mpl  # noqa: PLC0415
    except ImportError:
        return
    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    samples = [s for s in read(out / "samples.ndjson") if s["who"] == "bot"]
    figure, panes = plt.subplots(4, 1, sharex=True, figsize=(10, 9))
    shown = (
        ("rss", "resident MB", 1e6),
        ("fds", "open files", 1),
        ("threads", "threads", 1),
        ("db", "database MB", 1e6),
    )
    for pane, (what, label, scale) in zip(panes, shown, strict=True):
        for life in by_life(samples).values():
            pane.plot([(s["at"] - samples[0]["at"]) / 60 for s in life], [s[what] / scale for s in life])
        pane.set_ylabel(label)
        pane.set_ylim(bottom=0)
        pane.grid(visible=True, alpha=0.3)
    panes[-1].set_xlabel("minutes; a colour is a life of the process")
    figure.tight_layout()
    figure.savefig(out / "soak.png", dpi=100)
    print(f"plot: {out / 'soak.png'}", flush=True)

"""The scores of today's rules on the recordings that are given: golden tables, and what is published of them.

``python -m tests.evaluation.scores`` compares each data set's table with the one in the folder ``golden`` and exits with 1
where one differs; with ``--write`` it writes them, the generated parts of ``bot/docs/accuracy.md`` and
``bot/rules/verdict/held_record.py``. Run it after every change of rules, and look at the difference. It needs the
recordings (BROWNOUT_SHARED names their folder) and some minutes. With ``--scope`` it does so for attribution only, in
seconds.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot import settings
from bot.evaluation import attribution, forecast, metrics
from bot.evaluation.attribution import AttributionResult, Count
from bot.evaluation.audible import audible_figures
from bot.evaluation.policies import BROWNOUT_POLICY, POLICIES
from bot.evaluation.verdicts import VerdictResult, evaluate, read_windows
from bot.formats import recordings

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
ACCURACY = ROOT / "bot" / "docs" / "accuracy.md"
HELD = ROOT / "bot" / "rules" / "verdict" / "held_record.py"


@dataclass(frozen=True)
class DataSet:
    """Recordings that are scored together; ``max_gap`` is that of ``brownout score``, 0 where a gap means no change."""

    name: str
    files: tuple[str, ...]
    truth: str = ""
    max_gap: int = 30


_LLM = ("openai.json", "anthropic.json", "characterai.json")
SETS = (
    DataSet("llm-2021-2023", tuple(f"llm-2021-2023/{f}" for f in _LLM), "llm-2021-2023/stated-windows.json"),
    DataSet("llm-2024", tuple(f"llm-2024/{f}" for f in _LLM), "llm-2024/stated-windows.json"),
    DataSet("github-2020-2024", ("github/polls-2020-11_2024-12.ndjson.xz",)),
    DataSet("github-2020-2024-with-gaps", ("github/polls-2020-11_2024-12.ndjson.xz",), max_gap=0),
)


SCOPES = SETS[:3]


def score(data: DataSet, folder: Path) -> VerdictResult:
    """Scores today's rules on a data set."""
    found = settings.load(ROOT / "config")
    windows = read_windows((folder / data.truth).read_bytes()) if data.truth else {}
    opened = [(name, (folder / name).open("rb")) for name in data.files]
    try:
        recorded = [(name, recordings.read_recording(file)) for name, file in opened]
        return evaluate(recorded, found.providers, found.rules_for, windows, max_unseen_min=data.max_gap)
    finally:
        for _, file in opened:
            file.close()


# --- tables -----------------------------------------------------------------------------------------------------------

_VERDICT_ROWS = (
    ("episodes / incident-hours", lambda f: f"{f['episodes']} / {f['incident_hours']:g}"),
    ("incident time in gaps, left out", lambda f: f"{f['unseen_share']:.0%}"),
    ("false openings of openings", lambda f: f"{f['false_openings']} of {f['openings']}"),
    ("per 100", lambda f: _with(f["false_openings_per_100"], f["false_openings_ci95"])),
    ("false-safe min per incident-hour", lambda f: _minutes(f, "false_safe_min_per_incident_hour")),
    ("weighted by load", lambda f: _minutes(f, "weighted_false_safe_min_per_incident_hour")),
    ("early openings", lambda f: _with(f["early_openings"], f["early_openings_ci95"])),
    ("hold, min per incident group", lambda f: _minutes(f, "hold_min_per_episode")),
    ("first retry, min, P50", lambda f: _delay(f["first_retry_delay_min"], "p50")),
    ("first retry, min, P90", lambda f: _delay(f["first_retry_delay_min"], "p90")),
    ("normal, min, P50", lambda f: _delay(f["normal_delay_min"], "p50")),
    ("normal, min, P90", lambda f: _delay(f["normal_delay_min"], "p90")),
)


def table(result: VerdictResult) -> str:
    """A data set's figures as Markdown: both truths, messages, the forecast by age and by provider."""
    parts = [
        _verdict_table(result, truth) for truth in ("A", "C") if any(m.episode.truth == truth for m in result.measures)
    ]
    messages = audible_figures(result.audible)
    parts.append(
        f"Audible messages per incident: P50 {messages['p50']:g}, P90 {messages['p90']:g}, mean {messages['mean']:g},"
        f" at most {messages['max']} ({messages['n']} incidents)."
    )
    return "\n\n".join([*parts, forecast_table({"": result}), held_table([result])]) + "\n"


def _verdict_table(result: VerdictResult, truth: str) -> str:
    figures = {p: metrics.aggregate_metrics(m) for p in POLICIES if (m := result.select(truth, p))}
    lines = [f"| truth {truth} | {' | '.join(figures)} |", "|---" * (len(figures) + 1) + "|"]
    for heading, cell in _VERDICT_ROWS:
        lines.append(f"| {heading} | {' | '.join(cell(f) for f in figures.values())} |")
    if truth == "A":
        heard = audible_figures(result.audible)
        shown = (f"{heard['p50']:g} / {heard['p90']:g}" if policy == BROWNOUT_POLICY else "-" for policy in figures)
        lines.append(f"| audible messages per incident, P50 / P90 | {' | '.join(shown)} |")
    return "\n".join(lines)


def forecast_table(results: Mapping[str, VerdictResult]) -> str:
    """Coverage of P50, P80 and P90 with its interval, by data set: all, by provider, by age."""
    lines = ["| ended within | P50 | P80 | P90 | estimates | incidents |", "|---" * 6 + "|"]
    for name, result in results.items():
        grades = result.estimates
        rows = {"all": grades}
        rows |= {p: tuple(g for g in grades if g.provider == p) for p in result.providers}
        rows |= {f"at {age} min": tuple(g for g in grades if g.age == age) for age in forecast.LANDMARKS}
        for what, part in rows.items():
            found = forecast.coverage(part)
            if found["n"]:
                shares = " | ".join(
                    f"{100 * share:.1f} % [{100 * found['ci95'][level][0]:.0f}, {100 * found['ci95'][level][1]:.0f}]"
                    for level, share in found["coverage"].items()
                )
                numbers = f"{found['n']} | {found['incidents']}"
                lines.append(f"| {f'{name}, {what}' if name else what} | {shares} | {numbers} |")
    return "\n".join(lines)


def held(results: Sequence[VerdictResult]) -> dict[str, dict[str, Any]]:
    """Re-openings by advice and rule over several results."""
    return metrics.held_openings([m for result in results for m in result.select("A", "ours")])


def held_table(results: Sequence[VerdictResult]) -> str:
    """How many re-openings held, by advice and rule."""
    lines = ["| advice | rule | held for an hour | share, 95 % interval |", "|---|---|---|---|"]
    for call, rules in held(results).items():
        for rule, row in rules.items():
            interval = " to ".join(f"{bound:.0%}" for bound in row["ci95"] or ())
            lines.append(f"| `{call}` | `{rule}` | {row['held']} of {row['of']} | {row['share']:.1%}, {interval} |")
    return "\n".join(lines)


def _with(value: float | None, interval: Sequence[float] | None) -> str:
    if value is None or interval is None:
        return "-"
    return f"{value:.4g} [{interval[0]:.4g}, {interval[1]:.4g}]"


def _minutes(figures: Mapping[str, Any], name: str) -> str:
    return _with(figures[name], figures[f"{name}_ci95"])


def _delay(delay: Mapping[str, Any], level: str) -> str:
    return _with(delay[level], delay[f"{level}_ci95"])


def scope(data: DataSet, folder: Path) -> AttributionResult:
    """Scores attribution on a data set."""
    return attribution.evaluate(
        {name: (folder / name).read_bytes() for name in data.files}, settings.load(ROOT / "config").providers
    )


def scope_table(results: Mapping[str, AttributionResult]) -> str:
    """How right the attribution is, by data set: from the words alone, as of then, and two baselines."""
    lines = ["| data, method | precision | recall | F1 | right | wrong | missed |", "|---" * 7 + "|"]
    for name, result in results.items():
        words = result.text_only
        leak = " (final lists, so this leaks)" if result.leaking else ""
        rows = {
            "words alone": words.micro,
            "words alone; truth: the list, and what the page showed bad": None
            if words.red == words.micro
            else words.red,
            f"words alone, where they name anything ({result.named} of {result.labelled})": words.named,
            f"everything as of then{leak}": result.as_of.micro,
            "baseline: every component": result.all_components.micro,
            "baseline: a name in the title": result.name_in_title.micro,
        }
        lines += [f"| {name}: {method} | {_count_cells(count)} |" for method, count in rows.items() if count]
        lines.append(f"| {name}: login said to be the API | | | | | {result.logins_as_api} of {result.logins} | |")
    return "\n".join(lines)


def _count_cells(count: Count) -> str:
    shares = (f"{share:.3f}" if share is not None else "-" for share in (count.precision, count.recall, count.f1))
    return " | ".join((*shares, str(count.tp), str(count.fp), str(count.fn)))


# --- what is published ------------------------------------------------------------------------------------------------


def held_module(text: str, results: Sequence[VerdictResult]) -> str:
    """The text of ``held_record.py`` with the figures of these results."""
    lines = []
    for call, rules in held(results).items():
        entries = (f'        "{rule}": ({row["held"]}, {row["of"]}),' for rule, row in rules.items())
        lines += [f'    "{call}": {{', *entries, "    },"]
    body = "\n".join(lines)
    return re.sub(r"= \{.*?\n\}\n(?=MIN_)", lambda _: f"= {{\n{body}\n}}\n", text, count=1, flags=re.DOTALL)


def with_part(page: str, name: str, text: str) -> str:
    """A page with its generated part of this name replaced."""
    begin, end = f"<!-- scores: {name} -->\n", f"<!-- end: {name} -->"
    return re.sub(
        f"({re.escape(begin)}).*?({re.escape(end)})", lambda m: f"{m[1]}{text}\n{m[2]}", page, flags=re.DOTALL
    )


def publish(results: Mapping[str, VerdictResult], scopes: str) -> Iterator[Path]:
    """Writes what other files say of these results; yields those that it has changed."""
    llm = {name: result for name, result in results.items() if name.startswith("llm")}
    page = ACCURACY.read_text(encoding="utf-8")
    for name, result in results.items():
        for truth in ("A", "C"):
            if any(m.episode.truth == truth for m in result.measures):
                page = with_part(page, f"{name} {truth}", _verdict_table(result, truth))
    page = with_part(page, "scope", scopes)
    texts = {ACCURACY: page}
    if llm:
        page = with_part(page, "forecast", forecast_table(llm))
        page = with_part(page, "held", held_table([*llm.values()]))
        texts = {ACCURACY: page, HELD: held_module(HELD.read_text(encoding="utf-8"), [*llm.values()])}
    for file, text in texts.items():
        if file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            yield file


def main(words: Sequence[str]) -> int:
    """Compares, or writes."""
    if not set(words) <= {"--write", "--scope"}:
        sys.exit(__doc__)
    folder = Path(os.environ.get("BROWNOUT_SHARED", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        sys.exit("the recordings are not here: set BROWNOUT_SHARED to their folder")
    is_write = "--write" in words
    scopes = scope_table({data.name: scope(data, folder) for data in SCOPES})
    results = {} if "--scope" in words else {data.name: score(data, folder) for data in SETS}
    tables = {"scope": scopes + "\n"} | {name: table(result) for name, result in results.items()}
    differing = [name for name, text in tables.items() if _golden(name) != text]
    for name in differing:
        print(f"{name}: {'written' if is_write else 'differs'}")  # noqa: T201
        if is_write:
            (GOLDEN / f"{name}.md").write_text(tables[name], encoding="utf-8")
    if is_write:
        for file in publish(results, scopes):
            print(f"{file.relative_to(ROOT)}: written")  # noqa: T201
    return 1 if differing and not is_write else 0


def _golden(name: str) -> str:
    file = GOLDEN / f"{name}.md"
    return file.read_text(encoding="utf-8") if file.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

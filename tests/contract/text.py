"""Small helpers of the golden files: sections of sorted lines, and what the source code has in writing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import bot


def sections(found: Mapping[str, Iterable[str]]) -> str:
    """A heading and its lines, sorted and once each."""
    parts = (f"# {heading}\n" + "".join(f"{line}\n" for line in sorted(set(lines))) for heading, lines in found.items())
    return "\n".join(parts)


def written(pattern: str) -> list[str]:
    """What the pattern's one group matches in any module of the package; where the module stands does not matter."""
    return re.findall(pattern, _source())


@cache
def _source() -> str:
    files = sorted(Path(bot.__file__).parent.rglob("*.py"))
    return "\n".join(file.read_text(encoding="utf-8") for file in files)

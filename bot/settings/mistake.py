"""A TOML file -> its table, or every mistake in it as a sentence with file and line."""

from __future__ import annotations

import re
import reprlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from bot.settings.probe import ProbeTable
from bot.settings.strict import HIDDEN, Strict

M = TypeVar("M", bound=Strict)
LARGEST = 100_000  # bytes of a file; reading TOML takes time by the square of some things in it
MOST = 50  # mistakes that are named of one file


def read(file: Path, kind: type[M], mistakes: list[str]) -> M | None:
    """The file's table; None where it has mistakes, which are added to the others."""
    try:
        if file.stat().st_size > LARGEST:
            mistakes.append(f"{file}:1: larger than {LARGEST // 1000} kB; one file is one provider's")
            return None
        text = file.read_text(encoding="utf-8")
        return kind.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        last = text.rstrip().count("\n") + 1  # where the error stands "at end of document"
        mistakes.append(f"{file}:{line[1] if line else last}: not valid TOML: {error}")
    except RecursionError:
        mistakes.append(f"{file}:1: can't be read: it is nested too deeply")
    except (OSError, UnicodeDecodeError) as error:
        mistakes.append(f"{file}:1: can't be read: {error}")
    except ValidationError as error:
        named = [f"{file}:{_line_of(text, e['loc'])}: {_sentence(e)}" for e in error.errors()[:MOST]]
        mistakes += named + ([f"{file}:1: and more of that kind"] if error.error_count() > MOST else [])
    except ValueError as error:
        mistakes.append(f"{file}:1: not valid TOML: {error}")
    return None


def place(file: Path, loc: tuple[str | int, ...]) -> str:
    """The file and the line on which this stands; ``loc`` is the way to it, through tables and their numbers."""
    return f"{file}:{_line_of(file.read_text(encoding='utf-8'), loc)}"


def _sentence(error: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"unknown key {where!r}; delete it or check its spelling"
    if error["type"] == "missing":
        return f"{where!r} is missing"
    said = error["msg"].removeprefix("Value error, ")
    given = error["input"]
    is_shown = not isinstance(given, dict | ProbeTable) and error["type"] != HIDDEN
    return f"{where}: {said}" + (f" (it is {reprlib.repr(given)})" if is_shown else "")


def _line_of(text: str, loc: tuple[str | int, ...]) -> int:
    """The line a mistake stands on: TOML parsers give no positions, so table headers and keys are counted."""
    tables = [str(part) for part in loc if isinstance(part, str)]
    nth = next((part for part in loc if isinstance(part, int)), 0)
    paths = {".".join(tables[:depth]) for depth in range(1, len(tables) + 1)}
    line, inside, seen = 1, len(tables) == 1, -1
    for number, row in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*([^\]]*?)\s*\]", row):
            seen += header[1] == tables[0]
            inside = header[1] in paths and nth == max(seen, 0)
            line = number if inside else line
        if inside and re.match(rf"\s*{re.escape(tables[-1])}\s*=", row):
            return number
    return line

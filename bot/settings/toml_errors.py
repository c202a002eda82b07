"""Reads a TOML file into its schema, and describes every mistake in it as a message with file and line."""

from __future__ import annotations

import re
import reprlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from bot.settings.base import HIDDEN_VALUE, StrictModel
from bot.settings.probe_toml import ProbeTable

M = TypeVar("M", bound=StrictModel)
MAX_FILE_BYTES = 100_000  # tomllib needs quadratic time for some inputs
MAX_MISTAKES = 50  # mistakes that are listed per file


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A file that is valid TOML.

    ``surfaces`` are the ids of its own ``[[surface]]`` tables where ``data`` is merged with another file's: mistakes
    are then located by id.
    """

    path: Path
    text: str
    data: dict[str, Any]
    surfaces: tuple[Any, ...] | None = None

    def locate(self, loc: tuple[str | int, ...]) -> str:
        """``file:line`` of a key. ``loc`` is its path of table names and array indexes, as in pydantic errors."""
        return f"{self.path}:{_line_number(self.text, self._own_location(loc))}"

    def _own_location(self, loc: tuple[str | int, ...]) -> tuple[str | int, ...]:
        """The location in the file's own text; the file's first line for what only the other file has."""
        if self.surfaces is None or len(loc) < 2 or loc[0] != "surface" or not isinstance(loc[1], int):  # noqa: PLR2004
            return loc
        ident = self.data["surface"][loc[1]].get("id")
        return ("surface", self.surfaces.index(ident), *loc[2:]) if ident in self.surfaces else ("extends",)


def read_table(file: Path, kind: type[M], mistakes: list[str]) -> M | None:
    """The validated table; None where the file has mistakes, which are appended to ``mistakes``."""
    content = read_toml(file, mistakes)
    return validate(content, kind, mistakes) if content else None


def read_toml(file: Path, mistakes: list[str]) -> TomlFile | None:
    """The parsed file; None where it is not valid TOML, which is appended to ``mistakes``."""
    text = ""
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            mistakes.append(f"{file}:1: larger than {MAX_FILE_BYTES // 1000} kB. One file is for one provider.")
            return None
        text = file.read_text(encoding="utf-8")
        return TomlFile(file, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        last_line = text.rstrip().count("\n") + 1  # for errors "at end of document"
        mistakes.append(f"{file}:{line[1] if line else last_line}: not valid TOML: {error}")
    except RecursionError:
        mistakes.append(f"{file}:1: can't be read: it is nested too deeply")
    except (OSError, UnicodeDecodeError) as error:
        mistakes.append(f"{file}:1: can't be read: {error}")
    except ValueError as error:
        mistakes.append(f"{file}:1: not valid TOML: {error}")
    return None


def validate(file: TomlFile, kind: type[M], mistakes: list[str]) -> M | None:
    """The file's data as this kind of table; None where it has mistakes, which are appended to ``mistakes``."""
    try:
        return kind.model_validate(file.data)
    except ValidationError as error:
        described = [f"{file.locate(e['loc'])}: {_describe_mistake(e)}" for e in error.errors()[:MAX_MISTAKES]]
        mistakes += described + (
            [f"{file.path}:1: and more of that kind"] if error.error_count() > MAX_MISTAKES else []
        )
    except RecursionError:
        mistakes.append(f"{file.path}:1: can't be read: it is nested too deeply")
    return None


def locate(file: Path, loc: tuple[str | int, ...]) -> str:
    """``file:line`` of a key. ``loc`` is its path of table names and array indexes, as in pydantic errors."""
    return f"{file}:{_line_number(file.read_text(encoding='utf-8'), loc)}"


def _describe_mistake(error: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"unknown key {where!r}; delete it or check its spelling"
    if error["type"] == "missing":
        return f"{where!r} is missing"
    message = error["msg"].removeprefix("Value error, ")
    given = error["input"]
    is_shown = not isinstance(given, dict | ProbeTable) and error["type"] != HIDDEN_VALUE
    return f"{where}: {message}" + (f" (it is {reprlib.repr(given)})" if is_shown else "")


def _line_number(text: str, loc: tuple[str | int, ...]) -> int:
    """The line of a key. tomllib gives no positions, so the text is searched for table headers and keys."""
    tables = [str(part) for part in loc if isinstance(part, str)]
    index = next((part for part in loc if isinstance(part, int)), 0)
    paths = {".".join(tables[:depth]) for depth in range(1, len(tables) + 1)}
    line, inside, current = 1, len(tables) == 1, -1
    for number, content in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*([^\]]*?)\s*\]", content):
            current += header[1] == tables[0]
            inside = header[1] in paths and index == max(current, 0)
            line = number if inside else line
        if inside and re.match(rf"\s*{re.escape(tables[-1])}\s*=", content):
            return number
    return line

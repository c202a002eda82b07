"""Finds names that are spelled like what was typed, for every "Did you mean". No I/O.

A near name is a question to a person, never a guess: nothing acts on it.
"""

from __future__ import annotations

from collections.abc import Iterable

MAX_DISTANCE = 2  # letters that may be wrong
_MAX_LENGTH = 80  # characters; no one types a longer name by hand
_SHORT, _VERY_SHORT = 5, 2  # words of so many characters may have one letter wrong, or none


def distance(typed: str, name: str, limit: int = MAX_DISTANCE) -> int:
    """The number of letters to insert, delete, replace or swap with their neighbour; ``limit`` + 1 where it is more.

    This is the optimal string alignment distance (https://en.wikipedia.org/wiki/Damerau-Levenshtein_distance).
    """
    if abs(len(typed) - len(name)) > limit or len(typed) > _MAX_LENGTH:
        return limit + 1
    before: list[int] = []
    row = list(range(len(name) + 1))
    for n, letter in enumerate(typed, 1):
        before_last, before, row = before, row, [n]
        for m, other in enumerate(name, 1):
            cost = min(before[m] + 1, row[m - 1] + 1, before[m - 1] + (letter != other))
            if n > 1 and m > 1 and letter == name[m - 2] and typed[n - 2] == other:
                cost = min(cost, before_last[m - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)


def allowed_distance(typed: str) -> int:
    """How many letters of a word may be wrong: none in one of up to 2, one in up to 5, two in a longer one."""
    if len(typed) <= _VERY_SHORT:
        return 0
    return 1 if len(typed) <= _SHORT else MAX_DISTANCE


def is_near(typed: str, name: str) -> bool:
    """Whether the name is spelled like what was typed. Both are casefolded."""
    limit = min(allowed_distance(typed), allowed_distance(name) or 1)
    return distance(typed, name, limit) <= limit


def nearest(typed: str, names: Iterable[str], count: int = 1) -> tuple[str, ...]:
    """The names that are spelled like what was typed, the nearest first; of equal ones the first given."""
    folded = typed.casefold()
    near = [(distance(folded, name.casefold()), name) for name in names if is_near(folded, name.casefold())]
    return tuple(dict.fromkeys(name for _, name in sorted(near, key=lambda pair: pair[0])))[:count]

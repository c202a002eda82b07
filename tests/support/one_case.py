"""Which case of each parametrised test runs with ``--one-case``."""

from itertools import groupby
from random import Random


def one_case_of_each(items, seed):
    """One of the items of each test function; the seed chooses."""
    chance = Random(seed)  # noqa: S311  (no secret)
    functions = groupby(sorted(items, key=lambda item: item.nodeid), lambda item: item.nodeid.partition("[")[0])
    return {chance.choice(list(cases)) for _, cases in functions}

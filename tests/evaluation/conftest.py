"""What several tests read of the recordings: their scores, computed once in a run."""

from functools import cache

import pytest

from tests.evaluation import scores


@pytest.fixture(scope="session")
def scored(shared):
    """The scores of today's rules on a data set."""
    return cache(lambda data: scores.score(data, shared))

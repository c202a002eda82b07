"""What users, programs, Slack and databases rely on is what the golden files say (``python -m tests.contract``)."""

import pytest

from tests.contract.goldens import GOLDENS, path


@pytest.mark.parametrize("name", GOLDENS)
def test_the_public_surface_is_as_committed(name):
    assert GOLDENS[name]() == path(name).read_text(encoding="utf-8"), "python -m tests.contract shows the difference"


def test_every_golden_file_has_a_function_that_makes_it():
    assert sorted(f.name for f in path("").iterdir()) == sorted(GOLDENS)

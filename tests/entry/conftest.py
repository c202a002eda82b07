"""What the doors' tests share: a town with two providers, on whose pages nothing has happened yet."""

import pytest

from tests.entry.acme import Town


@pytest.fixture
def town(tmp_path):
    town = Town(tmp_path / "town.db")
    yield town
    town.book.close()

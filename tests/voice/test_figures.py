"""Shares, in as many digits as they need."""

import pytest

from bot.voice.figures import percent


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (100.0, "100.00 %"),
        (99.994, "99.99 %"),
        (99.9962, "99.9962 %"),
        (100 - 1e-6, "99.9999 %"),
        (0.0, "0.00 %"),
        (None, "-"),
    ],
)
def test_only_what_is_100_percent_is_called_so(share, said):
    assert percent(share) == said

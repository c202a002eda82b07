import pytest

from tests.support.live_bot import LiveBot


@pytest.fixture
def live_bot(tmp_path):
    """Starts bots by the name of a story; all end with the test."""
    bots = []

    def start(story="well", **options):
        bots.append(LiveBot(tmp_path / f"{len(bots)}.db", story, **options).__enter__())
        return bots[-1]

    yield start
    for bot in bots:
        bot.__exit__()

"""A subscription whose provider is off: named in the log when the bot starts."""

import logging

from bot.cli.run import _warn_of_unwatched
from bot.domain import Subscription, VerdictParameters
from bot.queries.current import StatusQueries
from tests.support.acme import ACME, NOON


def test_a_subscription_that_can_get_no_alerts_is_in_the_log(repository, caplog):
    caplog.set_level(logging.WARNING)
    for target in ("acme", "globex"):
        repository.subscribe(Subscription("C1", target, created_at=NOON))
    _warn_of_unwatched(StatusQueries((ACME,), repository, lambda: NOON, lambda _: VerdictParameters()))
    assert caplog.messages == ["subscriptions to globex get no alerts: not in config. Channels: C1"]


def test_one_whose_provider_is_off_says_so(repository, caplog):
    repository.subscribe(Subscription("C1", "acme-api", created_at=NOON))
    _warn_of_unwatched(StatusQueries((), repository, lambda: NOON, lambda _: VerdictParameters(), available=(ACME,)))
    assert "disabled in config" in caplog.text

"""``/metrics``: every metric is described, tells what the queries knows, and survives any state of the bot."""

from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families

from bot.domain import PollStatistics
from bot.queries.runtime import Runtime
from bot.web import metrics

NOTHING = metrics.MetricsState()


def scraped(queries, state=NOTHING):
    """Every sample of ours by its name and its labels' values."""
    families = text_string_to_metric_families(metrics.render_metrics(queries, state).decode())
    return {(s.name, *s.labels.values()): s.value for f in families for s in f.samples if s.name in metrics.HELP}


class FakePollSchedule:
    """Two of seven checks began late."""

    def poll_statistics(self, _):
        return PollStatistics(60.0, None, 7, 2, 6.5)

    async def add_provider(self, provider):
        raise AssertionError(provider)


def test_every_metric_that_is_described_is_there_once_the_bot_runs(scenario):
    scenario.poll_page(until=20)
    queries = replace(scenario.queries(), running=Runtime([], poll_jobs=FakePollSchedule()))
    found = scraped(queries, metrics.MetricsState(is_slack_connected=True, backed_up_at=scenario.now(), shards=22))
    assert {name for name, *_ in found} == set(metrics.HELP)


def test_looks_and_late_ones_are_counted(scenario):
    queries = replace(scenario.queries(), running=Runtime([], poll_jobs=FakePollSchedule()))
    found = scraped(queries)
    assert (
        found["brownout_source_looks_total", "acme"],
        found["brownout_source_late_looks_total", "acme"],
    ) == (7, 2)


def test_a_broken_surface_takes_nothing(scenario):
    found = scraped(scenario.breaks().queries())
    given = {key[3] for key, v in found.items() if key[:3] == ("brownout_surface_verdict", "acme", "acme-api") and v}
    assert (found["brownout_surface_exposure", "acme", "acme-api"], given) == (0, {"fail_over"})


def test_an_open_incident_is_counted(scenario):
    assert scraped(scenario.breaks().queries())["brownout_open_incidents", "acme"] == 1


def test_a_page_that_was_never_read_has_no_age(scenario):
    assert ("brownout_source_age_seconds", "acme") not in scraped(scenario.queries())


def test_the_age_of_the_last_poll_is_in_seconds(scenario):
    scenario.poll_page(until=20)
    scenario.minute += 1.5
    assert scraped(scenario.queries())["brownout_source_age_seconds", "acme"] == 90


def test_where_slack_is_not_wanted_nothing_is_said_of_it(scenario):
    assert ("brownout_slack_connected",) not in scraped(scenario.queries())


def test_a_slack_that_is_away_is_told(scenario):
    assert (
        scraped(scenario.queries(), metrics.MetricsState(is_slack_connected=False))[("brownout_slack_connected",)] == 0
    )


def test_nothing_owed_is_no_wait(scenario):
    found = scraped(scenario.queries())
    assert (found[("brownout_posts_owed",)], found[("brownout_post_oldest_seconds",)]) == (0, 0)


def test_a_bot_that_follows_another_one_is_not_the_leader(scenario):
    assert scraped(scenario.queries(), metrics.MetricsState(is_leader=False))["brownout_leader",] == 0

"""The stage of a feed's entry: only words in a stage's place count, and never one inside a sentence."""

import pytest

from bot.domain import Stage
from bot.formats import FORMATS, feed_stages
from tests.formats.pages import NOON, read, source


def stage(title, text="", categories=()):
    return feed_stages.read_stage(title, text, categories)


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Login fails", "Sign-in is not operational in one cell."),
        ("Login fails", "The earlier errors were not resolved by our fix."),
        ("Login fails", "We expect this to be resolved within the hour."),
        ("Search is down", "The dashboard remains operational."),
        ("Resolved addresses are wrong", ""),
        ("Scheduled exports fail", "Exports that were scheduled do not run."),
        ("Uploads fail", "A rollback is in progress."),
        ("Alerts are late", "Monitoring and alerting are delayed by minutes."),
        ("Search is slow", "Status: Degraded\nOperational impact on checkout."),
        ("Errors on sign up", ""),
        ("Backups cannot be restored", ""),
        ("The cluster has not recovered", ""),
        ("Deleted files could be restored", ""),
        ("Queues are down", "The queue for mail is operating normally. The service is not operating normally."),
        ("Queues are down", "Queues are still failing. The service is operating normally."),
        ("Components", "Web (Operational)\nQueues (Major outage)"),
    ],
)
def test_a_stage_word_inside_a_sentence_is_no_stage(title, text):
    assert stage(title, text) is Stage.UNKNOWN


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("Resolved: Queues are late", "", Stage.RESOLVED),
        ("Resolved | Queues are late", "", Stage.RESOLVED),
        ("[Monitoring] Queues are late", "", Stage.MONITORING),
        ("Queues are late (identified)", "", Stage.IDENTIFIED),
        ("Queues are late - Mitigated", "", Stage.RESOLVED),
        ("Queues are late: resolved", "", Stage.RESOLVED),
        ("RCA - Queues were late", "", Stage.POSTMORTEM),
        ("Queues \u2013 Operational", "", Stage.RESOLVED),
        ("Queues are late", "Status: Investigating\nJobs wait.", Stage.INVESTIGATING),
        ("Queues are late", "Investigating - Jobs wait.", Stage.INVESTIGATING),
        ("Queues are late", "Identified: jobs wait for the scheduled deployment.", Stage.IDENTIFIED),
        ("Queues are late", "10:42 UTC - Monitoring - Jobs run again.", Stage.MONITORING),
        ("Scheduled Maintenance: a new disk", "", Stage.SCHEDULED),
        ("A new disk", "In progress - We change the disk.", Stage.IN_PROGRESS),
        ("队列延迟 已恢复", "", Stage.RESOLVED),
    ],
)
def test_a_word_in_a_stages_place_is_the_stage(title, text, expected):
    assert stage(title, text) is expected


def test_a_category_is_a_stage():
    assert stage("Queues are late", categories=("disruption", "Identified")) is Stage.IDENTIFIED


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Queues recovered", ""),
        ("Queues have been restored", ""),
        ("Queues are back online", ""),
        ("Late jobs", "Jobs were late for half an hour. The service is now operating normally."),
        ("Late jobs", "Jobs were late. The issue has been resolved and the service is operating normally."),
        ("Late jobs", "All systems are operational again."),
    ],
)
def test_what_says_of_the_whole_that_it_is_over_is_over(title, text):
    assert stage(title, text) is Stage.RESOLVED


def test_a_last_sentence_does_not_end_what_the_title_says_goes_on():
    assert stage("Queues are still failing", "The incident is resolved.") is Stage.UNKNOWN


def test_the_words_of_hund_end_an_incident_in_both_languages():
    assert {i.name: i.stage for i in read("feed", "hund").incidents} == {
        "[Investigating] Mails are late": Stage.INVESTIGATING,
        "[Ended] The web mail does not open": Stage.RESOLVED,
        "[Behoben] Anmeldung gestört": Stage.RESOLVED,
    }


@pytest.mark.parametrize(
    ("word", "stage"),
    [("Available", Stage.RESOLVED), ("ServiceDegradation", Stage.INVESTIGATING), ("Purple", Stage.UNKNOWN)],
)
def test_microsofts_element_of_an_entry_says_how_the_service_is(word, stage):
    item = f"<item><guid>a</guid><title>Center</title><status>{word}</status><description>A text.</description></item>"
    raw = f"<rss version='2.0'><channel><title>A</title>{item}</channel></rss>".encode()
    assert [i.stage for i in FORMATS["feed"].parse((raw,), source("feed"), NOON).incidents] == [stage]

"""The answer to *Why?*: reasons, evidence, what to do and sources."""

from dataclasses import replace
from datetime import timedelta

import pytest
from inline_snapshot import snapshot

from bot.domain import EvidenceState, ProbeAttempt, ProbeState, TrafficWindow
from bot.messages.why import SourceChecks, why_message
from tests.support.phases import NEW

NOW = NEW.as_of
CHECKED = replace(NEW, checked_at=NOW - timedelta(seconds=20))


def text(alert=CHECKED, sentences=None, **checks):
    return why_message(alert, NOW, sentences or {}, SourceChecks(**checks)).text


def sources(**checks):
    return text(**checks).splitlines()[-1]


def seen_of_web(**more):
    return [EvidenceState("acme-web", **more)]


def traffic(ok, failed, writer="", minute=1):
    until = NOW - timedelta(minutes=minute)
    return TrafficWindow(until - timedelta(minutes=1), until, ok, failed, writer=writer)


def probe(*outcomes, minute=1):
    at = NOW - timedelta(minutes=minute)
    return ProbeState("here", tuple(ProbeAttempt(at, ok) for ok in outcomes))


def test_the_answer_has_reasons_what_to_do_and_sources():
    assert text(interval_s=20.0) == snapshot("""\
Why: Acme, 12:01 UTC
• web: don't retry. Shown on Acme's page since 12:00 UTC. 10% load after 5 min without errors.
• Console, Code: retry slowly (10% load). Shown on Acme's page since 12:00 UTC. 10% load after 5 min without errors.
What to do · People: Save your text; don't resend it. · Programs: Queue the work. Console, Code: 10% of normal load, backoff with jitter, 3 attempts.
Sources: status page checked 12:00 UTC, every 20 s · probes: none configured · your traffic: none sent · reports here: 0\
""")


def test_what_is_the_same_for_a_group_is_said_once():
    shared = {line.surface: ("It needs Acme login.",) for line in CHECKED.lines[1:]}
    assert text(sentences=shared).count("It needs Acme login.") == 1


def test_what_is_true_of_one_service_of_a_group_has_its_name():
    first = CHECKED.lines[1]
    assert f"{first.short}: It needs Acme login." in text(sentences={first.surface: ("It needs Acme login.",)})


def test_a_service_of_the_vendor_cannot_write_markup():
    name = CHECKED.lines[0].surface
    assert "<!channel>" not in str(why_message(CHECKED, NOW, {name: ("“<!channel>”.",)}, SourceChecks()).blocks)


def test_an_incident_that_has_ended_says_that_the_advice_is_as_of_now():
    ended = replace(CHECKED, closed_at=NOW - timedelta(minutes=1))
    assert "The incident ended at 12:00 UTC. The advice is as of now." in text(ended)


def test_an_incident_without_services_says_so():
    assert "The incident names no service of Acme." in text(replace(CHECKED, lines=(), watched=()))


def test_an_old_check_is_called_the_last_one():
    old = replace(CHECKED, checked_at=NOW - timedelta(minutes=20))
    assert "status page last checked 11:41 UTC" in text(old)


def test_nothing_configured_is_said_plainly():
    assert sources().endswith("probes: none configured · your traffic: none sent · reports here: 0")


@pytest.mark.parametrize(
    ("seen", "shown"),
    [
        ({"sights": (probe(True, False, False),)}, "probes: 2 of 3 failed in 15 min"),
        ({"sights": (probe(False, minute=16),)}, "probes: no recent result"),
        ({"tallies": (traffic(4092, 8),)}, "your traffic: 0.2% errors of 4,100"),
        ({"tallies": (traffic(9, 1),)}, "your traffic: 1 of 10 requests failed"),
        ({"tallies": (traffic(90, 10, minute=6),)}, "your traffic: none sent"),
        ({"tallies": (traffic(100, 0, "a"), traffic(50, 50, "b"))}, "your traffic: 50.0% errors of 100"),
    ],
)
def test_the_evidence_beside_the_page_is_counted(seen, shown):
    assert shown in sources(evidence=seen_of_web(**seen))


def test_a_probe_without_results_yet_is_no_missing_probe():
    assert "probes: no recent result" in sources(has_probes=True)

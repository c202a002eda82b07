"""``RetryGate``: exit codes, answers where no bot runs on the database, and waiting."""

from datetime import datetime, timedelta

import pytest

from bot.errors import UsageError
from bot.queries import retry_gate
from bot.settings import Settings
from tests.support.scenario import ACME, GLOBEX


def asked(scenario, surface="acme-api", client=None):
    found = Settings(providers=(ACME, GLOBEX))
    return retry_gate.RetryGate(found, scenario.path, surface, client, scenario.now).check()


# --- exit codes -------------------------------------------------------------------------------------------------------


def test_a_surface_that_is_well_is_a_go(scenario):
    scenario.poll_page(until=20)
    assert asked(scenario).exit_code(gently=False) == 0


def test_a_broken_surface_is_not_now(scenario):
    assert asked(scenario.breaks()).exit_code(gently=True) == 75


def test_a_gentle_surface_is_a_go_for_those_who_go_gently(scenario):
    assert asked(scenario.recovers()).exit_code(gently=True) == 0


def test_a_gentle_surface_is_not_now_for_those_who_do_not(scenario):
    assert asked(scenario.recovers()).exit_code(gently=False) == 75


def test_a_client_whose_slot_has_not_begun_waits_although_it_goes_gently(scenario):
    early = asked(scenario.recovers(), client="me")
    assert (early.form["retry_after_s"] > 1, early.exit_code(gently=True)) == (True, 75)


def test_a_client_before_its_slot_is_told_when_its_turn_is(scenario):
    early = asked(scenario.recovers(), client="me")
    assert early.describe(gently=True).endswith(f"This client's turn is at {early.form['retry_at'][11:19]} UTC.")


def test_who_does_not_go_gently_is_told_what_would_make_it_a_go(scenario):
    assert asked(scenario.recovers()).describe(gently=False).endswith("add --gently.")


@pytest.mark.parametrize(("story", "gently"), [("recovers", True), ("breaks", False), ("breaks", True)])
def test_other_answers_are_the_headline_and_the_reason(scenario, story, gently):
    answer = asked(getattr(scenario, story)())
    headline, reason = answer.describe(gently=gently).split("\n")
    assert (headline, reason[1:] in answer.sentence) == (answer.headline, True)


@pytest.mark.parametrize(
    ("story", "headline"),
    [
        ("breaks", "don't retry  acme-api  (use globex-api instead, next update by "),
        ("recovers", "slowly (10% load)  acme-api  (next check "),
    ],
)
def test_the_headline_has_the_advice_the_service_and_the_next_time(scenario, story, headline):
    assert asked(getattr(scenario, story)()).headline.startswith(headline)


def test_the_headline_of_a_safe_service_is_two_words_and_its_id(scenario):
    scenario.poll_page(until=20)
    assert asked(scenario).headline == "safe to retry  acme-api"


def test_a_client_goes_when_its_slot_has_begun(scenario):
    form = asked(scenario.recovers(), client="me").form
    slot = datetime.fromisoformat(form["retry_at"]) - datetime.fromisoformat(form["as_of"])
    scenario.poll_page(until=scenario.minute + int(slot.total_seconds()) // 60 + 2)
    assert asked(scenario, client="me").exit_code(gently=True) == 0


def test_a_page_that_was_never_read_is_unknown(scenario):
    assert asked(scenario).exit_code(gently=True) == 69


def test_a_surface_by_its_name_is_found(scenario):
    scenario.poll_page(until=20)
    assert asked(scenario, "acme api").form["surface"] == "acme-api"


def test_an_unknown_surface_names_the_nearest(scenario):
    with pytest.raises(UsageError, match="Closest: `acme-api`"):
        asked(scenario, "acme-apy")


# --- old knowledge ----------------------------------------------------------------------------------------------------


def test_three_minutes_without_a_bot_are_unknown(scenario):
    scenario.poll_page(until=20)
    scenario.minute += 3
    assert asked(scenario).exit_code(gently=True) == 69


def test_where_no_bot_runs_the_age_is_said(scenario):
    scenario.poll_page(until=20)
    scenario.minute += 125
    assert "is 2 h 5 min old (2026-03-02 11:20 UTC)" in asked(scenario).sentence


def test_where_the_page_is_blind_and_the_bot_runs_the_page_is_blamed(scenario):
    scenario.poll_page(until=20)
    for _ in range(20):
        scenario.minute += 1
        scenario.stare()
    assert "brownout run" not in asked(scenario).sentence


def test_without_a_database_it_is_unknown_and_says_what_makes_one(scenario, tmp_path):
    found = Settings(providers=(ACME,))
    answer = retry_gate.RetryGate(found, tmp_path / "none.db", "acme-api", None, scenario.now).check()
    assert (answer.exit_code(gently=True), "brownout run" in answer.sentence) == (69, True)


def test_a_damaged_database_is_unknown_and_says_what_to_do(scenario, tmp_path):
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    answer = retry_gate.RetryGate(Settings(providers=(ACME, GLOBEX)), damaged, "acme-api", None, scenario.now).check()
    assert (answer.exit_code(gently=True), "restore a backup" in answer.sentence) == (69, True)


def test_asking_makes_no_database(scenario, tmp_path):
    found = Settings(providers=(ACME,))
    retry_gate.RetryGate(found, tmp_path / "none.db", "acme-api", None, scenario.now).check()
    assert not (tmp_path / "none.db").exists()


# --- waiting ----------------------------------------------------------------------------------------------------------


class Patience:
    """Seconds that pass only while somebody sleeps; the scenario's clock goes along, and its bot looks every minute."""

    def __init__(self, scenario, *, looks=True):
        self.scenario, self.looks, self.slept = scenario, looks, []

    def clock(self):
        return sum(self.slept)

    def sleep(self, seconds):
        self.slept.append(seconds)
        before = int(self.scenario.minute)
        self.scenario.minute += seconds / 60
        if self.looks and int(self.scenario.minute) > before:
            self.scenario.poll_page()


def wait(scenario, timeout, *, looks=True, gently=False, heard=None):
    time = Patience(scenario, looks=looks)
    answer = retry_gate.wait_until_retry(
        lambda: asked(scenario),
        gently=gently,
        timeout=timedelta(seconds=timeout),
        clock=time.clock,
        sleep=time.sleep,
        on_wait=(heard if heard is not None else []).append,
    )
    return answer, time


def test_waiting_ends_when_the_gate_opens(scenario):
    answer, time = wait(scenario.is_over(), 3600)
    assert (answer.exit_code(gently=False), 60 < time.clock() < 3600) == (0, True)


def test_waiting_ends_at_the_timeout(scenario):
    answer, time = wait(scenario.breaks(), 42)
    assert (answer.exit_code(gently=False), time.clock()) == (75, 42)


def test_waiting_goes_in_small_steps(scenario):
    _, time = wait(scenario.breaks(), 42)
    assert max(time.slept) <= 5


def test_a_timeout_of_nothing_asks_once(scenario):
    _, time = wait(scenario.breaks(), 0)
    assert time.slept == []


def test_waiting_without_a_bot_stays_unknown(scenario):
    scenario.poll_page(until=20)
    scenario.minute += 60
    answer, _ = wait(scenario, 20, looks=False)
    assert answer.exit_code(gently=False) == 69


def test_who_waits_hears_why_once_for_each_reason(scenario):
    heard = []
    wait(scenario.breaks(), 42, heard=heard)
    assert len(heard) == 1

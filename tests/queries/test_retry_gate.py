"""``RetryGate``: exit codes, answers where no bot runs on the database, and waiting."""

from datetime import datetime, timedelta

import pytest

from bot.errors import UsageError
from bot.queries import retry_gate
from bot.settings import Settings
from tests.support.scenario import ACME, GLOBEX


def asked(town, surface="acme-api", client=None):
    found = Settings(providers=(ACME, GLOBEX))
    return retry_gate.RetryGate(found, town.path, surface, client, town.now).check()


# --- exit codes -------------------------------------------------------------------------------------------------------


def test_a_surface_that_is_well_is_a_go(town):
    town.look(until=20)
    assert asked(town).exit_code(gently=False) == 0


def test_a_broken_surface_is_not_now(town):
    assert asked(town.breaks()).exit_code(gently=True) == 75


def test_a_gentle_surface_is_a_go_for_those_who_go_gently(town):
    assert asked(town.recovers()).exit_code(gently=True) == 0


def test_a_gentle_surface_is_not_now_for_those_who_do_not(town):
    assert asked(town.recovers()).exit_code(gently=False) == 75


def test_a_client_whose_slot_has_not_begun_waits_although_it_goes_gently(town):
    early = asked(town.recovers(), client="me")
    assert (early.form["retry_after_s"] > 1, early.exit_code(gently=True)) == (True, 75)


def test_a_client_before_its_slot_is_told_when_its_turn_is(town):
    early = asked(town.recovers(), client="me")
    assert early.describe(gently=True).endswith(f"This client's turn is at {early.form['retry_at'][11:19]} UTC.")


def test_who_does_not_go_gently_is_told_what_would_make_it_a_go(town):
    assert asked(town.recovers()).describe(gently=False).endswith("add --gently.")


@pytest.mark.parametrize(("story", "gently"), [("recovers", True), ("breaks", False), ("breaks", True)])
def test_other_answers_are_the_headline_and_the_reason(town, story, gently):
    answer = asked(getattr(town, story)())
    headline, reason = answer.describe(gently=gently).split("\n")
    assert (headline, reason[1:] in answer.sentence) == (answer.headline, True)


@pytest.mark.parametrize(
    ("story", "headline"),
    [
        ("breaks", "don't retry  acme-api  (use globex-api instead, next update by "),
        ("recovers", "slowly (10% load)  acme-api  (next check "),
    ],
)
def test_the_headline_has_the_advice_the_service_and_the_next_time(town, story, headline):
    assert asked(getattr(town, story)()).headline.startswith(headline)


def test_the_headline_of_a_safe_service_is_two_words_and_its_id(town):
    town.look(until=20)
    assert asked(town).headline == "safe to retry  acme-api"


def test_a_client_goes_when_its_slot_has_begun(town):
    form = asked(town.recovers(), client="me").form
    slot = datetime.fromisoformat(form["retry_at"]) - datetime.fromisoformat(form["as_of"])
    town.look(until=town.minute + int(slot.total_seconds()) // 60 + 2)
    assert asked(town, client="me").exit_code(gently=True) == 0


def test_a_page_that_was_never_read_is_unknown(town):
    assert asked(town).exit_code(gently=True) == 69


def test_a_surface_by_its_name_is_found(town):
    town.look(until=20)
    assert asked(town, "acme api").form["surface"] == "acme-api"


def test_an_unknown_surface_names_the_nearest(town):
    with pytest.raises(UsageError, match="Closest: `acme-api`"):
        asked(town, "acme-apy")


# --- old knowledge ----------------------------------------------------------------------------------------------------


def test_three_minutes_without_a_bot_are_unknown(town):
    town.look(until=20)
    town.minute += 3
    assert asked(town).exit_code(gently=True) == 69


def test_where_no_bot_runs_the_age_is_said(town):
    town.look(until=20)
    town.minute += 125
    assert "is 2 h 5 min old (2026-03-02 11:20 UTC)" in asked(town).sentence


def test_where_the_page_is_blind_and_the_bot_runs_the_page_is_blamed(town):
    town.look(until=20)
    for _ in range(20):
        town.minute += 1
        town.stare()
    assert "brownout run" not in asked(town).sentence


def test_without_a_database_it_is_unknown_and_says_what_makes_one(town, tmp_path):
    found = Settings(providers=(ACME,))
    answer = retry_gate.RetryGate(found, tmp_path / "none.db", "acme-api", None, town.now).check()
    assert (answer.exit_code(gently=True), "brownout run" in answer.sentence) == (69, True)


def test_a_damaged_database_is_unknown_and_says_what_to_do(town, tmp_path):
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    answer = retry_gate.RetryGate(Settings(providers=(ACME, GLOBEX)), damaged, "acme-api", None, town.now).check()
    assert (answer.exit_code(gently=True), "restore a backup" in answer.sentence) == (69, True)


def test_asking_makes_no_database(town, tmp_path):
    found = Settings(providers=(ACME,))
    retry_gate.RetryGate(found, tmp_path / "none.db", "acme-api", None, town.now).check()
    assert not (tmp_path / "none.db").exists()


# --- waiting ----------------------------------------------------------------------------------------------------------


class Patience:
    """Seconds that pass only while somebody sleeps; the town's clock goes along, and its bot looks every minute."""

    def __init__(self, town, *, looks=True):
        self.town, self.looks, self.slept = town, looks, []

    def clock(self):
        return sum(self.slept)

    def sleep(self, seconds):
        self.slept.append(seconds)
        before = int(self.town.minute)
        self.town.minute += seconds / 60
        if self.looks and int(self.town.minute) > before:
            self.town.look()


def wait(town, timeout, *, looks=True, gently=False, heard=None):
    time = Patience(town, looks=looks)
    answer = retry_gate.wait_until_retry(
        lambda: asked(town),
        gently=gently,
        timeout=timedelta(seconds=timeout),
        clock=time.clock,
        sleep=time.sleep,
        on_wait=(heard if heard is not None else []).append,
    )
    return answer, time


def test_waiting_ends_when_the_gate_opens(town):
    answer, time = wait(town.is_over(), 3600)
    assert (answer.exit_code(gently=False), 60 < time.clock() < 3600) == (0, True)


def test_waiting_ends_at_the_timeout(town):
    answer, time = wait(town.breaks(), 42)
    assert (answer.exit_code(gently=False), time.clock()) == (75, 42)


def test_waiting_goes_in_small_steps(town):
    _, time = wait(town.breaks(), 42)
    assert max(time.slept) <= 5


def test_a_timeout_of_nothing_asks_once(town):
    _, time = wait(town.breaks(), 0)
    assert time.slept == []


def test_waiting_without_a_bot_stays_unknown(town):
    town.look(until=20)
    town.minute += 60
    answer, _ = wait(town, 20, looks=False)
    assert answer.exit_code(gently=False) == 69


def test_who_waits_hears_why_once_for_each_reason(town):
    heard = []
    wait(town.breaks(), 42, heard=heard)
    assert len(heard) == 1

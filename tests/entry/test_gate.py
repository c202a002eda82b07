"""The gate of scripts: exit codes, waiting, and what is said where no bot runs on the database."""

import json
from contextlib import suppress
from datetime import timedelta

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bot.entry import gate
from bot.entry.ask import COMMANDS as QUESTIONS
from bot.entry.cli import DOORS
from bot.entry.options import now
from bot.errors import UsageError
from bot.settings import Settings
from tests.acme import catalogue
from tests.entry.acme import ACME, GLOBEX, Town


def asked(town, surface="acme-api", client=None):
    found = Settings(providers=(ACME, GLOBEX))
    return gate.Gate(found, town.path, surface, client, town.now).ask()


# --- exit codes -------------------------------------------------------------------------------------------------------


def test_a_surface_that_is_well_is_a_go(town):
    town.look(until=20)
    assert asked(town).code(gently=False) == 0


def test_a_broken_surface_is_not_now(town):
    assert asked(town.breaks()).code(gently=True) == 75


def test_a_gentle_surface_is_a_go_for_those_who_go_gently(town):
    assert asked(town.recovers()).code(gently=True) == 0


def test_a_gentle_surface_is_not_now_for_those_who_do_not(town):
    assert asked(town.recovers()).code(gently=False) == 75


def test_a_client_whose_slot_has_not_begun_waits_although_it_goes_gently(town):
    early = asked(town.recovers(), client="me")
    assert (early.form["retry_after_s"] > 1, early.code(gently=True)) == (True, 75)


def test_a_client_goes_when_its_slot_has_begun(town):
    wait = asked(town.recovers(), client="me").form["retry_after_s"]
    town.look(until=town.minute + wait // 60 + 1)
    assert asked(town, client="me").code(gently=True) == 0


def test_a_page_that_was_never_read_is_unknown(town):
    assert asked(town).code(gently=True) == 69


def test_a_surface_by_its_name_is_found(town):
    town.look(until=20)
    assert asked(town, "acme api").form["surface"] == "acme-api"


def test_an_unknown_surface_names_the_nearest(town):
    with pytest.raises(UsageError, match="Did you mean `acme-api`"):
        asked(town, "acme-apy")


# --- old knowledge ----------------------------------------------------------------------------------------------------


def test_three_minutes_without_a_bot_are_unknown(town):
    town.look(until=20)
    town.minute += 3
    assert asked(town).code(gently=True) == 69


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
    answer = gate.Gate(found, tmp_path / "none.db", "acme-api", None, town.now).ask()
    assert (answer.code(gently=True), "brownout run" in answer.sentence) == (69, True)


def test_a_damaged_database_is_unknown_and_says_what_to_do(town, tmp_path):
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    answer = gate.Gate(Settings(providers=(ACME, GLOBEX)), damaged, "acme-api", None, town.now).ask()
    assert (answer.code(gently=True), "restore a backup" in answer.sentence) == (69, True)


def test_asking_makes_no_database(town, tmp_path):
    found = Settings(providers=(ACME,))
    gate.Gate(found, tmp_path / "none.db", "acme-api", None, town.now).ask()
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
    answer = gate.waited(
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
    assert (answer.code(gently=False), 60 < time.clock() < 3600) == (0, True)


def test_waiting_ends_at_the_timeout(town):
    answer, time = wait(town.breaks(), 42)
    assert (answer.code(gently=False), time.clock()) == (75, 42)


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
    assert answer.code(gently=False) == 69


def test_who_waits_hears_why_once_for_each_reason(town):
    heard = []
    wait(town.breaks(), 42, heard=heard)
    assert len(heard) == 1


# --- lengths of time --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("30m", 1800),
        ("2h", 7200),
        ("1d", 86400),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("45", 45),
        (" 2 H ", 7200),
    ],
)
def test_lengths_of_time_are_read(text, seconds):
    assert gate.length(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "soon", "30 parsecs", "-5m", "1h30", "5mm", "m", "1e9", "9" * 400 + "d"])
def test_what_is_no_length_of_time_is_named(text):
    with pytest.raises(UsageError, match=r"no length of time|too long"):
        gate.length(text)


@given(st.text())
def test_any_text_is_a_length_or_a_clear_error(text):
    with suppress(UsageError):
        assert gate.length(text) >= timedelta(0)


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path):
    return catalogue(tmp_path / "config")


@pytest.fixture
def today(tmp_path):
    """A town whose twentieth minute is now, by this machine's clock."""
    town = Town(tmp_path / "today.db", start=now() - timedelta(minutes=20))
    yield town
    town.book.close()


def run(config, db, *words):
    return CliRunner().invoke(gate.retry, ["--config", str(config), "--db", str(db), *words])


def test_the_command_goes_when_all_is_well(config, today):
    today.look(until=20)
    assert run(config, today.path, "acme-api").exit_code == 0


def test_the_command_prints_one_sentence(config, today):
    today.look(until=20)
    printed = run(config, today.path, "acme-api").stdout
    assert (printed.startswith("Retry Acme API normally"), printed.count("\n")) == (True, 1)


def test_the_command_prints_the_machine_form(config, today):
    today.look(until=20)
    assert json.loads(run(config, today.path, "acme-api", "--json").stdout)["schema"] == "retry-verdict/1"


def test_the_command_holds_while_it_is_broken(config, today):
    today.breaks().look(until=20)
    assert run(config, today.path, "acme-api", "--gently").exit_code == 75


def test_the_command_waits_no_longer_than_it_is_told(config, today):
    today.breaks().look(until=20)
    assert run(config, today.path, "acme-api", "--wait", "--timeout", "0s").exit_code == 75


def test_a_timeout_that_is_none_is_wrong_usage(config, tmp_path):
    result = run(config, tmp_path / "x.db", "acme-api", "--wait", "--timeout", "soon")
    assert (result.exit_code, "write it like 90s, 30m" in result.output) == (2, True)


def test_a_client_whose_name_is_no_text_gets_an_answer(config, today):
    today.look(until=20)
    assert run(config, today.path, "acme-api", "--client", "caf\udce9").exit_code == 0


def test_the_gate_is_the_command_line_s_only_retry():
    assert (DOORS["retry"][0], "retry" in QUESTIONS) == ("gate", False)

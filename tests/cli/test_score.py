"""``brownout score``: what it prints, and what it refuses."""

import json

import pytest
from click.testing import CliRunner

from bot.cli.main import brownout

PAGE = {"id": "p1", "name": "Acme"}


def update(n, minute, status):
    when = f"2022-05-04T{12 + minute // 60:02}:{minute % 60:02}:00Z"
    return {"id": f"u{n}", "status": status, "body": "", "display_at": when, "affected_components": None}


@pytest.fixture
def recording(tmp_path):
    updates = [update(0, 0, "investigating"), update(1, 30, "monitoring"), update(2, 100, "resolved")]
    incident = {"id": "one", "name": "one", "impact": "major", "components": [{"name": "API"}]}
    file = tmp_path / "acme.json"
    file.write_text(json.dumps({"page": PAGE, "incidents": [incident | {"incident_updates": updates}]}))
    return file


@pytest.fixture
def rules(tmp_path):
    file = tmp_path / "other.toml"
    file.write_text("[preset.default]\ndwell_min = 10\nresolved_dwell_min = 5\n")
    return file


def score(*words):
    return CliRunner(env={"COLUMNS": "200"}).invoke(brownout, ["score", *map(str, words)])


def test_two_sets_of_rules_are_compared_on_the_same_recording(recording, rules):
    told = json.loads(score(recording, "--compare", rules, "--json").stdout)
    hold = told["compare"]["A"]["hold_min_per_episode"]
    assert (set(hold), hold["ours"] > hold["other"]) == ({"ours", "other", "difference", "ci95"}, True)


def test_the_comparison_is_a_table(recording, rules):
    assert "these rules and the other ones" in score(recording, "--compare", rules).stdout


def test_without_other_rules_nothing_is_compared(recording):
    assert json.loads(score(recording, "--json").stdout)["compare"] == {}


def test_a_mistake_in_the_other_rules_is_named_with_its_line(recording, rules):
    rules.write_text("[preset.default]\ndwell_minutes = 10\n")
    told = score(recording, "--compare", rules)
    assert (told.exit_code != 0, "dwell_minutes" in told.output, "other.toml:2" in told.output) == (True, True, True)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--scope", "--compare", "RULES"], "--compare is for verdicts"),
        (["--provider", "nobody"], "There is no provider “nobody”"),
        (["--max-gap", "-1"], "Invalid value for '--max-gap'"),
    ],
)
def test_a_mistake_says_what_to_do(recording, rules, words, why):
    told = score(recording, *(rules if word == "RULES" else word for word in words))
    assert (told.exit_code != 0, why in told.output) == (True, True)

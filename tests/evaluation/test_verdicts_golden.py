"""The golden tables of the recordings: a change of rules comes with its figures (``tests/evaluation/scores.py``)."""

import pytest

from bot.rules.verdict import held_record
from tests.evaluation import scores

REWRITE = "the rules give other figures: `python -m tests.evaluation.scores --write`, and look at the difference"


@pytest.mark.parametrize("data", scores.SETS, ids=lambda d: d.name)
def test_the_rules_give_the_figures_of_the_golden_table(data, scored):
    golden = (scores.GOLDEN / f"{data.name}.md").read_text(encoding="utf-8")
    assert scores.table(scored(data)) == golden, REWRITE


def test_the_rules_give_the_attribution_of_the_golden_table(shared):
    golden = (scores.GOLDEN / "scope.md").read_text(encoding="utf-8")
    assert scores.scope_table({d.name: scores.scope(d, shared) for d in scores.SCOPES}) + "\n" == golden, REWRITE


def test_the_accuracy_page_has_the_figures_of_the_golden_tables():
    page = scores.ACCURACY.read_text(encoding="utf-8")
    for data in scores.SETS[:3]:
        golden = (scores.GOLDEN / f"{data.name}.md").read_text(encoding="utf-8")
        assert golden.partition("\n\n")[0] in page, REWRITE
    assert (scores.GOLDEN / "scope.md").read_text(encoding="utf-8") in page, REWRITE


def test_the_record_of_re_openings_is_that_of_the_accuracy_page():
    page = scores.ACCURACY.read_text(encoding="utf-8")
    for call, rules in held_record.HELD.items():
        for rule, (held, of) in rules.items():
            assert f"| `{call}` | `{rule}` | {held} of {of} |" in page

"""StatusPal pages: what is peculiar to the format."""

from bot.domain import Condition
from tests.formats.pages import conditions_of, read


def test_statuspals_services_below_services_are_components():
    assert conditions_of("statuspal") == {
        "Web": Condition.MAJOR_OUTAGE,
        "Login": Condition.MAJOR_OUTAGE,
        "API": Condition.OPERATIONAL,
    }


def test_a_summary_that_does_not_say_which_page_it_is_is_read():
    found = read("statuspal", "unnamed")
    assert ([i.name for i in found.incidents], len(found.components)) == (["Slow API"], 3)

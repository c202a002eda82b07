"""OpenStatus pages: what is peculiar to the format."""

from datetime import UTC, datetime

from bot.domain import Condition
from tests.formats.pages import conditions_of, first_incident, read


def test_components_without_a_monitor_are_listed_and_have_no_condition():
    assert conditions_of("openstatus", "components") == {
        "API": Condition.MAJOR_OUTAGE,
        "Site": Condition.MAINTENANCE,
        "Mail by post": Condition.UNKNOWN,
    }


def test_a_report_names_its_components_by_id():
    affected = first_incident("openstatus", "components").components
    assert [(c.name, c.condition) for c in affected] == [
        ("API", Condition.MAJOR_OUTAGE),
        ("Mail by post", Condition.UNKNOWN),
    ]


def test_a_report_without_updates_is_as_old_as_its_last_change():
    assert first_incident("openstatus", "components").created_at == datetime(2026, 1, 10, 9, 50, tzinfo=UTC)


def test_a_maintenance_has_a_name():
    assert [m.name for m in read("openstatus", "components").maintenances] == ["A new shelf"]

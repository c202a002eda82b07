"""An incident whose words name another provider in trouble says so; and two incidents never follow each other."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain import (
    Impact,
    Incident,
    Provider,
    ProviderState,
    Source,
    Stage,
    Surface,
    TrackedIncident,
    Update,
    Upstream,
)
from bot.rules.alerting.upstream import with_upstream
from tests.support.phases import ALL_CLEAR, NEW
from tests.support.samples import NOON


def provider(name, vendor="", surfaces=("API",)):
    ident = name.lower()
    made = tuple(Surface(f"{ident}-{s.lower()}", ident, f"{name} {s}") for s in surfaces)
    source = Source(ident, ident, "statuspage", f"https://status.{ident}.example")
    return Provider(ident, name, made, source, vendor=vendor)


PROVIDERS = {p.id: p for p in (provider("Acme"), provider("Globex", "Globex Corporation"), provider("Linear"))}


def incident(ident, minutes=0, body="", name="Errors"):
    at = NOON + timedelta(minutes=minutes)
    update = Update(f"u-{ident}", Stage.INVESTIGATING, body, at, at)
    return Incident(ident, name, Stage.INVESTIGATING, Impact.MAJOR, at, (update,))


def in_trouble(name, ident="g1", minutes=-5, **more):
    tracked = TrackedIncident(replace(incident(ident, minutes), **more), NOON, (f"{name}-api",))
    return {name: ProviderState(name, incidents=(tracked,))}


def upstream(body, states, name="Errors", alert=NEW):
    return with_upstream(alert, incident("i1", 0, body, name), PROVIDERS, states)


def test_an_incident_that_names_a_provider_in_trouble_follows_it():
    found = upstream("Requests fail because of an outage at Globex.", in_trouble("globex"))
    assert found.upstream == (Upstream("globex", "Globex", "g1", "https://status.globex.example"),)
    assert found.follows == ("g1",)


@pytest.mark.parametrize(
    "body", ["Globex Corporation has an outage.", "Due to Globex API errors", "(Globex)", "Globex's API fails"]
)
def test_the_company_or_a_service_of_it_names_it_too(body):
    assert upstream(body, in_trouble("globex")).upstream


def test_the_title_counts():
    assert upstream("We look into it.", in_trouble("globex"), name="Errors with Globex models").upstream


@pytest.mark.parametrize("body", ["globexes fail", "NotGlobex", "globex", "We use linear growth", "my-Globex"])
def test_what_is_no_name_of_it_does_not_count(body):
    assert upstream(body, in_trouble("globex") | in_trouble("linear")) == NEW


def test_a_provider_without_trouble_is_not_followed():
    assert upstream("Outage at Globex", {"globex": ProviderState("globex")}) == NEW


def test_of_two_that_name_each_other_only_the_later_follows():
    assert upstream("Outage at Globex", in_trouble("globex", minutes=5)) == NEW


def test_a_maintenance_is_no_trouble():
    assert upstream("Globex is being upgraded", in_trouble("globex", is_maintenance=True)) == NEW


def test_an_alert_that_has_ended_follows_no_more():
    assert upstream("Outage at Globex", in_trouble("globex"), alert=ALL_CLEAR) == ALL_CLEAR

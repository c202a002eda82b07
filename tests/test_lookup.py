"""What a person may type for a surface, and what they are asked where that is not enough."""

import pytest

from bot import lookup, settings
from bot.domain import Provider, Source, Surface
from bot.errors import UsageError


def provider(pid, name, *surfaces, aliases=()):
    source = Source(pid, pid, "statuspage", f"https://{pid}.example")
    return Provider(pid, name, tuple(Surface(i, pid, n) for i, n in surfaces), source, aliases=aliases)


ACME = provider("acme", "Acme", ("acme-api", "Acme API"), ("acme-web", "Acme in the browser"), aliases=("acmecorp",))
BOLT = provider("bolt", "Bolt", ("bolt-api", "Bolt API"))
ALL = (ACME, BOLT)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("acme-api", "acme-api"),
        ("ACME-API", "acme-api"),
        ("  acme-api ", "acme-api"),
        ("Acme API", "acme-api"),
        ("acme", "acme"),
        ("AcmeCorp", "acme"),
        ("browser", "acme-web"),
        ("acme\u2011api", "acme-api"),
        ("acme\u2013api", "acme-api"),
        ("acme\u200b-api", "acme-api"),
        ("\u202eacme-api", "acme-api"),
        ("Acme\u00a0API", "acme-api"),
        ("`acme-api`", "acme-api"),
    ],
)
def test_a_name_means(typed, meant):
    assert lookup.resolve_target(ALL, typed).id == meant


def test_a_provider_brings_all_of_its_surfaces():
    assert [s.id for s in lookup.resolve_target(ALL, "acme").surfaces] == ["acme-api", "acme-web"]


def asked(typed, resolve=lookup.resolve_target):
    with pytest.raises(UsageError) as error:
        resolve(ALL, typed)
    return str(error.value)


def test_a_part_that_fits_several_is_answered_with_the_choice():
    assert asked("api") == "“api” matches 2 services: `acme-api`, `bolt-api`. Which one?"


def test_a_slip_is_answered_with_the_nearest_name():
    assert "Closest: `acme-api`" in asked("acme-apu")


def test_a_word_that_is_far_from_everything_is_answered_without_a_guess():
    assert asked("zebra") == "No service called “zebra”. `list all` shows all services."


@pytest.mark.parametrize("typed", ["", " ", "?", "\u200b"])
def test_too_little_is_no_part_of_anything(typed):
    assert "Name a service." in asked(typed)


def test_what_is_too_long_is_not_repeated_whole():
    assert len(asked("x" * 40_000)) < 200


def test_one_surface_is_wanted_where_a_provider_has_several():
    assert asked("acme", lookup.resolve_surface) == "Acme has 2 services: `acme-api`, `acme-web`. Which one?"


def test_the_only_surface_of_a_provider_is_meant_by_its_name():
    assert lookup.resolve_surface(ALL, "bolt")[1].id == "bolt-api"


def test_every_id_and_name_of_the_shipped_catalogue_means_itself():
    providers = settings.load().providers
    for p in providers:
        for target in (p, *p.surfaces):
            assert lookup.resolve_target(providers, target.id).id == target.id

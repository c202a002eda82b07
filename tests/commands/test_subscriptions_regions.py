"""Subscriptions to one region of a provider: how they are typed, listed and ended."""

from dataclasses import replace
from html import unescape

import pytest

from bot.commands.registry import answer_command
from bot.domain import VerdictParameters
from bot.errors import UsageError
from bot.queries.current import StatusQueries
from tests.support.acme import ACME, NOON, Clock

REGIONAL = replace(ACME, facets=("us-east-1", "eu-west-1"))
GLOBEX = replace(
    ACME,
    id="globex",
    name="Globex",
    aliases=(),
    vendor="",
    surfaces=tuple(replace(s, id=s.id.replace("acme", "globex"), provider="globex") for s in ACME.surfaces[:1]),
    source=replace(ACME.source, id="globex", provider="globex"),
)


@pytest.fixture
def queries(repository):
    return StatusQueries((REGIONAL, GLOBEX), repository, Clock(NOON), lambda _: VerdictParameters())


def says(queries, text):
    return unescape(answer_command(queries, text, "C1", "U1", "ada").message.text)


def targets(queries):
    return [s.target for s in queries.repository.subscriptions("C1")]


@pytest.mark.parametrize(
    "typed",
    ["acme in eu-west-1", "acme eu-west-1", "acme@eu-west-1", "Acme in EU-WEST-1.", "acme in eu-west-1 outage only"],
)
def test_a_provider_is_narrowed_to_a_region(queries, typed):
    says(queries, f"subscribe {typed}")
    assert targets(queries) == ["acme@eu-west-1"]


def test_the_region_is_of_every_name_of_the_command(queries):
    says(queries, "subscribe acme-api and acme-web in eu-west-1")
    assert targets(queries) == ["acme-api@eu-west-1", "acme-web@eu-west-1"]


def test_a_provider_without_regions_beside_one_that_has_them_is_followed_as_a_whole(queries):
    says(queries, "subscribe acme in eu-west-1, globex")
    assert targets(queries) == ["acme@eu-west-1", "globex"]


def test_two_stored_names_keep_their_own_region_each(queries):
    says(queries, "subscribe acme-api@eu-west-1 acme-web@us-east-1")
    assert targets(queries) == ["acme-api@eu-west-1", "acme-web@us-east-1"]


def test_a_region_alone_is_of_every_provider_that_has_it(queries):
    says(queries, "subscribe eu-west-1")
    assert targets(queries) == ["acme@eu-west-1"]


def test_the_answer_names_the_region(queries):
    assert "in eu-west-1" in says(queries, "subscribe acme in eu-west-1")


def test_the_list_names_the_region(queries):
    says(queries, "subscribe acme in eu-west-1")
    assert "Acme in eu-west-1 (acme@eu-west-1)" in says(queries, "list")


@pytest.mark.parametrize("typed", ["acme in eu-west-1", "acme@eu-west-1"])
def test_it_is_ended_by_the_same_words(queries, typed):
    says(queries, "subscribe acme in eu-west-1")
    says(queries, f"unsubscribe {typed}")
    assert targets(queries) == []


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("globex in eu-west-1", "Globex can't be narrowed to “eu-west-1”. Its page does not say"),
        ("acme@eu-west-9", "Acme can't be narrowed to “eu-west-9”. Its regions here: us-east-1, eu-west-1."),
    ],
)
def test_a_region_that_is_not_there_is_refused(queries, typed, why):
    try:
        said = says(queries, f"subscribe {typed}")
    except UsageError as error:
        said = str(error)
    assert why in said
    assert targets(queries) == []

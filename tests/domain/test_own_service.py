"""Our own services: whom an alert concerns."""

import pytest

from bot.domain import OwnService, dependents

CHECKOUT = OwnService("checkout", "Checkout", ("openai-api", "stripe-api"), "C1")
SEARCH = OwnService("search", "Product search", ("openai-api",), "C2")


@pytest.mark.parametrize(
    ("channel", "surfaces", "names"),
    [
        ("C1", {"openai-api"}, ("Checkout",)),
        ("C2", {"openai-api", "claude-api"}, ("Product search",)),
        ("C2", {"stripe-api"}, ()),
        ("C3", {"openai-api"}, ()),
    ],
)
def test_an_alert_names_the_services_of_its_channel_that_use_what_it_is_about(channel, surfaces, names):
    assert dependents([CHECKOUT, SEARCH], channel, surfaces) == names


@pytest.mark.parametrize("typed", ["search", "Product search", "PRODUCT  SEARCH", " search "])
def test_a_service_is_called_by_its_id_or_name(typed):
    assert SEARCH.is_called(typed)


@pytest.mark.parametrize("typed", ["", "searches", "product"])
def test_part_of_a_name_is_no_name(typed):
    assert not SEARCH.is_called(typed)

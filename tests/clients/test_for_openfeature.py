"""OpenFeature's own client with the gate's provider."""

import httpx
import pytest

api = pytest.importorskip("openfeature.api", reason="openfeature-sdk is not installed")

from brownout_gate.for_openfeature import BrownoutProvider  # noqa: E402  (after the skip)

from tests.support.gate_answers import Script, before_slot, go, hold  # noqa: E402


@pytest.fixture
def client():
    def make(*answers):
        api.set_provider(BrownoutProvider(transport=Script(*answers).transport))
        return api.get_client()

    yield make
    api.shutdown()


@pytest.mark.parametrize(("given", "value"), [(go(), True), (hold(), False)], ids=["go", "hold"])
def test_a_flag_is_whether_to_send(client, given, value):
    assert client(given).get_boolean_value("acme-api", not value) is value


def test_a_flag_has_the_advice_the_share_the_wait_and_the_answer(client):
    found = client(before_slot(40))
    assert found.get_string_value("acme-api", "") == "retry_gently"
    assert found.get_float_value("acme-api", 1.0) == 0.1
    assert found.get_integer_value("acme-api", 0) == 40
    assert found.get_object_value("acme-api", {})["retry_after_s"] == 40


def test_the_details_have_the_reason(client):
    details = client(hold(reason="Don't retry: partial outage.")).get_boolean_details("acme-api", default_value=True)
    assert (details.variant, details.flag_metadata["reason"]) == ("hold_off", "Don't retry: partial outage.")


@pytest.mark.parametrize("default", [True, False])
def test_without_a_bot_a_flag_has_its_default(client, default):
    details = client(httpx.ConnectError("refused")).get_boolean_details("acme-api", default)
    assert (details.value, str(details.error_code)) == (default, "GENERAL")


def test_an_unknown_service_is_an_unknown_flag(client):
    details = client(httpx.Response(404, json={"detail": "no such service"})).get_boolean_details("acme", False)
    assert str(details.error_code) == "FLAG_NOT_FOUND"

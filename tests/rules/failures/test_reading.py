"""Error texts of SDKs: which service, which kind, whose side, which status, and the vendor's wait."""

import pytest

from bot import settings
from bot.rules.failures import read_failure
from bot.rules.failures.kinds import KINDS
from bot.rules.failures.services import KNOWN_SERVICES
from tests.rules.failures.error_texts import ERRORS


@pytest.mark.parametrize("row", ERRORS, ids=lambda row: row[0])
def test_an_error_text_is_read(row):
    _, text, service, kind, side, status, wait_s = row
    found = read_failure(text)
    assert (found.service, found.kind.id, str(found.kind.side), found.status, found.wait_s) == (
        service,
        kind,
        side,
        status,
        wait_s,
    )


def test_there_are_more_than_forty_texts_and_one_for_every_kind():
    assert len(ERRORS) > 40
    assert {kind.id for kind in KINDS} - {row[3] for row in ERRORS} == set()


def test_every_service_that_an_error_may_name_is_in_the_catalogue():
    there = {s.id for p in settings.load().providers for s in p.surfaces}
    assert sorted(KNOWN_SERVICES - there) == []


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("Retry-After: 120", 120.0),
        ("'retry-after-ms': '1500'", 1.5),
        ("Please try again in 6ms.", 0.006),
        ("try again in 2h3m", 7380.0),
        ("retry_delay { seconds: 37 }", 37.0),
        ("please retry after 99999999 s", 86400.0),
        ("retry-after: 999999", 86400.0),
        ("try again later", None),
    ],
)
def test_the_wait_that_a_vendor_asks_for(text, wait_s):
    assert read_failure(text).wait_s == wait_s


@pytest.mark.parametrize(
    ("text", "service"),
    [
        ("https://github.mycompany.example/api", None),
        ("https://notgithub.com/x", None),
        ("https://raw.github.com/x", "github-git"),
        ("https://api.github.com/x https://api.openai.com", "github-api"),
    ],
)
def test_only_an_address_of_the_vendor_names_its_service(text, service):
    assert read_failure(text).service == service


def test_a_huge_text_is_read_at_both_ends():
    padding = "x" * 5_000_000
    assert read_failure(f"{padding} Error code: 529 - overloaded_error").status == 529
    assert read_failure(f"Error code: 529 - overloaded_error {padding}").status == 529


@pytest.mark.parametrize("text", ["a" * 20_000, "retry after " * 2_000, "(" * 16_000, "error " * 3_000, "1m" * 8_000])
def test_an_odd_text_is_read_to_its_end(text):
    """Every pattern is bounded: 16,000 characters take milliseconds."""
    assert read_failure(text).status is None


def test_an_empty_text_says_nothing():
    assert read_failure("").kind.id == "unknown"

"""``brownout token``: made once, shown once, listed without secrets, and ended."""

from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from bot.cli.main import brownout
from bot.storage import Repository

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def token(tmp_path):
    def run(*words):
        return CliRunner().invoke(brownout, ["token", *words, "--db", str(tmp_path / "b.db")])

    run.db = tmp_path / "b.db"
    return run


def holder(token, secret):
    repository = Repository.open(token.db)
    found = repository.api_tokens.authenticate(secret, NOW)
    repository.close()
    return found


def test_the_secret_alone_is_on_stdout_so_that_a_script_can_take_it(token):
    told = token("create", "shop", "--for", "outcomes,reports")
    assert holder(token, told.stdout.strip()).allowed == ("outcomes", "reports")
    assert "shop is for outcomes and reports" in told.stderr


def test_a_token_is_for_reports_unless_told_otherwise(token):
    assert holder(token, token("create", "desk").stdout.strip()).allowed == ("reports",)


def test_a_list_shows_what_each_may_and_no_secret(token):
    secret = token("create", "shop", "--for", "probes").stdout.strip()
    told = token("list").stdout
    assert ("shop" in told, "probes" in told, "never" in told, secret in told) == (True, True, True, False)


def test_an_empty_list_says_how_to_make_one(token):
    assert "brownout token create NAME" in token("list").stdout


def test_a_revoked_token_is_nobody_s(token):
    secret = token("create", "shop").stdout.strip()
    token("revoke", "shop")
    assert holder(token, secret) is None


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["create", "two words"], "is not a token name"),
        (["create", "-x"], "No such option"),
        (["create", "shop", "--for", "everything"], "not for “everything”"),
        (["create", "shop", "--for", ""], "not for “”"),
        (["create", "fra", "--for", "probes", "--vantage", "here"], "“here” is not a place name"),
        (["create", "fra", "--for", "probes", "--vantage", "two words"], "is not a place name"),
        (["create", "desk", "--people", "0"], "Invalid value for '--people'"),
        (["revoke", "nobody"], "Token nobody not found"),
    ],
)
def test_a_mistake_says_what_to_do(token, words, why):
    told = token(*words)
    assert (told.exit_code != 0, why in told.output) == (True, True)


def test_a_name_is_given_once(token):
    token("create", "shop")
    told = token("create", "shop")
    assert (told.exit_code, "Revoke it with `brownout token revoke shop`" in told.stderr) == (1, True)


def test_when_it_was_used_is_known_to_the_hour(token):
    secret = token("create", "shop").stdout.strip()
    holder(token, secret)
    repository = Repository.open(token.db)
    assert [t.used_at for t in repository.api_tokens.tokens()] == [NOW]
    repository.close()


def test_a_token_may_be_made_for_places_and_for_people(token):
    token("create", "fra", "--for", "probes,reports", "--vantage", "frankfurt", "--vantage", "mainz", "--people", "20")
    repository = Repository.open(token.db)
    [made] = repository.api_tokens.tokens()
    repository.close()
    assert (made.vantages, made.people, "frankfurt" in token("list").stdout) == (("frankfurt", "mainz"), 20, True)


def test_a_token_is_made_for_no_place_and_one_voice(token):
    token("create", "shop")
    repository = Repository.open(token.db)
    [made] = repository.api_tokens.tokens()
    repository.close()
    assert (made.vantages, made.people) == ((), 1)

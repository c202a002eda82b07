"""``brownout init``: the folder that it writes, its questions, and what it refuses."""

import pytest
from click.testing import CliRunner

from bot import settings
from bot.cli.main import brownout


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "own"


def init(folder, *words, typed=None):
    return CliRunner(env={"SLACK_BOT_TOKEN": "", "SLACK_APP_TOKEN": ""}).invoke(
        brownout, ["init", str(folder), *words], input=typed
    )


def test_without_questions_the_usual_providers_are_watched(folder):
    assert init(folder, "--yes").exit_code == 0
    usual = {p.id for p in settings.load(settings.config_dir(), {}).providers if p.enabled}
    assert {p.id for p in settings.load(folder, {}).providers if p.enabled} == usual


def test_what_is_given_stands_in_the_folder(folder):
    init(folder, "--yes", "--providers", "claude, GitHub", "--db", "/srv/b.db", "--port", "9001")
    loaded = settings.load(folder, {})
    assert [p.id for p in loaded.providers if p.enabled] == ["claude", "github"]
    assert (loaded.store_path, loaded.web.port) == ("/srv/b.db", 9001)


def test_four_questions_are_asked(folder):
    told = init(folder, typed="github\nx.db\n9002\nn\n")
    assert (told.exit_code, told.output.count("["), settings.load(folder, {}).web.port) == (0, 4, 9002)


def test_a_provider_that_is_not_there_is_refused_with_the_nearest(folder):
    told = init(folder, "--yes", "--providers", "cloude")
    assert (told.exit_code, folder.exists()) == (1, False)
    assert "Did you mean claude?" in told.output


def test_no_provider_at_all_is_refused(folder):
    assert "Name at least one provider" in init(folder, "--yes", "--providers", " , ").output


def test_a_folder_that_is_set_up_is_left_as_it_is(folder):
    init(folder, "--yes")
    before = (folder / "brownout.toml").read_bytes()
    told = init(folder, "--yes", "--port", "1")
    assert (told.exit_code, (folder / "brownout.toml").read_bytes()) == (1, before)
    assert "already exists; nothing was written" in told.output


def test_for_slack_the_missing_tokens_are_named(folder):
    assert "SLACK_BOT_TOKEN" in init(folder, "--yes", "--slack").output


def test_the_next_commands_name_the_folder(folder):
    assert init(folder, "--yes").output.endswith(
        f"Next: brownout check --config {folder}, then brownout run --config {folder}\n"
    )

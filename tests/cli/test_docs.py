"""``brownout docs``: the list of pages, a page, a section; and the errors that name a page."""

import pytest
from click.testing import CliRunner

from bot.cli.docs import for_terminal
from bot.cli.main import COMMAND_MODULES, brownout
from bot.queries import manual
from tests.support.acme import catalogue


@pytest.fixture
def run():
    def run(*words, **environment):
        return CliRunner(env={"COLUMNS": "80", **environment}).invoke(brownout, [str(word) for word in words])

    return run


def test_the_list_has_every_page_with_a_line_about_it(run):
    listed = {line.split()[0]: line.split()[1:] for line in run("docs").output.splitlines() if line.startswith("  ")}
    assert set(listed) == {page.name for page in manual.list_pages()}
    assert all(listed.values())


def test_the_list_has_pages_for_users_first(run):
    output = run("docs").output
    assert output.index("For users") < output.index("  slack ") < output.index("For contributors")


@pytest.mark.parametrize("name", ["index", *(page.name for page in manual.list_pages())])
def test_a_pipe_gets_the_page_unchanged(run, name):
    assert run("docs", name).output == manual.read_page(name)


@pytest.mark.parametrize("typed", ["http-api", "http-api.md", "HTTP API", "http_api"])
def test_a_page_is_found_however_its_name_is_written(run, typed):
    assert run("docs", typed).output == manual.read_page("http-api")


@pytest.mark.parametrize("words", [("slack#http-mode",), ("slack.md#http-mode",), ("slack", "HTTP", "mode")])
def test_a_section_is_shown_alone(run, words):
    lines = run("docs", *words).output.splitlines()
    assert lines[0] == "### HTTP mode"
    assert [line for line in lines[1:] if line.startswith(("# ", "## ", "### "))] == []


def test_a_section_has_its_subsections(run):
    assert "\n### HTTP mode\n" in run("docs", "slack", "modes").output


def test_a_section_is_found_by_a_part_of_its_heading(run):
    assert run("docs", "slack", "rejects").output.startswith("## When Slack rejects messages\n")


def test_a_command_of_the_shell_is_told_apart_from_that_of_slack(run):
    assert run("docs", "commands", "brownout retry").output.startswith("### brownout retry\n")


def test_an_unknown_page_is_refused_with_the_nearest_and_the_list(run):
    refused = run("docs", "trubleshooting")
    assert refused.exit_code == 1
    assert "Did you mean `troubleshooting`?" in refused.output
    assert "`slack`, `alerts`" in refused.output


def test_an_unknown_section_is_refused_with_the_nearest(run):
    refused = run("docs", "slack", "toknes")
    assert (refused.exit_code, "Did you mean `tokens`?" in refused.output) == (1, True)


def test_a_section_that_could_be_several_is_refused_with_the_choice(run):
    refused = run("docs", "commands", "db")
    assert (refused.exit_code, "`brownout-db-backup`" in refused.output) == (1, True)


def test_a_terminal_gets_no_marks_of_markdown(run):
    output = run("docs", "slack", "tokens", FORCE_COLOR="1").output
    assert ("## Tokens" in output, "Tokens" in output) == (False, True)


def test_a_terminal_s_width_is_kept(run):
    shown = run("docs", "security", FORCE_COLOR="1", NO_COLOR="1", TERM="dumb").output
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("[slack](slack.md)", "slack"),
        ("[tokens](slack.md#tokens)", "[tokens](slack#tokens)"),
        ("[modes](#modes)", "[modes](evidence#modes)"),
        ("[Slack](https://slack.com)", "[Slack](https://slack.com)"),
        ("```sh\n[a](slack.md)\n```", "```sh\n[a](slack.md)\n```"),
        ("<!-- generated: metrics -->\nx\n<!-- end: metrics -->\n", "x\n"),
    ],
)
def test_a_link_names_what_the_command_takes(link, shown):
    assert for_terminal(link, "evidence") == shown


def test_the_second_heading_of_a_kind_has_an_anchor_of_its_own():
    text = "# Page\n## /brownout list\n## brownout list\n```sh\n# no heading\n```\n"
    assert [h.anchor for h in manual.headings(text)] == ["page", "brownout-list", "brownout-list-1"]


def test_an_error_in_the_configuration_names_the_page_about_it(run, tmp_path):
    config = catalogue(tmp_path / "config")
    (config / "brownout.toml").write_text("nonsense = 1\n")
    assert run("status", "--config", config).output.splitlines()[-1] == "See `brownout docs configuration`."


def test_an_error_of_the_database_names_the_section_about_it(run, tmp_path):
    (tmp_path / "b.db").write_bytes(b"no database at all " * 100)
    refused = run("status", "--config", catalogue(tmp_path / "config"), "--db", tmp_path / "b.db")
    assert refused.output.splitlines()[-1] == "See `brownout docs troubleshooting#database`."


def test_the_pages_that_errors_name_are_there(run):
    assert [run("docs", page).exit_code for page in ("configuration", "troubleshooting#database", "slack")] == [0, 0, 0]


def test_report_is_reliability_by_its_former_name(run):
    assert run("report", "--help").output.splitlines()[1:] == run("reliability", "--help").output.splitlines()[1:]


def test_the_former_name_is_not_in_the_help(run):
    assert "report" not in COMMAND_MODULES
    assert "\n  report " not in run("--help").output

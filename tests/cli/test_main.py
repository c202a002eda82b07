"""The command line through click's runner: what it says, its exit codes, and that help is cheap."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner
from rich.text import Text

from bot.cli.console import create_console
from bot.cli.main import COMMAND_MODULES, brownout
from bot.cli.options import utc_now
from bot.commands.registry import COMMANDS
from bot.domain import Observation
from bot.storage import Repository
from tests.contract.shell import help_text
from tests.formats.pages import PAGES
from tests.support.acme import catalogue, poll_page
from tests.support.banned_words import banned_words
from tests.support.pages import DOWN, page


@pytest.fixture
def config(tmp_path):
    return catalogue(tmp_path)


@pytest.fixture
def db(tmp_path):
    """A database in which the API has just gone down."""
    store = Repository.open(tmp_path / "b.db")
    change = poll_page(None, DOWN, utc_now())
    store.record_transition(Observation("acme", change.at, "changed", body=DOWN), change, [])
    store.close()
    return tmp_path / "b.db"


@pytest.fixture
def run():
    return lambda *words, **more: CliRunner(env={"COLUMNS": "200"}).invoke(brownout, [str(w) for w in words], **more)


@pytest.fixture
def ask(run, config, db):
    return lambda *words: run(*words, "--config", config, "--db", db)


def test_every_interface_is_in_the_help_and_opens(run):
    assert run("--help").exit_code == 0
    for name in COMMAND_MODULES:
        told = run(name, "--help")
        assert told.exit_code == 0, told.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stat"], "No such command 'stat'. Did you mean 'status'?\nUsage: brownout [OPTIONS] COMMAND"),
        (["--nosuch"], "No such option '--nosuch'.\nUsage: brownout [OPTIONS]"),
        (["retry", "--timeout", "soon", "x"], "Invalid value for '--timeout': “soon” is not a duration."),
        (["db", "bakup"], "No such command 'bakup'. Did you mean 'backup'?\nUsage: brownout db [OPTIONS]"),
        (["add"], "Missing argument 'URL'.\nUsage: brownout add [OPTIONS] URL\nSee `brownout add --help`."),
    ],
)
def test_wrong_usage_is_said_like_every_other_error(run, words, said):
    told = run(*words)
    assert (told.exit_code, told.output.startswith(f"brownout: error: {said}")) == (2, True), told.output
    assert told.output.endswith("--help`.\n")


def test_a_provider_that_is_not_watched_comes_with_the_command_that_watches_it(run, db):
    told = run("status", "mistral", "--db", db)
    assert told.output == ("brownout: error: Mistral is available but not watched.\nWatch it: brownout add mistral\n")


def test_a_line_of_the_help_has_80_characters_at_most():
    lines = [line for _, line in COMMAND_MODULES.values()] + [command.help for command in COMMANDS.values()]
    assert [line for line in lines if len(line) > 80] == []


def test_every_question_of_slack_is_a_command_too():
    assert {verb for verb, command in COMMANDS.items() if command.is_question} <= set(COMMAND_MODULES)


@pytest.mark.parametrize("words", ["uptime acme-api --picture {}", "export --all {}"])
def test_a_file_that_cannot_be_written_is_told_by_its_name(ask, tmp_path, words):
    refused = ask(*words.format(tmp_path).split())
    assert (refused.exit_code, refused.output.splitlines()[-1]) == (1, f"brownout: error: {tmp_path}: is a directory")


def test_a_sign_that_the_terminal_lacks_is_written_as_its_number(config, db):
    said = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "bot", "status", "acme-api", "--config", config, "--db", db],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert rb" \xb7 next update by " in said.stdout


def test_an_unknown_command_is_wrong_usage(run):
    assert (run("staus").exit_code, "No such command" in run("staus").output) == (2, True)


@pytest.mark.parametrize(
    ("typed", "meant"), [("stat", "status"), ("staus", "status"), ("upt", "uptime"), ("Sources", "sources")]
)
def test_a_mistyped_command_is_answered_with_the_nearest_one(run, typed, meant):
    said = run(typed)
    assert (said.exit_code, f"No such command '{typed}'. Did you mean '{meant}'?" in said.output) == (2, True)


@pytest.mark.parametrize("typed", ["re", "nonsense", "x"])
def test_a_command_that_is_near_to_none_or_to_many_gets_no_guess(run, typed):
    assert "Did you mean" not in run(typed).output


def test_a_subcommand_is_suggested_too(run):
    assert "No such command 'verfy'. Did you mean 'verify'?" in run("db", "verfy").output


def test_the_help_of_every_command_has_standard_words_only():
    assert banned_words(help_text()) == []


def test_check_ends_with_the_number_of_errors(run, config):
    said = run("check", "--offline", "--config", config, env={"SLACK_BOT_TOKEN": "xoxb-1-2", "SLACK_APP_TOKEN": ""})
    assert (said.exit_code, said.output.splitlines()[-1]) == (1, "1 error")


def test_the_version_is_told(run):
    assert run("--version").output.startswith("brownout, version ")


@pytest.mark.parametrize(
    "words", [("status",), ("status", "acme"), ("summary", "last"), ("timeline", "inc1"), ("sources",), ("list", "all")]
)
def test_a_question_is_answered(ask, words):
    told = ask(*words)
    assert (told.exit_code, bool(told.output.strip())) == (0, True), told.output


def test_the_catalogue_is_listed_without_a_database(run, config, tmp_path):
    told = run("list", "all", "--config", config, "--db", tmp_path / "none.db")
    assert (told.exit_code, "acme-api" in told.output) == (0, True)


def test_an_answer_is_plain_text(ask):
    assert not any(mark in ask("status").output for mark in ("&lt;", "&amp;", "**"))


@pytest.mark.parametrize(
    ("words", "code"),
    [(("acme-api",), 75), (("acme-api", "--gently"), 75), (("acme-web",), 75), (("acme-web", "--gently"), 0)],
)
def test_retry_is_a_gate(ask, words, code):
    assert ask("retry", *words).exit_code == code


def test_retry_of_what_nobody_looked_at_is_unknown(run, config, tmp_path):
    Repository.open(tmp_path / "new.db").close()
    assert run("retry", "acme-api", "--config", config, "--db", tmp_path / "new.db").exit_code == 69


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("timeline",), "Which incident?"),
        (("retry", "nonsense"), "No service called “nonsense”"),
        (("retry", "acme"), "Which one?"),
        (("summary", "nonsense"), "No incident “nonsense”"),
        (("subscribe", "acme", "min:awful"), "Unknown severity “awful”"),
    ],
)
def test_a_question_that_has_no_answer_says_why(ask, words, told):
    result = ask(*words)
    assert (result.exit_code, told in result.output) == (1, True), result.output
    assert "Traceback" not in result.output


def test_subscriptions_are_made_shown_and_ended(ask):
    assert ask("subscribe", "acme", "--channel", "C1").exit_code == 0
    assert "acme" in ask("list", "--channel", "C1").output
    assert ask("unsubscribe", "acme", "--channel", "C1").exit_code == 0
    assert "No subscriptions" in ask("list", "--channel", "C1").output


def test_subscribing_works_while_the_bot_runs(ask, db):
    bot = Repository.open(db, alone=True)
    assert ask("subscribe", "acme", "--channel", "C1").exit_code == 0
    assert [s.channel for s in bot.subscriptions()] == ["C1"]
    bot.close()


def test_a_question_writes_nothing(ask, db):
    before = db.read_bytes()
    ask("status")
    assert db.read_bytes() == before


def test_without_a_database_it_says_who_makes_one(run, config, tmp_path):
    told = run("status", "--config", config, "--db", tmp_path / "none.db")
    assert (told.exit_code, "Start `brownout run` first" in told.output) == (1, True)
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("content", [b"", b"not a database" * 100])
def test_a_bad_database_says_what_to_do(run, config, tmp_path, content):
    (tmp_path / "bad.db").write_bytes(content)
    told = run("status", "--config", config, "--db", tmp_path / "bad.db")
    assert (told.exit_code, "bad.db" in told.output, "--db" in told.output) == (1, True, True), told.output


def test_a_broken_config_is_told_by_every_command_that_reads_it(run, config, db):
    (config / "brownout.toml").write_text("[poll]\nintervall_s = 1\n")
    for words in (("status", "--db", db), ("run", "--db", db), ("check",)):
        told = run(*words, "--config", config)
        assert (told.exit_code, "brownout.toml:2: unknown key" in told.output) == (1, True), told.output


TOKENS = {"SLACK_BOT_TOKEN": "xoxb-secret", "SLACK_APP_TOKEN": "xapp-secret"}


def test_check_says_that_all_is_well(run, config):
    told = run("check", "--offline", "--config", config, env=TOKENS)
    assert (told.exit_code, "OK: 1 of 1 providers on, " in told.output.splitlines()[-1]) == (0, True), told.output


def test_check_names_mistakes_of_config_and_tokens_at_once(run, config):
    (config / "brownout.toml").write_text("[poll]\nintervall_s = 1\n")
    told = run("check", "--offline", "--config", config, env={"SLACK_BOT_TOKEN": "secret", "SLACK_APP_TOKEN": ""})
    assert told.exit_code == 1
    assert all(word in told.output for word in ("brownout.toml:2", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"))
    assert "secret" not in told.output


HTTP = {"SLACK_BOT_TOKEN": "xoxb-secret", "SLACK_SIGNING_SECRET": "0123456789abcdef-secret"}


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (TOKENS, "Slack: Socket Mode"),
        (
            HTTP,
            "Slack: HTTP mode (SLACK_SIGNING_SECRET is set, SLACK_APP_TOKEN is not): /slack/events on 127.0.0.1:8787",
        ),
        (TOKENS | HTTP, "SLACK_SIGNING_SECRET is not used: SLACK_APP_TOKEN is set"),
    ],
)
def test_check_says_how_slack_is_heard(run, config, environment, said):
    told = run("check", "--offline", "--config", config, env=environment)
    assert (told.exit_code, said in told.output, "secret" in told.output) == (0, True, False), told.output


def test_check_says_that_http_mode_needs_the_web_interface(run, config):
    (config / "brownout.toml").write_text("[web]\nenabled = false\n")
    told = run("check", "--offline", "--config", config, env=HTTP)
    assert (told.exit_code, "needs the web server" in told.output) == (1, True)


def test_check_of_the_catalogue_lists_every_provider_with_when_its_page_was_seen(run):
    lines = run("check", "--catalog").output.splitlines()
    github = next(line for line in lines if line.startswith("github "))
    assert "https://www.githubstatus.com" in github
    assert github.endswith("2026-08-22, recorded polls")


def test_check_of_the_config_that_ships_is_well(run):
    assert run("check", "--offline", env=TOKENS).exit_code == 0


@pytest.fixture
def recording(tmp_path):
    lines = [
        {"polled_at": f"2026-03-02T12:0{n}:00Z", "body": json.loads(b) if b else None}
        for n, b in enumerate((page(), None, DOWN))
    ]
    file = tmp_path / "polls.ndjson"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def test_replay_prints_an_object_per_event(run, config, recording):
    told = run("replay", recording, "--provider", "acme", "--config", config, "--json")
    kinds = [json.loads(line)["kind"] for line in told.stdout.splitlines()]
    assert {"source_blind", "source_back", "incident_opened", "surface_changed"} <= set(kinds)


def test_replay_says_the_same_twice_byte_for_byte(run, config, recording):
    words = ("replay", recording, "--provider", "acme", "--config", config, "--json")
    assert run(*words).stdout_bytes == run(*words).stdout_bytes


def test_replay_draws_no_bar_in_a_pipe(run, config, recording):
    told = run("replay", recording, "--provider", "acme", "--config", config, "--json")
    assert told.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals here")
def test_replay_on_a_terminal_draws_its_bar_there_and_its_events_into_the_file(config, recording, tmp_path):
    master, slave = os.openpty()
    words = ("replay", str(recording), "--provider", "acme", "--config", str(config), "--json")
    with (tmp_path / "events").open("wb") as events:
        done = subprocess.run([sys.executable, "-m", "bot", *words], stdout=events, stderr=slave, check=True)  # noqa: S603
    os.close(slave)
    bar = os.read(master, 1 << 16)
    os.close(master)
    kinds = [json.loads(line)["kind"] for line in (tmp_path / "events").read_text().splitlines()]
    assert (done.returncode, "incident_opened" in kinds, b"100%" in bar, b"incident_opened" in bar) == (
        0,
        True,
        True,
        False,
    )


def test_replay_reads_off_the_polls_whose_page_they_are(run, config, recording):
    assert run("replay", recording, "--config", config).exit_code == 0


def test_replay_says_what_it_leaves_out_of_polls_that_go_back_in_time(run, config, recording):
    recording.write_text("".join(reversed(recording.read_text().splitlines(keepends=True))))
    told = run("replay", recording, "--provider", "acme", "--config", config, "--json")
    assert "left out, since they are older than the one before: 2 polls" in told.stderr


@pytest.fixture
def strange(recording):
    """The same, of a page that the catalogue does not know."""
    told = json.loads(recording.read_text().splitlines()[0])["body"]["page"]
    recording.write_text(recording.read_text().replace(json.dumps(told), json.dumps({"id": "x1", "name": "Nobody"})))
    return recording


def test_replay_of_a_page_that_nobody_knows_has_a_surface_for_each_of_its_components(run, config, strange):
    told = run("replay", strange, "--config", config, "--json")
    events = [json.loads(line) for line in told.stdout.splitlines()]
    assert [e["surface"] for e in events if e["kind"] == "surface_changed"] == ["nobody-api"]
    assert told.stderr.startswith("“Nobody” is not in the catalogue: played with a surface for each component")


def test_replay_calls_a_page_that_nobody_knows_by_the_name_that_is_typed(run, config, strange):
    told = run("replay", strange, "--provider", "shop", "--config", config, "--json")
    assert {json.loads(line)["provider"] for line in told.stdout.splitlines()} == {"shop"}


def test_replay_takes_no_other_name_for_a_page_that_the_catalogue_knows(run, config, recording):
    told = run("replay", recording, "--provider", "acmee", "--config", config)
    assert (told.exit_code, told.output) == (
        1,
        "brownout: error: No provider “acmee”. The page belongs to Acme: leave --provider out.\n",
    )


def test_replay_of_a_recording_without_any_name_asks_for_one(run, config, tmp_path):
    (tmp_path / "h.json").write_text('{"incidents": []}')
    told = run("replay", tmp_path / "h.json", "--config", config)
    assert (told.exit_code, "Name it with --provider" in told.output) == (1, True)


def test_replay_of_a_recording_in_which_nothing_happens_says_so(run, config, tmp_path):
    (tmp_path / "h.json").write_text('{"page": {"name": "Acme"}, "incidents": []}')
    told = run("replay", tmp_path / "h.json", "--config", config, "--json")
    assert (told.exit_code, told.stdout, told.stderr) == (0, "", "nothing happens in this recording\n")


@pytest.mark.hostile(42, "escape sequences in a page's name or an incident's title", "they never reach a terminal")
def test_a_pages_name_does_not_drive_the_terminal(run, config, tmp_path):
    (tmp_path / "h.json").write_text(json.dumps({"page": {"name": "\x1b]0;owned\x07"}, "incidents": []}))
    told = run("replay", tmp_path / "h.json", "--config", config, color=True)
    assert "“]0;owned”" in told.output


@pytest.mark.parametrize("content", [b"", b"garbage\n", b"{}", b"[1, 2", b"\x1f\x8bnope"])
def test_replay_of_what_is_no_recording_is_one_line(run, config, tmp_path, content):
    (tmp_path / "bad").write_bytes(content)
    told = run("replay", tmp_path / "bad", "--provider", "acme", "--config", config)
    assert told.exit_code in (0, 1)
    assert told.exception is None or isinstance(told.exception, SystemExit), told.output


@pytest.mark.parametrize("words", [("score",), ("score", "--scope", "--provider", "acme")])
def test_score_names_the_file_that_is_no_recording_and_says_nothing_else(run, config, recording, tmp_path, words):
    (tmp_path / "bad").write_bytes(b"garbage\n")
    told = run(*words, recording, tmp_path / "bad", "--config", config)
    assert (told.exit_code, f"error: {tmp_path / 'bad'}: " in told.stderr, told.stderr.count("\n")) == (1, True, 1)


def test_score_counts_two_files_of_one_name_twice(run, config, recording, tmp_path):
    (tmp_path / "later").mkdir()
    again = tmp_path / "later" / recording.name
    again.write_bytes(recording.read_bytes())
    told = run("score", "--scope", "--provider", "acme", "--json", recording, again, "--config", config)
    assert [one["file"] for one in json.loads(told.stdout)["files"]] == [str(recording), str(again)]


def test_replay_of_a_file_that_is_not_there_is_wrong_usage(run, tmp_path):
    assert run("replay", tmp_path / "none").exit_code == 2


HEAVY = ("pydantic", "slack_bolt", "slack_sdk", "httpx", "aiohttp", "apscheduler", "sqlite_utils", "rich", "fastapi")


def test_help_imports_nothing_heavy():
    script = "import sys; from bot.cli.main import brownout; brownout(['--help'], standalone_mode=False); print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    assert not set(told.stdout.split()) & set(HEAVY)


@pytest.mark.parametrize("words", [("subscribe", "acme-api"), ("timeline",)])
def test_commands_are_told_as_a_shell_knows_them(ask, words):
    told = ask(*words).output
    assert ("brownout " in told, "/brownout" in told) == (True, False)


@pytest.mark.parametrize(("width", "is_whole"), [(None, True), (40, False)], ids=["pipe", "terminal"])
def test_a_long_line_is_broken_between_words_and_only_at_a_terminal(width, is_whole, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width or 40))
    monkeypatch.setenv("FORCE_COLOR", "1") if width else monkeypatch.delenv("FORCE_COLOR", raising=False)
    console = create_console()
    with console.capture() as told:
        console.print(Text("words and " * 8 + "end"))
    lines = told.get().splitlines()
    assert (len(lines) == 1, [line.split()[-1] in {"words", "and", "end"} for line in lines]) == (
        is_whole,
        [True] * len(lines),
    )


@pytest.mark.parametrize("kind", ["betterstack", "uptimekuma", "feed"])
def test_a_recording_of_another_format_is_played_without_a_provider(run, tmp_path, kind):
    def body(name):
        bodies = [decoded(raw) for raw in PAGES[kind, name]]
        return bodies[0] if len(bodies) == 1 else bodies

    shown = ("azure-clear", "statuspage") if kind == "feed" else ("clear", "open")
    polls = [{"polled_at": f"2026-01-10T10:0{n}:00Z", "body": body(name)} for n, name in enumerate(shown)]
    file = tmp_path / "polls.ndjson"
    file.write_text("\n".join(map(json.dumps, polls)))
    told = run("replay", str(file), "--json")
    events = [json.loads(line)["kind"] for line in told.output.splitlines() if line.startswith("{")]
    assert "incident_opened" in events, told.output


def decoded(raw):
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode()

"""The manual: its generated parts are current, its links lead somewhere, and nothing that it should have is missing."""

import ast
import re
import shlex
import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path

import click
import pytest
from pydantic_core import PydanticUndefined

from bot.cli.main import COMMAND_MODULES, brownout
from bot.commands.registry import COMMANDS
from bot.formats import FORMATS
from bot.settings import brownout_toml, provider_toml, verdict_toml
from bot.settings.notify_toml import NotifyTable
from bot.settings.probe_toml import ProbeTable
from bot.settings.tracker_toml import TrackerTable
from bot.storage import Repository
from tests.support import generated_docs
from tests.support.markdown import anchors, prose, rows

ROOT = Path(__file__).parents[2]
PAGES = {page.name: page.read_text(encoding="utf-8") for page in sorted((ROOT / "bot" / "docs").glob("*.md"))}
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXTS = {"README.md": README} | {f"bot/docs/{name}": text for name, text in PAGES.items()}
CONTRIBUTORS = {  # the README need not name these
    "architecture.md",
    "decisions.md",
    "glossary.md",
    "slack-limits.md",
    "status-page-formats.md",
    "verdict-rules.md",
}

TABLES = [  # page, heading, and the model whose keys stand in the table below it
    ("configuration.md", "[poll]", brownout_toml.PollSettings),
    ("configuration.md", "[catalog]", brownout_toml.CatalogSettings),
    ("configuration.md", "[verdict]", brownout_toml.VerdictChoice),
    ("configuration.md", "[slack]", brownout_toml.SlackSettings),
    ("configuration.md", "[store]", brownout_toml.StoreSettings),
    ("configuration.md", "[replica]", brownout_toml.ReplicaSettings),
    ("configuration.md", "[web]", brownout_toml.WebSettings),
    ("configuration.md", "[subscribe]", brownout_toml.SubscribeTable),
    ("configuration.md", "[service.ID]", brownout_toml.ServiceTable),
    ("configuration.md", "[notify]", NotifyTable),
    ("configuration.md", "[tracker.NAME]", TrackerTable),
    ("configuration.md", "[probe.SURFACE]", ProbeTable),
    ("configuration.md", "Keys of presets and profiles", verdict_toml.VerdictNumbers),
    ("providers.md", "Provider", provider_toml.ProviderTable),
    ("providers.md", "[source]", provider_toml.SourceTable),
    ("providers.md", "[[surface]]", provider_toml.SurfaceTable),
]


def links(text):
    """The targets of a page's links that lead to no other host."""
    bare = re.sub(r"``?[^`\n]*``?", lambda m: m[0] if "](" in m[0] else "", prose(text))
    return re.findall(r"\]\(((?!https?:)[^)\s]+)\)", bare)


def section(page, heading):
    """What stands below a heading, up to the next one."""
    found = re.search(rf"(?ms)^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", prose(PAGES[page]))
    return found[1] if found else ""


def constants():
    """Every text that the code has, one after the other; the parts of an f-string apart from each other."""
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in (ROOT / "bot").rglob("*.py"))
    return "\0".join(
        n.value for t in trees for n in ast.walk(t) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    )


@pytest.mark.parametrize("name", PAGES)
def test_the_generated_parts_of_a_page_are_current(name):
    assert generated_docs.filled(PAGES[name]) == PAGES[name], "python -m tests.support.generated_docs --write"


def test_every_generated_part_is_on_a_page():
    text = "\n".join(PAGES.values())
    assert [name for name in generated_docs.PARTS if generated_docs.part(text, name) is None] == []


@pytest.mark.parametrize("name", TEXTS)
def test_every_link_leads_to_a_file_and_an_anchor_that_are_there(name):
    broken, folder = [], (ROOT / name).parent
    for target in links(TEXTS[name]):
        path, _, anchor = target.partition("#")
        file = folder / path if path else ROOT / name
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("name", TEXTS)
def test_no_heading_stands_twice_on_a_page_so_that_anchors_are_unique(name):
    titles = re.findall(r"(?m)^#+ (.+)$", prose(TEXTS[name]))
    assert sorted(titles) == sorted(set(titles))


def test_every_page_is_in_the_index():
    assert [name for name in PAGES if name != "index.md" and f"({name})" not in PAGES["index.md"]] == []


def test_the_readme_links_to_every_page_for_users():
    assert [n for n in PAGES if n != "index.md" and n not in CONTRIBUTORS and f"(bot/docs/{n}" not in README] == []


def test_the_readme_has_at_most_200_lines():
    assert len(README.splitlines()) <= 200


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_slack_command_is_in_the_manual(verb):
    assert f"\n### /brownout {verb}\n" in PAGES["commands.md"]


@pytest.mark.parametrize("name", COMMAND_MODULES)
def test_every_shell_command_is_in_the_manual(name):
    assert f"\n### brownout {name}\n" in PAGES["commands.md"]


@pytest.mark.parametrize(("page", "heading", "model"), TABLES, ids=[heading for _, heading, _ in TABLES])
def test_every_key_is_in_the_manual(page, heading, model):
    shown = [row[0].strip("`") for row in rows(section(page, heading))[1:]]
    assert sorted(shown) == sorted(model.model_fields)


@pytest.mark.parametrize(("page", "heading", "model"), TABLES, ids=[heading for _, heading, _ in TABLES])
def test_every_default_in_the_manual_is_the_codes(page, heading, model):
    wrong = {}
    for name, shown, *_ in rows(section(page, heading))[1:]:
        value = default(model, name.strip("`"))
        if shown != value and (not shown.startswith("`") or tomllib.loads(f"x = {shown.strip('`')}")["x"] != value):
            wrong[name] = (shown, value)
    assert wrong == {}


def default(model, name):
    """A key's default as TOML would give it, or what the manual says instead."""
    field = model.model_fields[name]
    if model is verdict_toml.VerdictNumbers:
        rules = verdict_toml.VerdictParameters()
        value = getattr(rules, name.removesuffix("_min"))
        return value.total_seconds() / 60 if name.endswith("_min") else value
    if field.is_required():
        return "(required)"
    value = field.default_factory() if field.default is PydanticUndefined else field.default
    return "(not set)" if value is None else list(value) if isinstance(value, tuple) else value


def test_every_table_of_brownout_toml_is_in_the_manual():
    named = ("probe", "service", "tracker")  # [probe.SURFACE], [service.ID], [tracker.NAME]
    assert {f"[{name}]" for name in brownout_toml.MainSettings.model_fields if name not in named} <= {
        heading for _, heading, _ in TABLES
    }


@pytest.mark.parametrize("kind", ["preset", "profile"])
def test_every_preset_and_profile_that_ships_is_in_the_manual_with_its_numbers(kind):
    shipped = tomllib.loads((ROOT / "config" / "verdict.toml").read_text(encoding="utf-8"))[kind]
    shown = {row[0]: row[1] for row in rows(section("configuration.md", f"{kind.capitalize()}s"))[1:]}
    told = {name: tomllib.loads("\n".join(re.findall(r"`(.+?)`", text))) for name, text in shown.items()}
    assert told == {f"`[{kind}.{name}]`": table for name, table in shipped.items()}


def test_every_format_is_in_the_manual_with_the_keys_that_it_takes():
    shown = {row[0].strip("`"): row[2] for row in rows(section("providers.md", "Formats"))[1:]}
    needs = {name: ", ".join(f"needs `{n}`" for n in kind.needs) for name, kind in FORMATS.items()}
    takes = {name: ", ".join(f"may have `{n}`" for n in kind.takes) for name, kind in FORMATS.items()}
    assert shown == {name: needs[name] or takes[name] for name in FORMATS}


def test_every_environment_variable_of_the_code_is_in_the_manual():
    named = {
        n
        for text in constants().split("\0")
        for n in re.findall(r"^(?:SLACK|BROWNOUT|AWS|LITESTREAM|NOTIFY|INVOCATION|KUBERNETES)_[A-Z_]*[A-Z]$", text)
    }
    assert [n for n in sorted(named) if n not in PAGES["configuration.md"]] == []


def test_every_http_endpoint_is_in_the_manual():
    code = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "bot").rglob("*.py"))
    found = re.findall(r"@app\.(get|post)\(\s*\"(/v1/[^\"]+|/healthz|/readyz|/metrics)\"", code)
    assert len(found) > 10
    named = [f"`{method.upper()} {path.replace(':path', '')}`" for method, path in found]
    assert [name for name in named if name not in PAGES["http-api.md"]] == []


def test_every_table_of_the_database_is_in_the_manual():
    shown = re.findall(r"CREATE TABLE (\w+)", PAGES["database.md"])
    assert shown == re.findall(r"CREATE TABLE (\w+)", generated_docs.schema())


@pytest.mark.parametrize("query", re.findall(r"(?ms)^```sql\n(SELECT.*?)^```$", PAGES["database.md"]))
def test_the_useful_queries_run(query, tmp_path):
    Repository.open(tmp_path / "fresh.db").close()
    with closing(sqlite3.connect(tmp_path / "fresh.db")) as connection:
        assert connection.execute(query).fetchall() == []


def test_the_messages_that_are_explained_are_the_codes():
    code = constants()
    tables = prose(PAGES["troubleshooting.md"]).partition("\n## Configuration\n")[2]
    messages = [m for row in rows(tables) for m in re.findall(r"`([^`]+)`", row[0])]
    pieces = [piece for message in messages for piece in re.split("…", message) if len(piece.strip()) > 3]
    assert [piece for piece in pieces if piece.strip() not in code] == []


@pytest.mark.parametrize("name", TEXTS)
def test_blocks_of_code_are_closed(name):
    assert len(re.findall(r"(?m)^```", TEXTS[name])) % 2 == 0


def command_lines():
    """What follows ``brownout`` in the blocks that people wrote, each command line once."""
    own = re.sub(r"(?s)<!-- generated: .*?<!-- end: ", "", "\n".join(TEXTS.values()))
    lines = [line for block in re.findall(r"(?ms)^```sh\n(.*?)^```$", own) for line in block.splitlines()]
    found = (m for line in lines for m in re.findall(r"(?:^|[ (/])brownout ((?:\"[^\"]*\"|'[^']*'|[^|&;)#<])*)", line))
    return sorted({words.strip() for words in found})


@pytest.mark.parametrize("words", command_lines())
def test_every_command_line_in_a_block_is_one_that_the_shell_takes(words):
    context, command, args = click.Context(brownout, **brownout.context_settings), brownout, shlex.split(words)
    args = [str(ROOT / "pyproject.toml") if arg == "everything.json" else arg for arg in args]  # any file that exists
    while isinstance(command, click.Group):
        command, args = command.get_command(context, args[0]), args[1:]
        assert command is not None
    command.make_context("brownout", args, parent=context)  # raises a click.UsageError for what it does not take


def test_every_command_that_the_text_names_is_there():
    named = {(n, w) for n, text in TEXTS.items() for w in re.findall(r"`brownout ([a-z]+)", text)}
    assert {(n, w) for n, w in named if w not in COMMAND_MODULES} == set()


def test_every_slack_command_that_the_text_names_is_there():
    named = {(n, w) for n, text in TEXTS.items() for w in re.findall(r"(?:^|`)/brownout ([a-z]+)", text, re.MULTILINE)}
    assert {(n, w) for n, w in named if w not in COMMANDS} == set()

"""``brownout init``: writes a configuration folder, from four questions or from options."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from bot import settings, spelling
from bot.errors import UsageError
from bot.slack import credentials

MAIN_FILE = """\
# Settings of this installation, above those that ship with Brownout. All keys: brownout docs configuration

[catalog]
shipped = true
enabled = {enabled}   # `brownout list all` shows all ids

[store]
path = {path}

[web]
port = {port}
"""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=None, required=False)
@click.option("--providers", help="Ids of the providers to watch, separated by commas.")
@click.option("--db", "path", help="The database file (default: brownout.db in the working directory).")
@click.option("--port", type=click.IntRange(1, 65535), help="The port of the board and the API (default: 8787).")
@click.option("--slack/--no-slack", default=None, help="Whether alerts go to Slack; without it, to the terminal.")
@click.option("--yes", is_flag=True, help="Ask nothing; use the defaults for all other values.")
def init(
    folder: Path | None,
    providers: str | None,
    path: str | None,
    port: int | None,
    slack: bool | None,  # noqa: FBT001  (an option of three states)
    *,
    yes: bool,
) -> None:
    """Writes a configuration folder: which providers, where the database is, the port, and Slack.

    FOLDER is brownout-config if it is not given, which every command finds by itself when it is started here. A folder
    that has a brownout.toml is left as it is.
    """
    folder = settings.user_folder(folder, os.environ)
    file = folder / "brownout.toml"
    if file.exists():
        raise UsageError(f"{file} already exists; nothing was written. Edit it, or name another folder.")
    shipped = settings.load(settings.config_dir(), {})
    usual = ",".join(p.id for p in shipped.providers if p.enabled)
    answers = _ask(yes=yes, usual=usual, given=(providers, path, port, slack))
    enabled = _known_ids(answers[0], [p.id for p in shipped.providers])
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(
        MAIN_FILE.format(enabled=json.dumps(enabled), path=json.dumps(answers[1], ensure_ascii=False), port=answers[2]),
        encoding="utf-8",
    )
    settings.load(folder)
    click.echo(f"Written: {file} ({len(enabled)} providers).")
    for line in _next_steps(folder, is_slack=answers[3]):
        click.echo(line)


def _ask(
    *, yes: bool, usual: str, given: tuple[str | None, str | None, int | None, bool | None]
) -> tuple[str, str, int, bool]:
    """The four answers: those that are given, else asked for, or with ``yes`` the defaults."""
    providers, path, port, slack = given
    if yes:
        return (
            usual if providers is None else providers,
            path or settings.StoreSettings().path,
            port or settings.WebSettings().port,
            bool(slack),
        )
    return (
        providers if providers is not None else click.prompt("Providers to watch, separated by commas", default=usual),
        path or click.prompt("Database file", default=settings.StoreSettings().path),
        port or click.prompt("Port of the board", default=settings.WebSettings().port, type=click.IntRange(1, 65535)),
        slack if slack is not None else click.confirm("Post alerts to Slack?", default=True),
    )


def _known_ids(text: str, known: Sequence[str]) -> list[str]:
    """The ids of a list with commas. UsageError where one is not known, with the nearest."""
    ids = [part.strip().casefold() for part in text.split(",") if part.strip()]
    for name in (i for i in ids if i not in known):
        nearest = spelling.nearest(name, sorted(known))
        hint = f" Did you mean {nearest[0]}?" if nearest else ""
        raise UsageError(f"No provider {name!r}.{hint} All ids: {', '.join(known)}. Others: brownout add URL.")
    if not ids:
        raise UsageError("Name at least one provider. Example: --providers claude,github")
    return list(dict.fromkeys(ids))


def _next_steps(folder: Path, *, is_slack: bool) -> Iterable[str]:
    """What to do next: the state of the Slack tokens, and the commands."""
    option = "" if folder == settings.DEFAULT_FOLDER else f" --config {folder}"
    if is_slack:
        secrets = credentials.read_tokens(os.environ)
        yield from (f"- {line}" for line in secrets.errors)
        yield (
            "Slack tokens are not complete. How to get them: brownout docs slack"
            if secrets.errors
            else "Slack tokens are set. `brownout check` tries them."
        )
    yield f"Next: brownout check{option}, then brownout run{option}"


COMMANDS = {"init": init}

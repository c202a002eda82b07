"""``brownout completion``: completes commands, options, services, incidents and pages of the manual in a shell."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem, get_completion_class

from bot import settings
from bot.cli.options import open_queries
from bot.errors import BrownoutError
from bot.queries import manual

SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_BROWNOUT_COMPLETE"
_MAX_INCIDENTS = 20  # the newest ones


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    r"""Prints the script that completes what you type after `brownout`.

    \b
    bash: eval "$(brownout completion bash)"    in ~/.bashrc (version 4.4 or newer)
    zsh:  eval "$(brownout completion zsh)"     in ~/.zshrc
    fish: brownout completion fish | source     in ~/.config/fish/config.fish
    """
    made = get_completion_class(shell)
    if made is None:  # Choice refuses other shells
        raise click.UsageError(f"No completion for {shell}.")
    script = made(click.get_current_context().find_root().command, {}, "brownout", _VARIABLE)
    click.echo(script.source_template % script.source_vars())


def complete_targets(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The ids of providers and services that are on. Nothing where the settings have errors."""
    try:
        providers = settings.load(ctx.params.get("config")).providers
    except (BrownoutError, OSError):
        return []
    names = {p.id: p.name for p in providers if p.enabled} | {
        s.id: s.name for p in providers if p.enabled for s in p.surfaces
    }
    return [CompletionItem(i, help=name) for i, name in names.items() if i.startswith(incomplete)]


def complete_incidents(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """``last``, the newest incidents by id, then providers and services. No incident where there is no database."""
    found = [CompletionItem("last", help="the newest incident")] if "last".startswith(incomplete) else []
    try:
        with open_queries(ctx.params.get("config"), ctx.params.get("db")) as queries:
            for incident in queries.repository.incident_ids(limit=_MAX_INCIDENTS):
                stored = queries.repository.tracked_incident(incident)
                if stored and incident.startswith(incomplete):
                    found.append(CompletionItem(incident, help=stored[1].incident.name))
    except (BrownoutError, OSError):
        pass
    return [*found, *complete_targets(ctx, parameter, incomplete)]


def complete_pages(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The pages of the manual."""
    return [CompletionItem(p.name, help=p.title) for p in manual.list_pages() if p.name.startswith(incomplete)]


COMMANDS = {"completion": completion}

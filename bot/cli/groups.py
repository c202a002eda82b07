"""Groups of commands that answer a mistyped command with the nearest one."""

from __future__ import annotations

from collections.abc import Sequence

import click
from typing_extensions import override

from bot import spelling

_MIN_START = 2  # letters; a shorter beginning fits too many commands


class SuggestingGroup(click.Group):
    """A group that answers a mistyped command with the nearest one. It never runs another command than was typed."""

    @override
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        typed = args[0]
        if self.get_command(ctx, typed) is None and not ctx.resilient_parsing and not typed.startswith("-"):
            near = nearest_command(typed, self.list_commands(ctx))
            hint = f" Did you mean '{near}'?" if near else ""
            ctx.fail(f"No such command '{typed}'.{hint}")
        return super().resolve_command(ctx, args)


def nearest_command(typed: str, names: Sequence[str]) -> str:
    """The only command that begins with what was typed, or else the one that is spelled like it; empty for none."""
    folded = typed.casefold()
    started = [n for n in names if len(folded) >= _MIN_START and n.startswith(folded)]
    if len(started) == 1:
        return started[0]
    return next(iter(spelling.nearest(typed, names)), "")

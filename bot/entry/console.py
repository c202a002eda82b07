"""Where answers are printed. A file of its own: a bot in Slack does without rich."""

from __future__ import annotations

from rich.console import Console


def terminal() -> Console:
    """Words stay whole at a terminal's edge, and lines stay as they are in a pipe."""
    console = Console()
    console.soft_wrap = not console.is_terminal
    return console

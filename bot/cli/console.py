"""The console for answers. A module of its own, so that a bot in Slack does not import rich."""

from __future__ import annotations

import sys

from rich.console import Console


def create_console() -> Console:
    """Returns a console that wraps at words on a terminal and leaves lines unwrapped in a pipe."""
    console = Console()
    console.soft_wrap = not console.is_terminal
    return console


def is_ascii() -> bool:
    """Whether standard output can't show signs beyond ASCII, by its encoding."""
    try:
        "●✓↻⚙".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False

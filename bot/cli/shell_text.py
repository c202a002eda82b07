"""Rewrites texts made for Slack for the shell: ``/brownout status`` becomes ``brownout status``."""

from __future__ import annotations

import re

_COMMAND = re.compile(r"(?<![\w/.])/brownout(?= |`|$)", re.MULTILINE)


def to_shell_commands(text: str) -> str:
    """Returns the text with each ``/brownout`` command written as a shell command."""
    return _COMMAND.sub("brownout", text)

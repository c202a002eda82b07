"""Words for a shell: what is told in Slack as ``/brownout status`` is ``brownout status`` here."""

from __future__ import annotations

import re

_COMMAND = re.compile(r"(?<![\w/.])/brownout(?= |`|$)", re.MULTILINE)


def in_a_shell(text: str) -> str:
    """The text with our own commands as a shell knows them."""
    return _COMMAND.sub("brownout", text)

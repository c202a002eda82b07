"""A provider file of the configuration, in TOML, for tests."""

from __future__ import annotations

import json
from collections.abc import Iterable


def surface_toml(surface: str, name: str, component: str, *words: str) -> str:
    """The ``[[surface]]`` table of a surface with one component."""
    return f"""\
[[surface]]
id = "{surface}"
name = "{name}"
components = ["{component}"]
words = {json.dumps(words)}
"""


def provider_toml(provider: str, name: str, url: str, surfaces: Iterable[str]) -> str:
    """The file of a provider whose status page is at this URL; ``surfaces`` are TOML tables."""
    return f'id = "{provider}"\nname = "{name}"\n[source]\nurl = "{url}"\n' + "".join(surfaces)

"""A provider of the catalogue that is switched off -> its file, switched on; no other letter of it is changed."""

from __future__ import annotations

import re
from pathlib import Path

from bot import settings
from bot.edge.discover import Found
from bot.errors import ConfigError, UsageError
from bot.model import Provider

_OFF = re.compile(r"^enabled[ \t]*=[ \t]*false\b", re.MULTILINE)


def named(typed: str, folder: Path) -> Provider | None:
    """The provider of the catalogue that was meant by its name; None where an address was. UsageError if it is on."""
    provider = None if "." in typed or "/" in typed else settings.load(folder).provider(typed)
    if provider is not None and provider.enabled:
        raise UsageError(f"{provider.name} is watched already: it is {provider.id}.")
    return provider


def proposal(found: Found, folder: Path) -> tuple[str, Path] | None:
    """The file that already knows this page, switched on, and where it stands; None where there is none that is off."""
    for provider in settings.load(folder).providers:
        source, file = provider.source, folder / "providers" / f"{provider.id}.toml"
        is_same = (source.kind, source.url, source.path) == (found.source.kind, found.source.url, found.source.path)
        if is_same and not provider.enabled and file.exists():
            text = file.read_text(encoding="utf-8")
            return _OFF.sub("enabled = true", text, count=1), file
    return None


def keep(file: Path, text: str, folder: Path) -> None:
    """Puts the text in the file's place; puts the old one back where the catalogue can't be loaded with the new one."""
    try:
        before = file.read_text(encoding="utf-8")
        _replace(file, text)
    except OSError as error:
        raise UsageError(f"{file} can't be written ({error.strerror}); name another folder with --config.") from None
    try:
        settings.load(folder)
    except ConfigError as error:
        _replace(file, before)
        raise UsageError(f"The file was put back, since the catalogue can't be loaded with it:\n{error}") from None


def _replace(file: Path, text: str) -> None:
    """All of it or nothing, also where the power goes."""
    new = file.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)

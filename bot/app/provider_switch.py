"""Enables a disabled provider of the catalog.

In a file of your folder only the ``enabled`` line changes; a shipped provider gets a file there that extends it.
"""

from __future__ import annotations

import re
from pathlib import Path

from bot import settings
from bot.adapters.discovery import DiscoveredPage
from bot.domain import Provider
from bot.errors import ConfigError, UsageError

_EXTENDING_FILE = 'extends = "{id}"\nenabled = true\n'
_DISABLED_LINE = re.compile(r"^enabled[ \t]*=[ \t]*false\b", re.MULTILINE)


def find_disabled_provider(typed: str, folder: Path) -> Provider | None:
    """The provider with this id; None if an address was typed. UsageError if the provider is enabled already."""
    provider = None if "." in typed or "/" in typed else settings.load(settings.existing_folder(folder)).provider(typed)
    if provider is not None and provider.enabled:
        raise UsageError(f"{provider.name} is already watched as {provider.id}.")
    return provider


def propose_enabling(page: DiscoveredPage, folder: Path) -> tuple[str, Path] | None:
    """The text of the disabled provider file with this page, now enabled, and its path; None if there is none."""
    for provider in settings.load(settings.existing_folder(folder)).providers:
        source, file = provider.source, folder / "providers" / f"{provider.id}.toml"
        if source.is_same_page(page.source) and not provider.enabled:
            text = file.read_text(encoding="utf-8") if file.exists() else _EXTENDING_FILE.format(id=provider.id)
            return _DISABLED_LINE.sub("enabled = true", text, count=1), file
    return None


def replace_provider_file(file: Path, text: str, folder: Path) -> None:
    """Replaces a file's text; restores the old text and raises UsageError if the catalogue can't be loaded with it."""
    try:
        before = file.read_text(encoding="utf-8")
        _write_atomically(file, text)
    except OSError as error:
        raise UsageError(f"Can't write {file} ({error.strerror}). Use another folder: --config FOLDER.") from None
    try:
        settings.load(folder)
    except ConfigError as error:
        _write_atomically(file, before)
        raise UsageError(
            f"The file was restored: the configuration can't be loaded with the change:\n{error}"
        ) from None


def _write_atomically(file: Path, text: str) -> None:
    """Replaces the file in one step, so that a crash leaves either the old or the new text."""
    new = file.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)

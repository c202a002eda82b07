"""A config folder -> Settings, or every mistake in its files at once."""

from __future__ import annotations

from pathlib import Path

from bot.errors import ConfigError
from bot.settings import across
from bot.settings.main import Main
from bot.settings.mistake import read
from bot.settings.numbers import VerdictTable
from bot.settings.provider import ProviderTable
from bot.settings.settings import Settings


def config_dir() -> Path:
    """The config that ships with Brownout: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).parents[1]
    return package / "config" if (package / "config").is_dir() else package.parent / "config"


def load(directory: Path | None = None) -> Settings:
    """Reads ``brownout.toml`` and ``providers/*.toml``. Raises ConfigError with every mistake at once."""
    directory = directory or config_dir()
    mistakes: list[str] = []
    if not directory.is_dir():
        raise ConfigError([f"{directory}: there is no such directory; name the one that holds brownout.toml"])
    own, numbers = directory / "brownout.toml", directory / "verdict.toml"
    main = (read(own, Main, mistakes) if own.exists() else None) or Main()
    verdict = read(numbers, VerdictTable, mistakes) if numbers.exists() else VerdictTable()
    files = sorted((directory / "providers").glob("*.toml"))
    tables = [(file, read(file, ProviderTable, mistakes)) for file in files]
    filed = [(file, table.provider(main.probe)) for file, table in tables if table]
    mistakes += across.twice(filed)
    mistakes += across.strangers(filed) if len(filed) == len(files) else ()
    mistakes += across.profiles(filed, verdict) if verdict else ()
    mistakes += across.strays(own, main, filed) if len(filed) == len(files) else ()
    if not files:
        mistakes.append(f"{directory / 'providers'}: no provider files; the catalogue is one TOML file per provider")
    if mistakes:
        raise ConfigError(mistakes)
    slack = main.slack
    return Settings(
        poll=main.poll,
        store=main.store,
        preset=main.verdict.preset,
        providers=tuple(p for _, p in filed),
        verdict=verdict or VerdictTable(),
        web=main.web,
        admins=slack.admins,
        owners=(slack.owner,) if slack.owner else slack.admins,
        looks_up=slack.look_up == "auto",
        give_up_after_min=slack.give_up_after_min,
        replica=main.replica,
    )

"""Loads the configuration into ``Settings``, or raises ConfigError with every mistake in its files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bot.domain import OwnService, Provider, Subscription
from bot.errors import ConfigError
from bot.settings import cross_checks, layers, toml_errors
from bot.settings.brownout_toml import MainSettings
from bot.settings.settings import Settings
from bot.settings.verdict_toml import VerdictTable


def load(directory: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Reads the layers: the shipped catalog, the folder's files, ``BROWNOUT_SECTION_KEY`` environment variables.

    Args:
        directory: The folder with ``brownout.toml``, ``verdict.toml`` and ``providers/*.toml``, each of them optional;
            without it ``$BROWNOUT_CONFIG`` or ``brownout-config`` in the working directory, if it exists, else the
            shipped files alone.
        environment: The variables; those of this process if not given.

    Raises:
        ConfigError: With every mistake at once.
    """
    environment = os.environ if environment is None else environment
    folder = directory or layers.existing_folder(layers.user_folder(None, environment)) or layers.config_dir()
    mistakes: list[str] = []
    if not folder.is_dir():
        raise ConfigError([f"{folder}: directory not found. Name the folder with brownout.toml."])
    main = layers.main_settings(folder, environment, mistakes)
    is_own = folder.resolve() != layers.config_dir().resolve()
    # with a mistake in brownout.toml, `shipped` is not known: what `extends` names is no second mistake then
    is_layered = is_own and (bool(mistakes) or layers.has_shipped_catalog(folder, main))
    shipped = layers.config_dir() if is_layered else None
    verdict = layers.verdict_table(folder, shipped, mistakes)
    tables = layers.provider_tables(folder, shipped, mistakes)
    provider_files = [(file, table.to_provider(main.probe)) for file, table in tables if table]
    mistakes += cross_checks.duplicate_ids(provider_files)
    mistakes += cross_checks.duplicate_short_names(provider_files, _given_short_names(tables))
    all_valid = len(provider_files) == len(tables)  # else surfaces may be missing because of another mistake
    main_file = folder / "brownout.toml"
    mistakes += cross_checks.unknown_surfaces(provider_files) if all_valid else ()
    mistakes += cross_checks.unknown_profiles(provider_files, verdict) if verdict else ()
    mistakes += cross_checks.unknown_probe_surfaces(main_file, main, provider_files) if all_valid else ()
    mistakes += cross_checks.unknown_providers(main_file, main, provider_files) if all_valid else ()
    mistakes += cross_checks.unknown_needs(main_file, main, provider_files) if all_valid else ()
    mistakes += cross_checks.unknown_targets(main_file, main, provider_files) if all_valid else ()
    mistakes += cross_checks.wrong_tools(main_file, main, provider_files) if all_valid else ()
    mistakes += cross_checks.unknown_tracker_surfaces(main_file, main, provider_files) if all_valid else ()
    if not tables:
        mistakes.append(f"{folder / 'providers'}: no provider files. Each provider is one TOML file.")
    if mistakes:
        raise ConfigError(mistakes)
    slack = main.slack
    own_services = tuple(table.to_service(ident) for ident, table in main.service.items())
    return Settings(
        poll=main.poll,
        store=main.store,
        preset=main.verdict.preset,
        providers=tuple(_switched(p, main.catalog.enabled) for _, p in provider_files),
        verdict=verdict or VerdictTable(),
        web=main.web,
        admins=slack.admins,
        partners=slack.partners,
        owners=(slack.owner,) if slack.owner else slack.admins,
        looks_up=slack.look_up == "auto",
        has_link_cards=slack.link_cards == "auto",
        has_newer_blocks=slack.newer_blocks == "auto",
        keep_emoji=slack.keep_emoji,
        keep_messages_days=slack.keep_messages_days,
        give_up_after_min=slack.give_up_after_min,
        replica=main.replica,
        subscriptions=_subscriptions(main, own_services),
        own_services=own_services,
        tools=main.notify,
        trackers=main.tracker,
    )


def _subscriptions(main: MainSettings, own_services: Iterable[OwnService]) -> tuple[Subscription, ...]:
    """The file's subscriptions, one for each channel and target: ``[[subscribe]]`` comes before ``[service.ID]``."""
    listed = (s for table in main.subscribe for s in table.subscriptions())
    needed = (s for service in own_services for s in service.subscriptions())
    by_key: dict[tuple[str, str], Subscription] = {}
    for subscription in (*listed, *needed):
        by_key.setdefault((subscription.channel, subscription.target), subscription)
    return tuple(by_key.values())


def with_verdict_file(current: Settings, file: Path) -> Settings:
    """The settings with another verdict.toml: the presets and profiles that it has replace the current ones.

    Raises:
        ConfigError: With every mistake in the file.
    """
    mistakes: list[str] = []
    toml = toml_errors.read_toml(file, mistakes)
    table = toml_errors.validate(toml, VerdictTable, mistakes) if toml else None
    if table is None or mistakes:
        raise ConfigError(mistakes)
    present = current.verdict
    merged = VerdictTable(preset=present.preset | table.preset, profile=present.profile | table.profile)
    return replace(current, verdict=merged, _rules={})


def _given_short_names(tables: Sequence[layers.ProviderSource]) -> set[str]:
    """The ids of the surfaces that their file gives a short name."""
    return {surface.id for _, table in tables if table for surface in table.surface if surface.short}


def _switched(provider: Provider, enabled: tuple[str, ...] | None) -> Provider:
    """The provider, switched on or off by ``[catalog] enabled`` where that is given."""
    return provider if enabled is None else replace(provider, enabled=provider.id in enabled)

"""The layers of the configuration: the shipped catalog, then your folder, then environment variables.

``brownout docs configuration`` ("Layers") describes the rules to operators.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bot.settings.base import StrictModel
from bot.settings.brownout_toml import MainSettings
from bot.settings.provider_toml import ProviderTable
from bot.settings.toml_errors import TomlFile, read_toml, validate
from bot.settings.verdict_toml import VerdictTable

FOLDER_VARIABLE = "BROWNOUT_CONFIG"
DEFAULT_FOLDER = Path("brownout-config")  # in the working directory, as the database is
PREFIX = "BROWNOUT_"
ProviderSource = tuple[Path, ProviderTable | None]  # None: the file has mistakes


def config_dir() -> Path:
    """The configuration folder that ships with Brownout: in the installed package, or next to it in a checkout."""
    package = Path(__file__).parents[1]
    return package / "config" if (package / "config").is_dir() else package.parent / "config"


def user_folder(directory: Path | None, environment: Mapping[str, str]) -> Path:
    """Your configuration folder: the given one, ``$BROWNOUT_CONFIG``, or ``brownout-config`` where the bot is started.

    It may not exist yet. What ``watch`` and ``add`` write goes there, never into the package.
    """
    named = environment.get(FOLDER_VARIABLE)
    return directory or (Path(named) if named else DEFAULT_FOLDER)


def existing_folder(folder: Path) -> Path | None:
    """The folder; None, which is the shipped catalog alone, for the default one where it does not exist yet."""
    return None if folder == DEFAULT_FOLDER and not folder.is_dir() else folder


def has_shipped_catalog(folder: Path, main: MainSettings) -> bool:
    """Whether the shipped providers are a layer below this folder's.

    Without ``[catalog] shipped`` they are if the folder has no provider file of its own, so that a folder with a copy
    of the catalog, as every installation before 0.2 needed one, keeps exactly its providers.
    """
    if main.catalog.shipped is not None:
        return main.catalog.shipped
    return not any((folder / "providers").glob("*.toml"))


def provider_tables(folder: Path, shipped: Path | None, mistakes: list[str]) -> list[ProviderSource]:
    """The provider files of both layers, by file name: your file with the name or id of a shipped one replaces it.

    A file with ``extends = "ID"`` is the shipped file of that id with its own keys in place of the other's; a
    ``[[surface]]`` with the id of a shipped one changes only the keys that it has. Mistakes are appended to
    ``mistakes``, with file and line.
    """
    base_files = {f.stem: f for f in sorted((shipped / "providers").glob("*.toml"))} if shipped else {}
    own_files = sorted((folder / "providers").glob("*.toml"))
    own = [(file, _own_table(file, base_files, mistakes)) for file in own_files]
    replaced = {file.stem for file, _ in own} | {table.id for _, table in own if table}
    base = [(f, _table(read_toml(f, mistakes), mistakes)) for name, f in base_files.items() if name not in replaced]
    return sorted([*base, *own], key=lambda pair: pair[0].name)


def main_settings(folder: Path, environment: Mapping[str, str], mistakes: list[str]) -> MainSettings:
    """``brownout.toml`` of the folder, if it has one, overridden by environment variables."""
    file = read_toml(folder / "brownout.toml", mistakes) if (folder / "brownout.toml").exists() else None
    main = (validate(file, MainSettings, mistakes) if file else None) or MainSettings()
    return _with_environment(main, environment, mistakes)


def verdict_table(folder: Path, shipped: Path | None, mistakes: list[str]) -> VerdictTable | None:
    """``verdict.toml`` of the folder, with the shipped profiles and presets that it does not have. None on mistakes."""
    layers = [f / "verdict.toml" for f in (shipped, folder) if f and (f / "verdict.toml").exists()]
    tables = [validate(file, VerdictTable, mistakes) if (file := read_toml(f, mistakes)) else None for f in layers]
    if None in tables:
        return None
    present = [t for t in tables if t is not None]
    return VerdictTable(
        preset={k: v for t in present for k, v in t.preset.items()},
        profile={k: v for t in present for k, v in t.profile.items()},
    )


def _own_table(file: Path, base_files: Mapping[str, Path], mistakes: list[str]) -> ProviderTable | None:
    """The table of a file of your folder, merged with the one that it extends."""
    own = read_toml(file, mistakes)
    if own is None or "extends" not in own.data:
        return _table(own, mistakes)
    name = own.data["extends"]
    if not isinstance(name, str) or name not in base_files:
        known = "the shipped catalog is off" if not base_files else "brownout list all shows the ids"
        mistakes.append(f"{own.locate(('extends',))}: extends: no shipped provider {name!r} ({known})")
        return None
    base = read_toml(base_files[name], mistakes)
    return _table(_merge(base, own), mistakes) if base else None


def _table(file: TomlFile | None, mistakes: list[str]) -> ProviderTable | None:
    return validate(file, ProviderTable, mistakes) if file else None


def _merge(base: TomlFile, own: TomlFile) -> TomlFile:
    """The base's data with your keys over them. Mistakes are located in your file, where the key is in it."""
    surfaces = {s.get("id"): s for s in base.data.get("surface", ()) if isinstance(s, dict)}
    for surface in (s for s in _tables(own.data.get("surface")) if s.get("id")):
        surfaces[surface["id"]] = surfaces.get(surface["id"], {}) | surface
    dropped = own.data.get("without", ())
    merged = base.data | {k: v for k, v in own.data.items() if k not in {"extends", "source", "surface", "without"}}
    merged["source"] = base.data["source"] | (own.data.get("source") or {})
    merged["surface"] = [s for name, s in surfaces.items() if name not in dropped]
    return TomlFile(own.path, own.text, merged, tuple(s.get("id") for s in _tables(own.data.get("surface"))))


def _tables(value: object) -> list[dict[str, Any]]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def _with_environment(main: MainSettings, environment: Mapping[str, str], mistakes: list[str]) -> MainSettings:
    """The settings with ``BROWNOUT_SECTION_KEY`` variables in place of theirs, such as ``BROWNOUT_WEB_PORT=9000``."""
    overrides: dict[str, dict[str, Any]] = {}
    for name, section, key, text in _variables(main, environment):
        table: StrictModel = getattr(main, section)
        if key not in type(table).model_fields:
            known = ", ".join(f"{PREFIX}{section.upper()}_{k.upper()}" for k in type(table).model_fields)
            mistakes.append(f"{name}: there is no such setting; there are {known}")
            continue
        overrides.setdefault(section, {})[key] = _value(
            text, is_list="tuple" in str(type(table).model_fields[key].annotation)
        )
    if not overrides:
        return main
    data = main.model_dump(exclude_unset=True)
    merged = data | {section: data.get(section, {}) | keys for section, keys in overrides.items()}
    file = TomlFile(Path("environment"), "", merged)
    found: list[str] = []
    validated = validate(file, MainSettings, found)
    mistakes += [line.replace("environment:1: ", f"environment variable {PREFIX}*: ") for line in found]
    return validated or main


def _variables(main: MainSettings, environment: Mapping[str, str]) -> Iterator[tuple[str, str, str, str]]:
    """Name, section, key and text of every variable that begins like a section of brownout.toml."""
    sections = [name for name in type(main).model_fields if isinstance(getattr(main, name), StrictModel)]
    for name, text in sorted(environment.items()):
        section, _, key = name.removeprefix(PREFIX).lower().partition("_")
        if name.startswith(PREFIX) and section in sections and key:
            yield name, section, key, text


def _value(text: str, *, is_list: bool) -> object:
    """The value of a variable: TOML where it is such (``9000``, ``true``, ``["a", "b"]``), else the text itself."""
    try:
        value = tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        value = text
    return (
        [part.strip() for part in text.split(",") if part.strip()] if is_list and not isinstance(value, list) else value
    )

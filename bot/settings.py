"""config/*.toml and the environment -> Settings, or every mistake at once with file and line.

Strict: an unknown key in our own files is a mistake. Files are TOML; the catalogue is one file per provider.
"""

from __future__ import annotations

import re
import reprlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from bot import model
from bot.errors import ConfigError
from bot.probes import HIDDEN, ProbeTable
from bot.sources import KINDS

M = TypeVar("M", bound=BaseModel)
LARGEST = 100_000  # bytes of a file; reading TOML takes time by the square of some things in it
MOST = 50  # mistakes that are named of one file
_ID = r"^[a-z0-9][a-z0-9-]*$"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Source(_Strict):
    kind: str = "statuspage"
    url: str
    fallback: str | None = None
    home: str | None = None
    path: str = Field(default="", pattern=r"^(/\S*)?$")
    page: str = ""
    regions: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    public: bool = False
    min_minutes: float | None = Field(default=None, ge=0, le=60)

    @field_validator("kind")
    @classmethod
    def _is_known(cls, kind: str) -> str:
        if kind not in KINDS:
            raise ValueError(f"this bot reads {', '.join(KINDS)}")
        return kind

    @field_validator("url", "fallback", "home")
    @classmethod
    def _is_a_page(cls, url: str | None) -> str | None:
        if url is not None and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
            raise ValueError("must be the page's address, like https://status.example.com")
        return url.rstrip("/") if url else None

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        kind = KINDS.get(self.kind)
        given = {name for name in ("page", "regions", "products") if getattr(self, name)}
        given |= {"min_minutes"} if self.min_minutes is not None else set()
        if kind and (missing := [name for name in kind.needs if name not in given]):
            raise ValueError(f"the kind {self.kind} needs {' and '.join(missing)}")
        if kind and (extra := sorted(given - {*kind.needs, *kind.takes})):
            raise ValueError(f"the kind {self.kind} has no use for {' and '.join(extra)}")
        return self


class _Surface(_Strict):
    id: str = Field(pattern=_ID)
    name: str
    components: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    cased: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    is_login: bool = False
    needs: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    fault_domain: str = ""
    slo: float | None = Field(default=None, gt=0, lt=100)
    people: str = ""
    programs: str = ""
    probe: ProbeTable | None = None


class _Provider(_Strict):
    id: str = Field(pattern=_ID)
    name: str
    vendor: str = ""
    aliases: tuple[str, ...] = ()
    page_ids: tuple[str, ...] = ()
    profile: str = "default"
    enabled: bool = True
    ignore: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    verified: bool = True
    source: _Source
    surface: tuple[_Surface, ...] = Field(min_length=1)


class Poll(_Strict):
    """How pages are polled; times in seconds, sizes in bytes."""

    interval_s: float = Field(default=60, ge=1)
    incident_interval_s: float = Field(default=20, ge=1)
    timeout_s: float = Field(default=10, gt=0)
    max_bytes: int = Field(default=8_000_000, ge=1000)
    blind_after: int = Field(default=3, ge=1)
    alarm_after: int = Field(default=30, ge=1)


class Web(_Strict):
    """The HTTP door: the board for people and the gate for programs. ``hosts``: by what other names it is called."""

    enabled: bool = True
    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8787, ge=0, le=65535)
    hosts: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")], ...] = ()


class _VerdictChoice(_Strict):
    preset: Literal["cautious", "default", "fast"] = "default"


class _Numbers(_Strict):
    """Numbers of the verdict that a preset or a profile changes; spans in minutes."""

    name: str | None = None
    clears_components: bool | None = None
    settle_looks: int | None = Field(default=None, ge=1)
    crowd: int | None = Field(default=None, ge=1)
    gentle_low: float | None = Field(default=None, ge=0, le=1)
    gentle_high: float | None = Field(default=None, ge=0, le=1)
    settle_min: float | None = Field(default=None, ge=0)
    cleared_settle_min: float | None = Field(default=None, ge=0)
    dwell_min: float | None = Field(default=None, gt=0)
    resolved_dwell_min: float | None = Field(default=None, ge=0)
    resolved_clean_min: float | None = Field(default=None, ge=0)
    flap_within_min: float | None = Field(default=None, ge=0)
    flap_lasts_min: float | None = Field(default=None, ge=0)
    dwell_cap_min: float | None = Field(default=None, gt=0)
    resolved_cap_min: float | None = Field(default=None, ge=0)
    crowd_within_min: float | None = Field(default=None, ge=0)
    crowd_dwell_min: float | None = Field(default=None, ge=0)
    residual_pin_min: float | None = Field(default=None, ge=0)
    maintenance_dwell_min: float | None = Field(default=None, ge=0)
    review_min: float | None = Field(default=None, gt=0)
    overrun_review_min: float | None = Field(default=None, gt=0)
    fail_over_after_min: float | None = Field(default=None, ge=0)
    silence_min: float | None = Field(default=None, gt=0)

    def over(self, rules: model.VerdictRules) -> model.VerdictRules:
        """The rules with these numbers in place of theirs."""
        told = self.model_dump(exclude_none=True)
        numbers: dict[str, Any] = {
            key.removesuffix("_min"): timedelta(minutes=value) if key.endswith("_min") else value
            for key, value in told.items()
        }
        return replace(rules, **numbers)


class _Verdict(_Strict):
    preset: dict[Literal["cautious", "default", "fast"], _Numbers] = {}
    profile: dict[str, _Numbers] = {}


class Store(_Strict):
    """The database, its backups and what it forgets. ``backup_to`` is relative to the database; 0 is never."""

    path: str = "brownout.db"
    backup_every_h: float = Field(default=24, ge=0)
    backup_to: str = Field(default="backups", min_length=1)
    keep: int = Field(default=7, ge=1)
    bodies_days: float = Field(default=90, ge=0)


class Replica(_Strict):
    """Where Litestream copies every commit to; an empty ``url`` is nowhere. Credentials are never written here."""

    url: str = ""
    endpoint: str = Field(default="", pattern=r"^(https?://[^\s@]+)?$")
    region: str = ""

    @field_validator("url")
    @classmethod
    def _is_a_place(cls, url: str) -> str:
        told = urlsplit(url)
        if told.username or told.password or told.query:
            why = "credentials come from the environment (AWS_ACCESS_KEY_ID...), never from a file"
            raise PydanticCustomError(HIDDEN, "{why}", {"why": why})
        is_file = told.scheme == "file" and not told.netloc and told.path.strip("/")
        is_s3 = told.scheme == "s3" and told.netloc and told.path.strip("/")
        if url and not (is_file or is_s3):
            raise ValueError("must be file:///folder or s3://bucket/path")
        return url


class _Slack(_Strict):
    """``admins``: people and user groups who may end subscriptions, change settings, mute all; empty is everybody.

    ``owner``: a person or a channel that hears of sources without usable data; the admins, where it is empty.
    ``look_up``: whether a post of unknown fate is looked for in its channel's history, where the scopes allow it.
    ``give_up_after_min``: how long Slack may be gone before the process ends; 0 is for ever, and left out is 15 where
    something starts it again.
    """

    admins: tuple[Annotated[str, Field(pattern=r"^[UWS][A-Z0-9]+$")], ...] = ()
    owner: str = Field(default="", pattern=r"^([UWCG][A-Z0-9]+)?$")
    look_up: Literal["auto", "off"] = "auto"
    give_up_after_min: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class _Main(_Strict):
    poll: Poll = Poll()
    verdict: _VerdictChoice = _VerdictChoice()
    store: Store = Store()
    replica: Replica = Replica()
    web: Web = Web()
    slack: _Slack = _Slack()
    probe: dict[str, ProbeTable] = {}


@dataclass(frozen=True, slots=True)
class Settings:
    """All that the config directory says, checked. ``providers`` is the whole catalogue, the disabled ones too."""

    poll: Poll = field(default_factory=Poll)
    store: Store = field(default_factory=Store)
    preset: str = "default"
    providers: tuple[model.Provider, ...] = ()
    verdict: _Verdict = field(default_factory=_Verdict)
    web: Web = field(default_factory=Web)
    admins: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()  # who hears of sources without usable data
    looks_up: bool = True
    give_up_after_min: float | None = None
    replica: Replica = field(default_factory=Replica)
    _rules: dict[tuple[str, str], model.VerdictRules] = field(default_factory=dict, repr=False, compare=False)

    @property
    def store_path(self) -> str:
        """The database, as brownout.toml names it."""
        return self.store.path

    @property
    def probes(self) -> tuple[model.Probe, ...]:
        """How surfaces are tried, those of disabled providers too."""
        return tuple(s.probe for p in self.providers for s in p.surfaces if s.probe)

    def rules_for(self, provider: model.Provider, preset: str | None = None) -> model.VerdictRules:
        """The verdict's numbers for this provider: its profile's, and over them the chosen preset's."""
        wanted = provider.profile, preset or self.preset
        if wanted not in self._rules:  # every look asks
            profile = self.verdict.profile.get(wanted[0], _Numbers())
            chosen = next((n for name, n in self.verdict.preset.items() if name == wanted[1]), _Numbers())
            self._rules[wanted] = chosen.over(profile.over(model.VerdictRules()))
        return self._rules[wanted]

    def provider(self, provider_id: str) -> model.Provider | None:
        """The provider with this id, alias, page id, name or page's host; None where the catalogue has none."""
        wanted = provider_id.casefold()
        for provider in self.providers:
            if wanted in {n.casefold() for n in (provider.id, provider.name, *provider.aliases, *provider.page_ids)}:
                return provider
        return next((p for p in self.providers if urlsplit(p.source.url).hostname == wanted), None)


def config_dir() -> Path:
    """The config that ships with Brownout: inside the package when installed, beside it in a checkout."""
    here = Path(__file__).parent
    return here / "config" if (here / "config").is_dir() else here.parent / "config"


def load(directory: Path | None = None) -> Settings:
    """Reads ``brownout.toml`` and ``providers/*.toml``. Raises ConfigError with every mistake at once."""
    directory = directory or config_dir()
    mistakes: list[str] = []
    if not directory.is_dir():
        raise ConfigError([f"{directory}: there is no such directory; name the one that holds brownout.toml"])
    main = _read(directory / "brownout.toml", _Main, mistakes) if (directory / "brownout.toml").exists() else None
    main = main or _Main()
    numbers = directory / "verdict.toml"
    verdict = _read(numbers, _Verdict, mistakes) if numbers.exists() else _Verdict()
    files = sorted((directory / "providers").glob("*.toml"))
    read = [(file, _read(file, _Provider, mistakes)) for file in files]
    providers = [(file, _provider(wire, main.probe)) for file, wire in read if wire]
    mistakes += _twice(providers)
    mistakes += _strangers(providers) if len(providers) == len(files) else ()
    mistakes += _profiles(providers, verdict) if verdict else ()
    mistakes += _strays(directory / "brownout.toml", main, providers) if len(providers) == len(files) else ()
    if not files:
        mistakes.append(f"{directory / 'providers'}: no provider files; the catalogue is one TOML file per provider")
    if mistakes:
        raise ConfigError(mistakes)
    catalogue = tuple(p for _, p in providers)
    slack = main.slack
    return Settings(
        *(main.poll, main.store, main.verdict.preset, catalogue, verdict or _Verdict(), main.web, slack.admins),
        owners=(slack.owner,) if slack.owner else slack.admins,
        looks_up=slack.look_up == "auto",
        give_up_after_min=slack.give_up_after_min,
        replica=main.replica,
    )


def _read(file: Path, kind: type[M], mistakes: list[str]) -> M | None:
    try:
        if file.stat().st_size > LARGEST:
            mistakes.append(f"{file}:1: larger than {LARGEST // 1000} kB; one file is one provider's")
            return None
        text = file.read_text(encoding="utf-8")
        return kind.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        last = text.rstrip().count("\n") + 1  # where the error stands "at end of document"
        mistakes.append(f"{file}:{line[1] if line else last}: not valid TOML: {error}")
    except RecursionError:
        mistakes.append(f"{file}:1: can't be read: it is nested too deeply")
    except (OSError, UnicodeDecodeError) as error:
        mistakes.append(f"{file}:1: can't be read: {error}")
    except ValidationError as error:
        named = [f"{file}:{_line_of(text, e['loc'])}: {_sentence(e)}" for e in error.errors()[:MOST]]
        mistakes += named + ([f"{file}:1: and more of that kind"] if error.error_count() > MOST else [])
    except ValueError as error:
        mistakes.append(f"{file}:1: not valid TOML: {error}")
    return None


def _sentence(error: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"unknown key {where!r}; delete it or check its spelling"
    if error["type"] == "missing":
        return f"{where!r} is missing"
    said = error["msg"].removeprefix("Value error, ")
    given = error["input"]
    is_shown = not isinstance(given, dict | ProbeTable) and error["type"] != HIDDEN
    return f"{where}: {said}" + (f" (it is {reprlib.repr(given)})" if is_shown else "")


def _line_of(text: str, loc: tuple[str | int, ...]) -> int:
    """The line a mistake stands on: TOML parsers give no positions, so table headers and keys are counted."""
    tables = [str(part) for part in loc if isinstance(part, str)]
    nth = next((part for part in loc if isinstance(part, int)), 0)
    paths = {".".join(tables[:depth]) for depth in range(1, len(tables) + 1)}
    line, inside, seen = 1, len(tables) == 1, -1
    for number, row in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*([^\]]*?)\s*\]", row):
            seen += header[1] == tables[0]
            inside = header[1] in paths and nth == max(seen, 0)
            line = number if inside else line
        if inside and re.match(rf"\s*{re.escape(tables[-1])}\s*=", row):
            return number
    return line


def _provider(wire: _Provider, probes: Mapping[str, ProbeTable]) -> model.Provider:
    """The provider; ``probes`` are those of brownout.toml, which win over the file's own."""
    surfaces = tuple(_surface(s, wire.id, probes.get(s.id, s.probe)) for s in wire.surface)
    told = wire.source.model_dump() | {"home": wire.source.home or ""}
    source = model.Source(id=wire.id, provider=wire.id, **told)
    rest = wire.model_dump(exclude={"source", "surface"})
    return model.Provider(surfaces=surfaces, source=source, **rest)


def _surface(wire: _Surface, provider: str, table: ProbeTable | None) -> model.Surface:
    probe = table.probe(wire.id) if table and table.enabled else None
    return model.Surface(provider=provider, probe=probe, **wire.model_dump(exclude={"probe"}))


def _strays(file: Path, main: _Main, providers: list[tuple[Path, model.Provider]]) -> Iterator[str]:
    """Probes of surfaces that nobody has."""
    known = [s.id for _, p in providers for s in p.surfaces]
    for surface in (s for s in main.probe if s not in known):
        near = get_close_matches(surface, known, 1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        yield f"{_at(file, ('probe', surface))}: no provider file has the surface {surface!r}{meant}"


def _profiles(providers: list[tuple[Path, model.Provider]], verdict: _Verdict) -> Iterator[str]:
    """Providers that ask for numbers which verdict.toml does not have."""
    known = {"default", *verdict.profile}
    for file, provider in providers:
        if provider.profile not in known:
            has = ", ".join(sorted(known))
            yield f"{_at(file, ('profile',))}: no profile {provider.profile!r} in verdict.toml; it has {has}"


def _twice(providers: list[tuple[Path, model.Provider]]) -> Iterator[str]:
    """Ids that are used for two things."""
    owners: dict[str, Path] = {}
    for file, provider in providers:
        places = [("id",), *(("surface", number, "id") for number in range(len(provider.surfaces)))]
        for name, place in zip((provider.id, *(s.id for s in provider.surfaces)), places, strict=True):
            if name in owners:
                used = f"is already used in {owners[name].name}; ids are unique over the catalogue"
                yield f"{_at(file, place)}: the id {name!r} {used}"
            owners[name] = file


def _strangers(providers: list[tuple[Path, model.Provider]]) -> Iterator[str]:
    """Surfaces that are named and that nobody has."""
    known = {s.id for _, p in providers for s in p.surfaces}
    for file, provider in providers:
        for number, surface in enumerate(provider.surfaces):
            for key, named in (("needs", surface.needs), ("instead", surface.instead)):
                for other in (n for n in named if n not in known):
                    where = _at(file, ("surface", number, key))
                    yield f"{where}: {key} names the surface {other!r}, which no provider file has"


def _at(file: Path, loc: tuple[str | int, ...]) -> str:
    return f"{file}:{_line_of(file.read_text(encoding='utf-8'), loc)}"

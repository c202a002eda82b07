"""The schema of a provider file, ``providers/*.toml``, and its conversion to a ``Provider`` with its surfaces."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from bot import domain
from bot.formats import FORMATS
from bot.settings.base import StrictModel
from bot.settings.probe_toml import ProbeTable

_ID_PATTERN = r"^[a-z0-9][a-z0-9-]*$"
MAX_SHORT_NAME = 12  # characters: six of them and their advice fit into one line of an alert


class SourceTable(StrictModel):
    """``[source]``: where the status page is, and its format."""

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
    def _check_kind(cls, kind: str) -> str:
        if kind not in FORMATS:
            raise ValueError(f"this bot reads {', '.join(FORMATS)}")
        return kind

    @field_validator("url", "fallback", "home")
    @classmethod
    def _check_url(cls, url: str | None) -> str | None:
        if url is not None and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
            raise ValueError("must be the page's address, like https://status.example.com")
        return url.rstrip("/") if url else None

    @model_validator(mode="after")
    def _check_required_keys(self) -> Self:
        source_format = FORMATS.get(self.kind)
        present = {name for name in ("page", "regions", "products") if getattr(self, name)}
        present |= {"min_minutes"} if self.min_minutes is not None else set()
        if source_format and (missing := [name for name in source_format.needs if name not in present]):
            raise ValueError(f"the kind {self.kind} needs {' and '.join(missing)}")
        if source_format and (unused := sorted(present - {*source_format.needs, *source_format.takes})):
            raise ValueError(f"the kind {self.kind} has no use for {' and '.join(unused)}")
        return self


class AdviceTable(StrictModel):
    """``people`` or ``programs`` of a service: what to do while the advice is not to retry, and to retry slowly."""

    hold: str = ""
    slow: str = ""


class SurfaceTable(StrictModel):
    """``[[surface]]``: one service of the provider. A text as ``people`` or ``programs`` is its ``hold``."""

    id: str = Field(pattern=_ID_PATTERN)
    name: str
    short: str = Field(default="", max_length=MAX_SHORT_NAME)
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
    since: date | None = None
    until: date | None = None
    people: str | AdviceTable = ""
    programs: str | AdviceTable = ""
    probe: ProbeTable | None = None

    @model_validator(mode="after")
    def _check_lifetime(self) -> Self:
        if self.since and self.until and self.since >= self.until:
            raise ValueError(f"since ({self.since}) must be before until ({self.until})")
        return self

    def to_surface(self, provider: ProviderTable, probe: ProbeTable | None) -> domain.Surface:
        """The surface as a domain object, with this probe in place of its own."""
        active = probe.to_probe(self.id) if probe and probe.enabled else None
        fields = self.model_dump(exclude={"probe", "people", "programs", "short", "since", "until"})
        people, programs = _advice_table(self.people), _advice_table(self.programs)
        return domain.Surface(
            provider=provider.id,
            probe=active,
            short=self.short or _without_brand(self.name, (provider.name, provider.vendor)),
            since=_midnight(self.since),
            until=_midnight(self.until),
            people=people.hold,
            programs=programs.hold,
            people_slow=people.slow,
            programs_slow=programs.slow,
            **fields,
        )


def _midnight(day: date | None) -> datetime | None:
    """The first moment of a day in UTC."""
    return datetime.combine(day, time(), UTC) if day else None


def _advice_table(advice: str | AdviceTable) -> AdviceTable:
    return AdviceTable(hold=advice) if isinstance(advice, str) else advice


def _without_brand(name: str, brands: tuple[str, ...]) -> str:
    """The service's name without the provider's in front; the whole name where it has no other."""
    for brand in brands:
        if brand and name.casefold().startswith(f"{brand.casefold()} "):
            return name[len(brand) :].strip(" :") or name
    return name


class ProviderTable(StrictModel):
    """The whole provider file. ``verified`` is when and how the page was seen in this format, or false."""

    id: str = Field(pattern=_ID_PATTERN)
    name: str
    vendor: str = ""
    aliases: tuple[str, ...] = ()
    page_ids: tuple[str, ...] = ()
    profile: str = "default"
    enabled: bool = True
    ignore: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    resellers: tuple[str, ...] = ()
    verified: bool | str = True
    source: SourceTable
    surface: tuple[SurfaceTable, ...] = Field(min_length=1)

    def to_provider(self, probes: Mapping[str, ProbeTable]) -> domain.Provider:
        """The provider as a domain object. ``probes`` are those of brownout.toml; they replace the file's own."""
        surfaces = tuple(s.to_surface(self, probes.get(s.id, s.probe)) for s in self.surface)
        source_fields = self.source.model_dump() | {"home": self.source.home or ""}
        source = domain.Source(id=self.id, provider=self.id, **source_fields)
        fields = self.model_dump(exclude={"source", "surface", "verified"})
        how = self.verified if isinstance(self.verified, str) else ""
        facets = (source.regions or self.regions) if FORMATS[source.kind].names_regions else ()
        return domain.Provider(
            surfaces=surfaces,
            source=source,
            verified=bool(self.verified),
            verification=how,
            facets=tuple(r.casefold() for r in facets),
            **fields,
        )

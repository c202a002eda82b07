"""A file of the catalogue, ``providers/*.toml`` -> a Provider with its surfaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from bot import model
from bot.settings.probe import ProbeTable
from bot.settings.strict import Strict
from bot.sources import KINDS

_ID = r"^[a-z0-9][a-z0-9-]*$"


class SourceTable(Strict):
    """``[source]``: where the page is, and how it is read."""

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


class SurfaceTable(Strict):
    """``[[surface]]``."""

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

    def surface(self, provider: str, probe: ProbeTable | None) -> model.Surface:
        """The surface of this provider, tried by this probe and not by its own."""
        told = probe.probe(self.id) if probe and probe.enabled else None
        return model.Surface(provider=provider, probe=told, **self.model_dump(exclude={"probe"}))


class ProviderTable(Strict):
    """The whole file."""

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
    source: SourceTable
    surface: tuple[SurfaceTable, ...] = Field(min_length=1)

    def provider(self, probes: Mapping[str, ProbeTable]) -> model.Provider:
        """The provider; ``probes`` are those of brownout.toml, which win over the file's own."""
        surfaces = tuple(s.surface(self.id, probes.get(s.id, s.probe)) for s in self.surface)
        told = self.source.model_dump() | {"home": self.source.home or ""}
        source = model.Source(id=self.id, provider=self.id, **told)
        rest = self.model_dump(exclude={"source", "surface"})
        return model.Provider(surfaces=surfaces, source=source, **rest)

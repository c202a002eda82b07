"""The catalogue's values: providers, their surfaces, and the sources where their status is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.domain.evidence import Probe


@dataclass(frozen=True, slots=True)
class Surface:
    """A way to use a provider, as its users see it. It need not be a component of the status page.

    Attributes:
        components: Ids and names (old names too) of the page components that stand for it.
        words: What people and vendors call it in prose.
        cased: Names that are common words too, and count only with the capital letters of a name.
        hints: Words that point to it only where the text names no surface.
        models: The model families that it serves.
        parts: Components of single features. When one is bad, the surface is touched and not down.
        is_login: People sign in here to use the other surfaces.
        needs: Ids of surfaces that it cannot work without.
        instead: Ids of surfaces to use meanwhile, those in another fault domain first.
        slo: The availability it should have, in percent; None for no objective.
        since: When it began; the time before is in no figure. None where it is not known.
        until: When it was discontinued, likewise.
        people: What people should do while the advice is not to retry.
        programs: What programs should do while the advice is not to retry.
        probe: How it is probed; None where it is not.
        short: Its name where the provider's name is visible beside it; empty where it has none of its own.
        people_slow: What people should do while the advice is to retry slowly.
        programs_slow: What programs should do while the advice is to retry slowly.
    """

    id: str
    provider: str
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
    slo: float | None = None
    people: str = ""
    programs: str = ""
    probe: Probe | None = None
    short: str = ""
    since: datetime | None = None
    until: datetime | None = None
    people_slow: str = ""
    programs_slow: str = ""

    @property
    def short_name(self) -> str:
        """The name to use where the provider's name is visible beside it."""
        return self.short or self.name


@dataclass(frozen=True, slots=True)
class Source:
    """Where a provider's status is read, in which format, with that format's options.

    Attributes:
        kind: The format's key in ``bot.formats.FORMATS``.
        url: The page's root, without a trailing slash.
        home: The page for people; empty where that is ``url``.
        path: Where the data is, below ``url``; empty for the format's usual path.
        page: The page's id, slug, subdomain or instance, for formats whose address does not contain it.
        regions: Only these regions of the page count; empty for all.
        products: Only these products (ids or names) of the page count; empty for all.
        public: A person typed the address, so it is only read on the public web, whatever its host name resolves to.
        min_minutes: The least age in minutes at which a monitor's own report counts; None for the format's default.
    """

    id: str
    provider: str
    kind: str
    url: str
    fallback: str | None = None
    home: str = ""
    path: str = ""
    page: str = ""
    regions: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    public: bool = False
    min_minutes: float | None = None

    def is_same_page(self, other: Source) -> bool:
        """True where both are read at the same address, in the same format, and as the same page of it."""
        mine, theirs = ((s.kind, s.url, s.path, s.page) for s in (self, other))
        return mine == theirs


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider as the catalogue describes it: one TOML file.

    Attributes:
        aliases: Other names by which people may call it.
        page_ids: Ids of its status page, to recognise a recording of it.
        profile: The name of the vendor profile for the verdict rules.
        ignore: Phrases that name no surface although a part of them would.
        regions: Places that the vendor names in its texts.
        resellers: Names of other vendors' services that offer its products: "on NAME" is not about its own surfaces.
        vendor: The company's name; empty where it is ``name``.
        verified: Somebody has seen the page answer in this format.
        verification: When and how that was; empty where the file does not say.
        facets: The regions by which a subscription can be narrowed: the page's incidents say which they are about.
        detached: Ids of components that stand for no surface, whatever their names (bot.rules.changes.component_pins).
    """

    id: str
    name: str
    surfaces: tuple[Surface, ...]
    source: Source
    aliases: tuple[str, ...] = ()
    page_ids: tuple[str, ...] = ()
    profile: str = "default"
    enabled: bool = True
    ignore: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    resellers: tuple[str, ...] = ()
    vendor: str = ""
    verified: bool = True
    verification: str = ""
    detached: tuple[str, ...] = ()
    facets: tuple[str, ...] = ()

    @property
    def external_surface_ids(self) -> frozenset[str]:
        """The ids of other providers' surfaces that this provider's surfaces depend on or fail over to."""
        referenced = {name for surface in self.surfaces for name in (*surface.needs, *surface.instead)}
        return frozenset(referenced - {surface.id for surface in self.surfaces})

    def surface(self, surface_id: str) -> Surface:
        """The surface with this id; KeyError where the provider has none."""
        for surface in self.surfaces:
            if surface.id == surface_id:
                return surface
        raise KeyError(surface_id)

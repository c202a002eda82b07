"""Who runs it, the ways to reach it, and where its status is read."""

from __future__ import annotations

from dataclasses import dataclass

from bot.model.evidence import Probe


@dataclass(frozen=True, slots=True)
class Surface:
    """A way to reach a provider, as its users see it. It need not be a component of any page.

    ``components`` are ids and names (old names too) of page components that stand for it. ``words`` are what people and
    vendors call it in prose; ``cased`` are names that are common words too, and count only where they are written as
    names; ``hints`` point to it only where no surface is named; ``models`` are the families it serves. ``parts`` are
    components of single features: their trouble touches the surface and does not bring it down. ``needs`` are
    surfaces it cannot work without; ``instead`` are surfaces to use meanwhile, another fault domain first.
    ``is_login``: people pass through it to the others. ``slo`` is the availability it should have, in percent.
    ``probe`` is how it is tried, where it is.
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
    people: str = ""  # what people can do meanwhile
    programs: str = ""  # what programs should do meanwhile
    probe: Probe | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where evidence about a provider comes from. ``url`` is the page's root, without a trailing slash.

    ``home`` is the page for people, where it lies elsewhere; ``path`` is where the data lies below ``url``, where that
    is not the format's usual place. ``page`` is the page's id, slug, subdomain or instance where the address does not
    say it. Of what a big vendor lists, ``regions`` and ``products`` (ids or names) count; empty is everything.
    ``min_minutes``: how old what a monitor posts by itself must be to count; None is the format's own.
    ``public``: somebody typed the address, so it is only ever read on the public web, wherever its name leads by then.
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


@dataclass(frozen=True, slots=True)
class Provider:
    """Who runs it: one TOML file of the catalogue. ``vendor`` is the company's name, where it is another.

    ``ignore`` are phrases that name no surface though a part of them would; ``regions`` are places its vendor names.
    ``verified``: somebody has seen the page answer in this form.
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
    vendor: str = ""
    verified: bool = True

    def surface(self, surface_id: str) -> Surface:
        """The surface with this id; KeyError where the provider has none."""
        for surface in self.surfaces:
            if surface.id == surface_id:
                return surface
        raise KeyError(surface_id)

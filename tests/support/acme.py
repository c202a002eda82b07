"""Acme: a provider of our own for tests, its configuration, its state after a poll, and a clock that is set by hand."""

from datetime import UTC, datetime, timedelta

from bot.adapters.litestream import find_litestream
from bot.domain import PollResult, Provider, ProviderState, Source, Surface, VerdictParameters
from bot.errors import StoreError
from bot.formats import statuspage
from bot.rules import transition
from tests.support.provider_toml import provider_toml, surface_toml

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ACME = Provider(
    id="acme",
    name="Acme",
    surfaces=(
        Surface(id="acme-api", provider="acme", name="Acme API", components=("c-api",), words=("API",), short="API"),
        Surface(
            id="acme-web",
            provider="acme",
            name="acme.example",
            components=("c-web",),
            words=("website",),
            short="acme.example",
        ),
    ),
    source=Source(id="acme", provider="acme", kind="statuspage", url="https://status.acme.example"),
)


FILE = provider_toml(
    "acme",
    "Acme",
    ACME.source.url,
    [
        surface_toml("acme-api", "Acme API", "c-api", "API"),
        surface_toml("acme-web", "acme.example", "c-web", "website"),
    ],
)


def catalogue(folder, url=ACME.source.url):
    """The folder, as a config folder whose only provider is Acme, with its page at this address."""
    (folder / "providers").mkdir(parents=True)
    (folder / "providers" / "acme.toml").write_text(FILE.replace(ACME.source.url, url))
    return folder


class Clock:
    """Stands still until it is moved."""

    def __init__(self, at=NOON):
        self.at = at

    def __call__(self):
        return self.at

    def move(self, **span):
        self.at += timedelta(**span)


def poll_page(world, body, at, **endings):
    """The transition of a poll of this page; None is a page that can't be read."""
    saw = statuspage.parse(body) if isinstance(body, bytes) else body
    rules = transition.TransitionContext(ACME, VerdictParameters(), {})
    return transition.apply_poll(
        world or ProviderState("acme"), PollResult(at, saw, endings, "status.acme.example"), rules
    )


def has_litestream():
    """Whether the tests of the replica can run."""
    try:
        return bool(find_litestream())
    except StoreError:
        return False

"""A scenario with two made-up providers, whose pages say what a test wants, minute by minute, into a real database."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.domain import (
    Component,
    ComponentTransition,
    Condition,
    Impact,
    Incident,
    Observation,
    PollFailure,
    PollResult,
    Provider,
    ProviderState,
    Snapshot,
    Source,
    Stage,
    Surface,
    Update,
    VerdictParameters,
)
from bot.queries.current import StatusQueries
from bot.rules import transition
from bot.storage import Repository
from tests.support.stores import with_tables

START = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
RED = Condition.PARTIAL_OUTAGE
GREEN = Condition.OPERATIONAL

ACME = Provider(
    id="acme",
    name="Acme",
    surfaces=(
        Surface(
            "acme-api",
            "acme",
            "Acme API",
            components=("c-api",),
            words=("api",),
            instead=("globex-api",),
            fault_domain="acme",
            people="Don't press again and again.",
            programs="Queue the work.",
        ),
        Surface("acme-web", "acme", "Acme on the web", components=("c-web",), words=("website",), fault_domain="acme"),
    ),
    source=Source("acme", "acme", "statuspage", "https://status.acme.example"),
)
GLOBEX = Provider(
    id="globex",
    name="Globex",
    surfaces=(Surface("globex-api", "globex", "Globex API", components=("c-globex",), fault_domain="globex"),),
    source=Source("globex", "globex", "statuspage", "https://status.globex.example"),
)


def incident(*posts, name="Errors on the API", identity="i-1", start=START, url="https://status.acme.example/i-1"):
    """Posts are (minute after the start, stage, body) or with the API's condition as a fourth."""
    updates, last = [], GREEN
    for number, (minute, stage, body, *rest) in enumerate(posts):
        moves = None
        if rest:
            moves = (ComponentTransition("c-api", "API", last, rest[0]),)
            last = rest[0]
        updates.append(Update(f"{identity}-{number}", Stage(stage), body, start + timedelta(minutes=minute), moves))
    return Incident(
        identity,
        name,
        updates[-1].stage,
        Impact.MAJOR,
        updates[0].display_at,
        tuple(updates),
        url=url,
    )


@dataclass
class Scenario:
    """``minute`` is what the clock shows, in minutes after the start."""

    path: Path
    start: datetime = START
    minute: float = 0
    shown: list[Incident] = field(default_factory=list)
    conditions: dict[str, Condition] = field(default_factory=dict)
    acme: Provider = ACME

    def __post_init__(self):
        self.repository = Repository.open(with_tables(self.path))

    def now(self):
        return self.start + timedelta(minutes=self.minute)

    def queries(self):
        return StatusQueries((self.acme, GLOBEX), self.repository, self.now, lambda _: VerdictParameters())

    def show(self, *posts, **more):
        """The page shows this incident and no other."""
        self.shown = [incident(*posts, start=self.start, **more)]

    def poll_page(self, until=None):
        """Looks at both pages now, or every minute until then."""
        while True:
            for provider in (self.acme, GLOBEX):
                self._look(provider, self._snapshot(provider))
            if until is None or self.minute >= until:
                return
            self.minute += 1

    def stare(self, why="the page answered 500"):
        """A poll of Acme's page that sees nothing."""
        self._look(self.acme, PollFailure(why, "http_500"))

    def _snapshot(self, provider):
        parts = [c for s in provider.surfaces for c in s.components]
        shown = tuple(self.shown) if provider is self.acme else ()
        components = tuple(Component(c, c, self.conditions.get(c, GREEN)) for c in parts)
        return Snapshot(provider.id, provider.name, components, tuple(i for i in shown if not i.stage.is_closed), ())

    def _look(self, provider, saw):
        world = self.repository.provider_state(provider.id) or ProviderState(provider.id)
        left = {i.id: i for i in self.shown if i.stage.is_closed} if provider is self.acme else {}
        elsewhere = {
            v.surface: v
            for p in (self.acme, GLOBEX)
            for v in (self.repository.provider_state(p.id) or ProviderState(p.id)).verdicts
        }
        rules = transition.TransitionContext(provider, VerdictParameters(), elsewhere)
        change = transition.apply_poll(world, PollResult(self.now(), saw, left), rules)
        outcome = saw.code if isinstance(saw, PollFailure) else "same"
        self.repository.record_transition(Observation(provider.id, self.now(), outcome), change, ())

    # --- stories ------------------------------------------------------------------------------------------------------

    def breaks(self):
        """11:10: the API goes down, after ten minutes without a word."""
        self.poll_page(until=10)
        self.show((10, "investigating", "We see errors.", RED))
        self.conditions = {"c-api": RED}
        self.poll_page(until=15)
        return self

    def recovers(self):
        """11:31: a fix is in place and the API is green again; by 11:45 that is 14 clean minutes."""
        self.breaks().poll_page(until=30)
        posts = [(10, "investigating", "We see errors.", RED), (31, "monitoring", "A fix is in place.", GREEN)]
        self.show(*posts)
        self.conditions = {}
        self.minute = 31
        self.poll_page(until=45)
        return self

    def plans_maintenance(self):
        """The API's database will be upgraded in two days."""
        planned = incident((1, "scheduled", "We will upgrade."), name="Database upgrade", start=self.start)
        start = self.start + timedelta(days=2)
        self.shown = [
            replace(planned, is_maintenance=True, scheduled_for=start, scheduled_until=start + timedelta(hours=3))
        ]
        self.poll_page(until=2)
        return self

    def is_over(self):
        """11:46: resolved."""
        self.recovers()
        self.show(
            (10, "investigating", "We see errors.", RED),
            (31, "monitoring", "A fix is in place.", GREEN),
            (46, "resolved", "This is over."),
        )
        self.minute = 46
        self.poll_page(until=47)
        return self

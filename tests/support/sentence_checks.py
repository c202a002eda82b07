"""Checks that reason sentences claim nothing that the page did not show: by what the page and its incidents hold."""

import re
from datetime import timedelta

from bot.domain import AttributionKind, Condition
from bot.rules.attribution.components import find_component_link
from bot.rules.verdict import reasons

MINUTE = timedelta(minutes=1)
_POSTED = re.compile(r"(investigating|identified|monitoring) \(?since (\d\d:\d\d) UTC")
_CLEAN = re.compile(r"no errors on [^.]*'s page since (\d\d:\d\d) UTC")


class SentenceChecker:
    """Checks the sentences of one provider's states in order of time; remembers when each surface was last bad."""

    def __init__(self, provider):
        self.provider = provider
        self.last_bad = {}

    def false_claims(self, state, at):
        """The sentences that claim what is not so, each with the claim."""
        bad = {c.id for c in state.components if c.condition.is_bad}
        for surface in self.provider.surfaces:
            if bad & set(surface.components):
                self.last_bad[surface.id] = at
        return [
            (claim, verdict.reason)
            for verdict in state.verdicts
            for claim, holds in self._claims(verdict, state, bad, at)
            if not holds
        ]

    def _claims(self, verdict, state, bad, at):
        yield "short", len(verdict.reason) <= reasons.MAX_REASON
        surface = self.provider.surface(verdict.surface)
        incidents = [t.incident for t in state.incidents if t.is_open]
        reason = verdict.reason
        listed = [i for i in incidents if surface.id in self._listed(i)]
        if "lists it, operational" in reason:
            yield "listed", bool(listed)
        if "text only" in reason:
            is_listed_by_all = {i.id for i in listed} >= set(verdict.incidents)
            yield "text only", not is_listed_by_all and not bad & set(surface.components)
        if "does not say which services" in reason:
            yield "nothing said", any(surface.id not in self._listed(i) for i in incidents)
        if "which is affected" in reason:
            yield "needed", any(h.surface in surface.needs and h.weight is AttributionKind.DOWN for h in state.hits)
        for stage, clock in _POSTED.findall(reason):
            yield (
                "posted then",
                any(f"{u.display_at:%H:%M}" == clock and u.stage == stage for i in incidents for u in i.updates),
            )
        for clock in _CLEAN.findall(reason):
            since = at.replace(hour=int(clock[:2]), minute=int(clock[3:]), second=0, microsecond=0)
            since -= timedelta(days=since > at)
            yield "clean", self.last_bad.get(surface.id, since) <= since + MINUTE

    def _listed(self, incident):
        named = [(c.id, c.name) for c in incident.components]
        named += [
            (t.component_id, t.name)
            for u in incident.updates
            for t in u.transitions or ()
            if t.new is not Condition.UNKNOWN
        ]
        links = (find_component_link(*n, self.provider) for n in named)
        return {link.surface for link in links if link}

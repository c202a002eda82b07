"""A random vendor: incidents that open, widen, are edited, withdrawn and resolved, and the page that shows them.

Components are bad exactly while an incident says so. Every text is another one, so that a post can be traced to it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from tests.support import pages

BAD = ("degraded_performance", "partial_outage", "major_outage")
STAGES = ("investigating", "identified", "monitoring")
PART = {"c-api": "API", "c-web": "Website"}


@dataclass
class Story:
    """One incident. ``lingers``: it stays on the summary for some hours after its end."""

    number: int
    updates: list[dict[str, Any]]
    marks: dict[str, str]
    lingers: bool
    closed_at: datetime | None = None
    is_withdrawn: bool = False

    @property
    def id(self) -> str:
        return f"inc{self.number}"

    def shown(self) -> dict[str, Any]:
        return pages.incident(*self.updates, number=self.number, name=f"Trouble {self.number}")


@dataclass
class RandomVendor:
    """``step`` lets minutes pass; ``answer`` is what the page says at a path, None is a 404."""

    draw: Random
    stories: list[Story] = field(default_factory=list)
    texts: int = 0

    def step(self, at: datetime, minutes: float) -> None:
        if len(self.open) < 2 and self._happens(minutes, 300):
            self._opens(at)
        for story in self.open:
            if self._happens(minutes, 25):
                self._says(story, at)
            elif self._happens(minutes, 120):
                self._edits(story)
            elif self._happens(minutes, 90):
                self._ends(story, at)
            elif self._happens(minutes, 900):
                story.is_withdrawn, story.closed_at = True, at

    def close_all(self, at: datetime) -> None:
        """The day is over, and so is all trouble."""
        for story in self.open:
            self._ends(story, at)

    @property
    def open(self) -> list[Story]:
        return [s for s in self.stories if s.closed_at is None]

    def story(self, ident: str) -> Story | None:
        return next((s for s in self.stories if s.id == ident), None)

    def on_page(self, at: datetime) -> list[Story]:
        return [s for s in self.stories if not s.is_withdrawn and self._is_on_page(s, at)]

    def answer(self, path: str, at: datetime) -> bytes | None:
        if path == pages.SUMMARY:
            return self._summary(at)
        there = [s for s in self.stories if not s.is_withdrawn]
        about = {"page": {"id": "acmepage", "name": "Acme"}}
        if path == "/api/v2/incidents.json":
            return json.dumps({**about, "incidents": [s.shown() for s in reversed(there)]}).encode()
        found = next((s for s in there if path == f"/api/v2/incidents/{s.id}.json"), None)
        return json.dumps({**about, "incident": found.shown()}).encode() if found else None

    def _happens(self, minutes: float, every: float) -> bool:
        return self.draw.random() < minutes / every

    def _is_on_page(self, story: Story, at: datetime) -> bool:
        return story.closed_at is None or (story.lingers and (at - story.closed_at).total_seconds() < 7200)

    def _summary(self, at: datetime) -> bytes:
        worst = {c: max((s.marks.get(c, "") for s in self.open), key=("", *BAD).index, default="") for c in PART}
        green = "operational"
        shown = [s.shown() for s in self.on_page(at)]
        return pages.page(*shown, api=worst["c-api"] or green, web=worst["c-web"] or green)

    def _opens(self, at: datetime) -> None:
        story = Story(len(self.stories) + 1, [], {}, lingers=self.draw.random() < 0.3)
        self.stories.append(story)
        self._says(story, at, component=self.draw.choice([*PART]))

    def _says(self, story: Story, at: datetime, component: str = "") -> None:
        if self.draw.random() < 0.1:
            component = self.draw.choice([*PART])
        moved = []
        if component:
            new = self.draw.choice(BAD)
            old = story.marks.get(component, "operational")
            moved = [{"code": component, "name": PART[component], "old_status": old, "new_status": new}]
            story.marks[component] = new
        stage = self.draw.choice(STAGES[:2] if len(story.updates) < 3 else STAGES)
        self._post(story, stage, at, moved)

    def _ends(self, story: Story, at: datetime) -> None:
        moved = [
            {"code": c, "name": PART[c], "old_status": old, "new_status": "operational"}
            for c, old in story.marks.items()
        ]
        story.closed_at = at
        self._post(story, "resolved", at, moved)

    def _post(self, story: Story, stage: str, at: datetime, moved: list[dict[str, str]]) -> None:
        told = pages.update(self._number(), stage, self._text(), at) | {"affected_components": moved}
        story.updates.append(told)

    def _edits(self, story: Story) -> None:
        self.draw.choice(story.updates)["body"] = self._text()

    def _number(self) -> int:
        """Ids in their order: of two posts of one second, the parser sorts by id."""
        return sum(len(s.updates) for s in self.stories) + 1001

    def _text(self) -> str:
        """Never written before, and in letters: edits that differ in numbers only are a counter after the third."""
        self.texts += 1
        return f"Word {''.join('abcdefghij'[int(digit)] for digit in str(self.texts))} of ours."

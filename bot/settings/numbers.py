"""``verdict.toml``: the numbers of the verdict that presets and profiles change -> VerdictRules."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field

from bot.model import VerdictRules
from bot.settings.strict import Strict


class Numbers(Strict):
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

    def over(self, rules: VerdictRules) -> VerdictRules:
        """The rules with these numbers in place of theirs."""
        told = self.model_dump(exclude_none=True)
        numbers: dict[str, Any] = {
            key.removesuffix("_min"): timedelta(minutes=value) if key.endswith("_min") else value
            for key, value in told.items()
        }
        return replace(rules, **numbers)


class VerdictTable(Strict):
    """The whole file."""

    preset: dict[Literal["cautious", "default", "fast"], Numbers] = Field(default_factory=dict)
    profile: dict[str, Numbers] = Field(default_factory=dict)

    def rules(self, profile: str, preset: str) -> VerdictRules:
        """The built-in numbers, over them the profile's, and over them the preset's."""
        chosen = next((numbers for name, numbers in self.preset.items() if name == preset), Numbers())
        return chosen.over(self.profile.get(profile, Numbers()).over(VerdictRules()))

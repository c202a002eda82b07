"""The schema of ``verdict.toml``: the parameters of the verdict that presets and profiles override."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field

from bot.domain import VerdictParameters
from bot.settings.base import StrictModel


class VerdictNumbers(StrictModel):
    """Verdict parameters that a preset or a profile overrides. Keys that end in ``_min`` are in minutes."""

    name: str | None = None
    clears_components: bool | None = None
    settle_looks: int | None = Field(default=None, ge=1)
    crowd: int | None = Field(default=None, ge=1)
    gentle_low: float | None = Field(default=None, ge=0, le=1)
    gentle_high: float | None = Field(default=None, ge=0, le=1)
    doubt_high: float | None = Field(default=None, ge=0, le=1)
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

    def apply_to(self, rules: VerdictParameters) -> VerdictParameters:
        """The parameters with those of this table in place of theirs."""
        overrides = self.model_dump(exclude_none=True)
        numbers: dict[str, Any] = {
            key.removesuffix("_min"): timedelta(minutes=value) if key.endswith("_min") else value
            for key, value in overrides.items()
        }
        return replace(rules, **numbers)


class VerdictTable(StrictModel):
    """The whole file: presets and profiles by name."""

    preset: dict[Literal["cautious", "default", "fast"], VerdictNumbers] = Field(default_factory=dict)
    profile: dict[str, VerdictNumbers] = Field(default_factory=dict)

    def rules(self, profile: str, preset: str) -> VerdictParameters:
        """The built-in parameters, overridden by the profile's, and these by the preset's."""
        chosen = next((numbers for name, numbers in self.preset.items() if name == preset), VerdictNumbers())
        return chosen.apply_to(self.profile.get(profile, VerdictNumbers()).apply_to(VerdictParameters()))

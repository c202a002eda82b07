"""The base class of all configuration tables."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

HIDDEN_VALUE = "hidden"  # error type of a mistake whose value must not be shown, since it may be a secret


class StrictModel(BaseModel):
    """A TOML table in which an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

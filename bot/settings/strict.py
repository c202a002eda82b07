"""What all tables of our own files have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

HIDDEN = "hidden"  # the type of a mistake whose value is not shown


class Strict(BaseModel):
    """A table in which an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

"""An incident of the vendor's that goes on with the messages of ours on the same trouble. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from bot.model import Known


def takes(taker: Known, ours: Iterable[str], lead: timedelta | None) -> Known:
    """The incident with what it takes over: of several it keeps all, and the longest time by which we knew before."""
    leads = [found for found in (taker.lead, lead) if found is not None]
    return replace(taker, suspicions=tuple(dict.fromkeys((*taker.suspicions, *ours))), lead=max(leads, default=None))

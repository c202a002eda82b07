"""Figures of what was polled live: transitions beat polls, a service begins, and what is open at an edge is counted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.domain import Component, Condition, Impact, Incident, Snapshot, Stage, Update
from bot.domain.reliability import TimeWindow
from bot.domain.snapshot import ComponentTransition
from bot.queries.history import HistoryQueries, lifetime
from tests.support.polls import ACME, RED, at, incident, look, page, update, watched

DOWN, GOOD = Condition.MAJOR_OUTAGE, Condition.OPERATIONAL
API = next(s for s in ACME.surfaces if s.id == "acme-api")

"""The HTTP API: OpenAPI document, every path with its parameters, and the metrics."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from fastapi import FastAPI
from fastapi.routing import APIRoute
from prometheus_client.parser import text_string_to_metric_families
from slack_bolt.async_app import AsyncApp
from starlette.routing import Route

from bot.domain import PollStatistics
from bot.queries.runtime import Runtime
from bot.slack.http_mode import SlackHttpHandler
from bot.web import metrics
from bot.web.app import web_app
from bot.web.evidence_api import EvidenceApi
from bot.web.rate_limit import RateLimiter
from tests.contract.text import sections
from tests.support.readiness import always_ready
from tests.support.scenario import Scenario

_OF_THE_FRAMEWORK = ("HTTPValidationError", "ValidationError")  # their form depends on its version


class EvidenceSink:
    """Takes evidence and keeps none."""

    async def take_evidence(self, provider_id, evidence):
        """Nothing happens."""


class FakePollSchedule:
    """Two of seven checks began late."""

    def poll_statistics(self, _):
        return PollStatistics(60.0, None, 7, 2, 6.5)

    async def add_provider(self, provider):
        raise AssertionError(provider)


@contextmanager
def scenario() -> Iterator[Scenario]:
    """Two providers and an empty database."""
    with tempfile.TemporaryDirectory() as folder:
        made = Scenario(Path(folder) / "b.db")
        with closing(made.repository):
            yield made


@contextmanager
def web() -> Iterator[FastAPI]:
    """The whole app, with the servers for evidence and for Slack."""

    with scenario() as found:
        slack = SlackHttpHandler(AsyncApp(token="xoxb-1", signing_secret="s"), "s", found.now)  # noqa: S106
        writing = EvidenceApi(EvidenceSink(), RateLimiter(lambda: 0.0))
        yield web_app(found.queries(), always_ready, asyncio.Event(), writing=writing, routes=[slack.add_route])


def openapi() -> str:
    """``/openapi.json``, without the version and the framework's own schemas."""
    with web() as app:
        document = app.openapi()
    document["info"]["version"] = "VERSION"
    for name in _OF_THE_FRAMEWORK:
        document["components"]["schemas"].pop(name, None)
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def paths() -> str:
    """A line per method and path, with its parameters."""
    with web() as app:
        routes = [r for r in app.routes if isinstance(r, Route | APIRoute)]
        return sections({"method, path, parameters": [line for r in routes for line in _lines(r)]})


def _lines(route: Route | APIRoute) -> Iterator[str]:
    found = []
    if isinstance(route, APIRoute):
        of = route.dependant
        for where, params in (("path", of.path_params), ("query", of.query_params), ("header", of.header_params)):
            found += [f"{where}:{p.alias}{'' if p.field_info.is_required() else '?'}" for p in params]
    for method in sorted(route.methods or ()):
        yield " ".join([method, route.path, *sorted(found)])


def metric_names() -> str:
    """Name, type and labels of every metric of ours; those of the process and of Python are the library's."""
    with scenario() as found:
        found.poll_page(until=20)
        queries = replace(found.queries(), running=Runtime([], poll_jobs=FakePollSchedule()))
        text = metrics.render_metrics(
            queries, metrics.MetricsState(is_slack_connected=True, backed_up_at=found.now())
        ).decode()
    families = [f for f in text_string_to_metric_families(text) if f.name.startswith("brownout_")]
    lines = [f"{s.name} {f.type} {','.join(s.labels)}".rstrip() for f in families for s in f.samples]
    return sections({"metric, type, labels": lines})

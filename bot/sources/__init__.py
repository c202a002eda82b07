"""Room 1: what a page says. Pure: bytes in, a Snapshot out; one file per format, one line in KINDS for each."""

from __future__ import annotations

from collections.abc import Mapping

from bot.sources import (
    aws,
    betterstack,
    cachet,
    cloudflare,
    feed,
    google,
    heroku,
    incidentio,
    incidentio_native,
    instatus,
    openstatus,
    rootly,
    salesforce,
    slackstatus,
    statusio,
    statuspage,
    statuspal,
    uptimekuma,
)
from bot.sources.kind import Kind

KINDS: Mapping[str, Kind] = {
    "statuspage": statuspage.KIND,
    "incidentio": incidentio.KIND,
    "incidentio-proxy": incidentio_native.PROXY,
    "incidentio-widget": incidentio_native.WIDGET,
    "google": google.KIND,
    "aws": aws.KIND,
    "slack": slackstatus.KIND,
    "instatus": instatus.KIND,
    "betterstack": betterstack.KIND,
    "statusio": statusio.KIND,
    "cachet-v1": cachet.V1,
    "cachet-v3": cachet.V3,
    "heroku": heroku.KIND,
    "salesforce": salesforce.KIND,
    "cloudflare": cloudflare.KIND,
    "statuspal": statuspal.KIND,
    "rootly": rootly.KIND,
    "openstatus": openstatus.KIND,
    "uptimekuma": uptimekuma.KIND,
    "feed": feed.KIND,
}

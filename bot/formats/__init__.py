"""Status-page formats: each module parses the bytes of one format into a ``Snapshot``. No I/O.

``FORMATS`` has one entry per format; its key is the ``kind`` of a provider's ``[source]``.
bot/docs/status-page-formats.md describes the formats.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.formats import (
    apple,
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
    microsoft,
    openstatus,
    rootly,
    salesforce,
    slackstatus,
    statusio,
    statuspage,
    statuspal,
    uptimekuma,
    uptimerobot,
    zendesk,
)
from bot.formats.base import SourceFormat

FORMATS: Mapping[str, SourceFormat] = {
    "statuspage": statuspage.FORMAT,
    "incidentio": incidentio.FORMAT,
    "incidentio-proxy": incidentio_native.PROXY_FORMAT,
    "incidentio-widget": incidentio_native.WIDGET_FORMAT,
    "google": google.FORMAT,
    "aws": aws.FORMAT,
    "slack": slackstatus.FORMAT,
    "instatus": instatus.FORMAT,
    "betterstack": betterstack.FORMAT,
    "statusio": statusio.FORMAT,
    "cachet-v1": cachet.V1,
    "cachet-v3": cachet.V3,
    "heroku": heroku.FORMAT,
    "salesforce": salesforce.FORMAT,
    "cloudflare": cloudflare.FORMAT,
    "statuspal": statuspal.FORMAT,
    "rootly": rootly.FORMAT,
    "openstatus": openstatus.FORMAT,
    "uptimekuma": uptimekuma.FORMAT,
    "uptimerobot": uptimerobot.FORMAT,
    "apple": apple.FORMAT,
    "microsoft": microsoft.FORMAT,
    "zendesk": zendesk.FORMAT,
    "feed": feed.FORMAT,
}

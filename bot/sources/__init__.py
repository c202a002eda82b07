"""Room 1: what a page says. Pure: bytes in, a Snapshot out; one file per format, one line in KINDS for each."""

from __future__ import annotations

from bot.sources import incidentio, statuspage

KINDS = {
    "statuspage": statuspage.KIND,
    "incidentio": incidentio.KIND,
}

"""What a vendor decides -> its Statuspage: the summary, the list of incidents and each one's page, on the stage."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.e2e.driver import PAGE_URL, Driver
from tests.support.provider_toml import provider_toml, surface_toml

PROVIDER = 'aliases = ["acme-cloud"]\n' + provider_toml(
    "acme",
    "Acme",
    PAGE_URL,
    [
        surface_toml("acme-api", "Acme API", "cmp-api", "API"),
        surface_toml("acme-web", "Acme Web", "cmp-web", "website"),
        surface_toml("acme-login", "Acme Login", "cmp-login", "login"),
    ],
)
GLOBEX = provider_toml(
    "globex", "Globex", f"{PAGE_URL}/globex", [surface_toml("globex-api", "Globex API", "cmp-api", "API")]
)


class Vendor:
    """A status page, Acme's if nothing else is said: three components, all green at first. Every method publishes at once."""

    def __init__(self, driver: Driver, folder: str = "", name: str = "Acme") -> None:
        """Shows the green page, in this folder of the web server."""
        self._driver, self._folder, self._name = driver, folder, name
        self._names = {"cmp-api": "API", "cmp-web": "Web", "cmp-login": "Login"}
        self._status = dict.fromkeys(self._names, "operational")
        self._incidents: dict[str, dict[str, Any]] = {}
        self._publish()

    def opens(self, incident: str, name: str, body: str, **components: str) -> None:
        """A new incident; ``components`` as in ``api="major_outage"``."""
        now = _now()
        self._incidents[incident] = {"id": incident, "name": name, "impact": "major", "created_at": now} | {
            "started_at": now,
            "shortlink": f"{PAGE_URL}/i/{incident}",
            "incident_updates": [],
        }
        self.posts(incident, "investigating", body, **components)

    def posts(self, incident: str, status: str, body: str, **components: str) -> None:
        """One more update of an incident."""
        shown = self._incidents[incident]
        shown |= {"status": status, "updated_at": _now()}
        update = {"id": f"{incident}-u{len(shown['incident_updates']) + 1}", "status": status, "body": body}
        update |= {"display_at": _now(), "created_at": _now(), "affected_components": self._move(components)}
        shown["incident_updates"].insert(0, update)  # newest first, as on real pages
        shown["components"] = [self._component(c) for c in self._touched(shown)]
        self._publish()

    def resolves(self, incident: str, body: str, **components: str) -> None:
        """The last update; the incident leaves the summary and stays on its own page."""
        self._incidents[incident]["resolved_at"] = _now()
        self.posts(incident, "resolved", body, **components)

    def withdraws(self, incident: str) -> None:
        """The incident is deleted: its own page is a 404 from now on."""
        del self._incidents[incident]
        self._driver.show(f"{self._folder}/api/v2/incidents/{incident}.json", "<h1>Not found</h1>", status=404)
        self._publish()

    def _move(self, components: dict[str, str]) -> list[dict[str, str]]:
        moves = []
        for short, new in components.items():
            code = f"cmp-{short}"
            name, old = self._names[code], self._status[code]
            moves.append({"code": code, "name": name, "old_status": old, "new_status": new})
            self._status[code] = new
        return moves

    def _touched(self, incident: dict[str, Any]) -> list[str]:
        return sorted(
            {move["code"] for update in incident["incident_updates"] for move in update["affected_components"]}
        )

    def _component(self, code: str) -> dict[str, str]:
        return {"id": code, "name": self._names[code], "status": self._status[code]}

    def _publish(self) -> None:
        page = {"id": f"{self._name.lower()}page", "name": self._name, "url": PAGE_URL, "updated_at": _now()}
        for incident, shown in self._incidents.items():
            self._driver.show(f"{self._folder}/api/v2/incidents/{incident}.json", {"page": page, "incident": shown})
        summary = {"page": page, "status": {"indicator": "none", "description": "All good"}} | {
            "components": [self._component(code) for code in self._names],
            "incidents": [i for i in self._incidents.values() if i["status"] != "resolved"],
            "scheduled_maintenances": [],
        }
        everything = {"page": page, "incidents": list(self._incidents.values())}
        self._driver.show(f"{self._folder}/api/v2/incidents.json", everything)
        self._driver.show(f"{self._folder}/api/v2/summary.json", summary)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")  # noqa: TID251 - the vendor has a clock too

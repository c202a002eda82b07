"""Prometheus, its blackbox exporter and its Alertmanager, as they are set up to alert on a page's body."""

from __future__ import annotations

from pathlib import Path

from tests.bench.fake_services import FakeServices
from tests.bench.peers.cost import EVERY_S, Cost, found, pages, steady
from tests.bench.tls_hosts import free_port


async def prometheus(stage: FakeServices, folder: Path) -> Cost:
    """Three processes; all count. No page is down, so the Alertmanager has nothing to send."""
    names = "prometheus-blackbox-exporter", "prometheus-alertmanager", "prometheus"
    exporter, alerts, server = map(found, names)
    servers = [f"127.0.0.1:{free_port()}" for _ in names]
    listed = "\n".join(f"      - {page}" for page in pages(stage))
    told = SERVER.format(every=EVERY_S, pages=listed, exporter=servers[0], alerts=servers[1])
    files = {"blackbox": EXPORTER, "alerts": ALERTS.format(url=stage.url), "prometheus": told, "rules": RULES}
    for name, text in files.items():
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    of_alerts = [f"--storage.path={folder}/alerts", "--cluster.listen-address="]
    commands = [
        [exporter, f"--config.file={folder}/blackbox.yml"],
        [alerts, f"--config.file={folder}/alerts.yml", *of_alerts],
        [server, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb"],
    ]
    listening = zip(commands, servers, strict=True)
    return await steady(stage, [[*command, f"--web.listen-address={web_server}"] for command, web_server in listening])


EXPORTER = """\
modules:
  page:
    prober: http
    http: {fail_if_body_matches_regexp: ['"status": "(major|partial)_outage"'], preferred_ip_protocol: ip4}
"""
ALERTS = """\
route: {{receiver: hook}}
receivers:
- name: hook
  webhook_configs: [{{url: "{url}/api/hook"}}]
"""
RULES = """\
groups:
- name: pages
  rules:
  - {alert: PageDown, expr: probe_success == 0}
"""
SERVER = """\
global: {{scrape_interval: {every}s, evaluation_interval: {every}s}}
rule_files: [rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["{alerts}"]}}]}}]}}
scrape_configs:
- job_name: pages
  metrics_path: /probe
  params: {{module: [page]}}
  static_configs:
  - targets:
{pages}
  relabel_configs:
  - {{source_labels: [__address__], target_label: __param_target}}
  - {{source_labels: [__address__], target_label: instance}}
  - {{target_label: __address__, replacement: "{exporter}"}}
"""

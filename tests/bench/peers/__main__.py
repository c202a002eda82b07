"""``python -m tests.bench.peers``: other people's watchers of web pages on the same pages, where they are installed.

Each polls of a hundred TLS pages of the stage, once every twenty seconds where it can be told so; what is counted is the CPU
of its processes for a poll, and their memory. It takes eight minutes. A peer is looked for on PATH, and where PEERS says
(folders, separated by colons). They are only run; nothing of theirs is imported, and nothing installs them but you:

    apt-get install prometheus prometheus-blackbox-exporter prometheus-alertmanager
    pip install urlwatch; pip install changedetection.io            # each in a venv of its own
    go install github.com/TwiN/gatus/v5@latest                      # or its binary from elsewhere, called gatus
    npm install uptime-kuma && npm rebuild @louislam/sqlite3        # where npm asks, allow its install script
    cd node_modules/uptime-kuma/db && cp patch-*.sql old_migrations # 2.0.0-dev.0 does not start without them
"""

from __future__ import annotations

import asyncio

from tests.bench.peers.rows import rows
from tests.bench.table import table

if __name__ == "__main__":
    print(table(asyncio.run(rows())))

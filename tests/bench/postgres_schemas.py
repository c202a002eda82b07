"""A schema of its own for a measurement, on a PostgreSQL server that is named, or on one that is made for it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import psycopg

from tests.faults.postgres_servers import cluster


@contextmanager
def new_schema(server: str = "") -> Iterator[str]:
    """The address of an empty schema, which is dropped at the end. Without a server, one is made, with fsync on."""
    if not server:
        with cluster() as made, new_schema(made.url) as url:
            yield url
        return
    schema = f"bench_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        try:
            yield f"{server}?options={quote(f'-csearch_path={schema}')}"
        finally:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")

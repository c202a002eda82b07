"""How the log is written: to standard error, its times in UTC, as everywhere else, and in ISO 8601."""

from __future__ import annotations

import logging
import time


class _Utc(logging.Formatter):
    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"


FORMATTER = _Utc("%(asctime)s %(levelname)s %(name)s %(message)s")


def begin() -> None:
    """Logs from INFO on. What holds secrets back is put before it by ``redact.install``."""
    handler = logging.StreamHandler()
    handler.setFormatter(FORMATTER)
    logging.basicConfig(level=logging.INFO, handlers=[handler])

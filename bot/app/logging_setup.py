"""Configures logging: to standard error, with times in UTC and ISO 8601."""

from __future__ import annotations

import logging
import time


class _UtcFormatter(logging.Formatter):
    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"


FORMATTER = _UtcFormatter("%(asctime)s %(levelname)s %(name)s %(message)s")


def configure_logging() -> None:
    """Logs INFO and above. ``redaction.install_redaction`` then adds the formatter that removes secrets."""
    handler = logging.StreamHandler()
    handler.setFormatter(FORMATTER)
    logging.basicConfig(level=logging.INFO, handlers=[handler])

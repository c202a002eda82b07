"""The log's lines."""

import logging
import time

from bot.app import logging_setup


def test_a_log_line_has_its_time_in_utc_and_says_so(monkeypatch):
    monkeypatch.setenv("TZ", "Pacific/Apia")
    time.tzset()
    record = logging.LogRecord("brownout", logging.INFO, "", 0, "here", None, None)
    record.created, record.msecs = 1772452140.25, 250
    try:
        line = logging_setup.FORMATTER.format(record)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert line == "2026-03-02T11:49:00.250Z INFO brownout here"

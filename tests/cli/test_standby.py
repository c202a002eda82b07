"""What a bot answers while it waits for its turn."""

import json
import socket
import urllib.error
import urllib.request

import pytest

from bot.cli.standby import health_checks
from bot.settings import WebSettings
from bot.storage import DatabaseUrl

WHERE = DatabaseUrl("postgresql://db.example/book")


@pytest.fixture
def web():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return WebSettings(host="127.0.0.1", port=free.getsockname()[1])


def answer(web, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{web.port}{path}") as found:
            return found.status, json.load(found)["status"]
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)["status"]


@pytest.mark.parametrize(("path", "said"), [("/healthz", (200, "ok")), ("/readyz", (503, "standby"))])
def test_it_lives_but_takes_no_requests(web, path, said):
    with health_checks(WHERE, web) as begin:
        begin()
        assert answer(web, path) == said


def test_the_port_is_free_again_when_its_turn_comes(web):
    with health_checks(WHERE, web) as begin:
        begin()
    with socket.socket() as next_server:
        next_server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        next_server.bind(("127.0.0.1", web.port))


def test_a_port_that_is_taken_keeps_nobody_from_waiting(web, caplog):
    with socket.socket() as other:
        other.bind(("127.0.0.1", web.port))
        other.listen()
        with health_checks(WHERE, web) as begin:
            begin()
    assert "no health checks" in caplog.text


def test_a_bot_without_web_server_only_logs_it(web, caplog):
    caplog.set_level("INFO", "brownout")
    with health_checks(WHERE, web.model_copy(update={"enabled": False})) as begin:
        begin()
    assert "standby: another bot runs on postgresql://db.example/book" in caplog.text

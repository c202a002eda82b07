"""What a test says and asks -> the stage, through its Unix socket; and the processes that live in the stage's namespace."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from bot.cli.options import utc_now
from bot.storage import Repository
from tests.e2e import network_namespace

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
SLACK_API_URL = f"http://127.0.0.1:{network_namespace.WEB_API}/api/"
PAGE_URL = f"http://127.0.0.1:{network_namespace.PAGE}"
PATIENCE = 20.0  # seconds for what takes one on a quiet machine


class Namespace:
    """A network of its own: a loopback and nothing else. Holds the stage; others can enter."""

    def __init__(self, work: Path, emulator: str, rights: list[str], mode: str = "socket") -> None:
        """``rights`` are what ``unshare`` needs to be allowed to: nothing as root, a user namespace otherwise.

        ``mode`` is how Slack reaches the bot: ``socket`` or ``http``.
        """
        self._rights = rights
        command = [
            "unshare",
            "--net",
            *rights,
            sys.executable,
            "-m",
            network_namespace.__name__,
            str(work),
            emulator,
            mode,
        ]
        with (work / "stage.log").open("wb") as log:
            self._stage = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        assert self._stage.stdout is not None
        if self._stage.stdout.readline() != b"ready\n":
            self.close()
            raise RuntimeError((work / "stage.log").read_text() + (work / "emulator.log").read_text())

    @staticmethod
    def rights() -> list[str] | None:
        """The flags with which a namespace can be made here; None where it can't be."""
        for flags in ([], ["--user", "--map-root-user"]):
            try:
                subprocess.run(["unshare", "--net", *flags, "true"], check=True, capture_output=True)
            except (OSError, subprocess.CalledProcessError):
                continue
            return flags
        return None

    def enter(self, command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        """Starts a command in here. Its pid, signals and exit code are its own: nsenter becomes the command."""
        user = ["--user", "--preserve-credentials"] if self._rights else []
        return subprocess.Popen(["nsenter", f"--target={self._stage.pid}", *user, "--net", *command], **options)

    def close(self) -> None:
        """Ends the stage, and with it the emulator."""
        self._stage.communicate()


class Driver:
    """People in Slack, the vendor's web server, and bad luck."""

    def __init__(self, work: Path) -> None:
        """``work`` holds the stage's socket."""
        self._socket = str(work / "stage.sock")

    def command(self, text: str, *, channel: str = "C1", user: str = "U1") -> None:
        """Types ``/brownout TEXT``; returns when the bot has acknowledged it."""
        body = {"channel": channel, "user": user, "command": "/brownout", "text": text}
        self._ask("POST", "/_control/command", body)

    def answer(self, text: str, *, channel: str = "C1", user: str = "U1") -> dict[str, Any]:
        """Types ``/brownout TEXT`` and waits for the answer, ephemeral or not; alerts and their threads are none."""
        before = {m["ts"] for m in self.messages(channel)}
        self.command(text, channel=channel, user=user)
        [answer, *_] = self.wait_for(lambda: self._answers(channel, before, user), what=f"an answer to {text!r}")
        return answer

    def _answers(self, channel: str, before: set[str], user: str) -> list[dict[str, Any]]:
        shown = [m for m in self.messages(channel) if m.get("ephemeral_to", user) == user and "thread_ts" not in m]
        new = [m for m in shown if m["ts"] not in before]
        pushed = {c["args"].get("text") for c in self.calls() if c["method"] in ("chat.postMessage", "chat.update")}
        return [m for m in new if m["text"] not in pushed]

    def interact(self, ts: str, action: dict[str, Any], *, channel: str = "C1", user: str = "U1") -> None:
        """Clicks: ``action`` is {"type", "action_id", "block_id", "value"} of an element of that message."""
        body = {"channel": channel, "messageTs": ts, "user": user, "action": action}
        self._ask("POST", "/_control/interact", body)

    def write(self, text: str, *, channel: str = "C1", user: str = "U1", thread_ts: str = "") -> str:
        """Somebody writes a message, in the channel or in a thread; its ts."""
        before = {m["ts"] for m in self.messages(channel)}
        thread = {"thread_ts": thread_ts} if thread_ts else {}
        self._ask("POST", "/_control/message", {"channel": channel, "user": user, "text": text} | thread)
        [new] = self.wait_for(
            lambda: [m["ts"] for m in self.messages(channel) if m["ts"] not in before and m["text"] == text],
            what="the message",
        )
        return str(new)

    def react(self, ts: str, emoji: str, *, channel: str = "C1", user: str = "U1", present: bool = True) -> None:
        """Somebody puts an emoji on a message, or takes it off."""
        body = {"channel": channel, "ts": ts, "user": user, "name": emoji, "present": present}
        self._ask("POST", "/_control/reaction", body)

    def press(self, message: dict[str, Any], action_id: str, choice: str = "", *, user: str = "U1") -> None:
        """Clicks a button of a message once it has it, or chooses from a menu by the words that are shown."""
        [element] = self.wait_for(
            lambda: [
                element
                for now in self.messages(message["channel"])
                if now["ts"] == message["ts"]
                for element in elements(now)
                if element["action_id"] == action_id
            ],
            what=f"a button {action_id!r}",
        )
        action = {key: element[key] for key in ("type", "action_id", "value") if key in element}
        if choice:
            [action["selected_option"]] = [o for o in element["options"] if o["text"]["text"] == choice]
        self.interact(message["ts"], action | {"block_id": "b0"}, channel=message["channel"], user=user)

    def modal(self, words: str = "") -> dict[str, Any]:
        """The modal that is open, once it is there and has these words in it."""
        topmost = self.wait_for(
            lambda: [m for m in self._ask("GET", "/modals")[-1:] if words in json.dumps(m, ensure_ascii=False)],
            what=f"a modal with {words!r}",
        )
        return topmost[0]

    def submit(self, values: dict[str, dict[str, Any]], *, user: str = "U1") -> dict[str, str]:
        """Sends the modal off: block -> {action_id: state}. What was wrong with it, by block."""
        return self._ask("PUT", "/modals", {"user": user, "values": values}) or {}

    def home(self, user: str = "U1") -> dict[str, Any]:
        """What somebody's Home shows; empty before it was drawn."""
        return next(iter((self._ask("GET", "/homes").get(user) or {}).values()), {})

    def open_home(self, user: str = "U1") -> dict[str, Any]:
        """Opens it, and what it shows then."""
        self._ask("POST", "/_control/open-home", {"user": user})
        return self.wait_for(lambda: self.home(user), what=f"the Home of {user}")

    def press_home(self, action_id: str, *, user: str = "U1", choice: str = "", picked: str = "") -> None:
        """Clicks in a Home as it looks now: chooses by the words that are shown, or picks from the catalogue by id."""
        [element, *_] = [e for e in elements(self.home(user)) if e["action_id"] == action_id]
        action = {key: element[key] for key in ("type", "action_id", "value") if key in element}
        if choice:
            [action["selected_option"]] = [o for o in element["options"] if o["text"]["text"] == choice]
        if picked:
            action["selected_option"] = {"text": {"type": "plain_text", "text": picked}, "value": picked}
        self._ask("PUT", "/homes", {"user": user, "action": action | {"block_id": "b0"}})

    def direct(self, user: str) -> str:
        """The channel of somebody's direct messages with the bot, once it has sent one; empty before."""
        calls = [c for c in self.calls("chat.postMessage") if c["args"]["channel"] == user and c["status"] == 200]
        return next((c["answer"]["channel"] for c in calls), "")

    def messages(self, channel: str = "C1") -> list[dict[str, Any]]:
        """What the channel shows, threads and ephemerals included, oldest first.

        The emulator keeps the attachments of the first post; Slack replaces them with those of ``chat.update``.
        """
        edited = {
            call["args"]["ts"]: call["args"].get("attachments", [])
            for call in self.calls("chat.update")
            if call["args"]["channel"] == channel and isinstance(call["answer"], dict) and call["answer"].get("ok")
        }
        found: list[dict[str, Any]] = self._ask("GET", f"/_control/messages/{channel}")["messages"]
        return [m | {"attachments": edited[m["ts"]]} if m["ts"] in edited else m for m in found]

    def replies(self, ts: str, channel: str = "C1") -> list[dict[str, Any]]:
        """The thread below a message."""
        return [m for m in self.messages(channel) if m.get("thread_ts") == ts]

    def alerts(self, channel: str = "C1") -> list[dict[str, Any]]:
        """The messages that the publish transition put into the channel itself, as they look now."""
        posted = {
            call["answer"]["ts"]
            for call in self.calls("chat.postMessage")
            if call["status"] == 200 and "metadata" in call["args"] and "thread_ts" not in call["args"]
            if isinstance(call["answer"], dict) and call["answer"]["ok"]
        }
        return [m for m in self.messages(channel) if m["ts"] in posted]

    def log(self) -> list[dict[str, Any]]:
        """The emulator's record of envelopes, acks and calls."""
        return self._ask("GET", "/_control/log")["log"]

    def connections(self) -> int:
        """How often a bot has come online by Socket Mode."""
        return sum(entry["summary"].startswith("socket connected") for entry in self.log())

    def calls(self, method: str | None = None) -> list[dict[str, Any]]:
        """Calls of the Web API that were finished or are under way, those that went wrong too."""
        return [call for call in self._ask("GET", "/calls") if method in (None, call["method"])]

    def fault(self, kind: str, *, method: str = "chat.postMessage", times: int = 1, **more: Any) -> None:
        """The next calls of a method go wrong; the kinds are in proxy.py. ``times=0`` mends it.

        ``channel`` has it in one channel only, ``in_thread`` in threads only; ``retry_after`` is what a ``slow_down`` asks for, in seconds.
        """
        self._ask("PUT", "/faults", {"method": method, "kind": kind, "times": times} | more)

    def line(self, kind: str) -> None:
        """Something happens to the sockets; the kinds are in proxy.py."""
        self._ask("PUT", "/line", {"kind": kind})

    def event(self, event: dict[str, Any]) -> None:
        """Slack sends the bot this event over its socket."""
        self._ask("PUT", "/event", event)

    def grant(self, *scopes: str) -> None:
        """The app is installed with these scopes beside its own."""
        self._ask("PUT", "/scopes", ["commands", "chat:write", "chat:write.public", *scopes])

    def restart_slack(self, *, after: float = 0) -> None:
        """Slack's end dies and is back so many seconds later: every socket breaks, every message is forgotten."""
        self._ask("PUT", f"/restart?after={after}")

    def show(self, path: str, body: Any, *, status: int = 200) -> None:
        """The page answers this at ``path`` from now on."""
        self._ask("PUT", f"/page{path}?status={status}", body)

    def tell(self, path: str, body: Any, secret: str) -> dict[str, Any]:
        """A program of the team's posts JSON to the bot's own web server, with a token; the server's answer."""
        return self._ask("POST", f"/bot{path}", body, {"Authorization": f"Bearer {secret}"})

    def events(self, path: str) -> list[dict[str, Any]]:
        """What was posted to the page's server below a path, as to an incident tool."""
        return [event["body"] for event in self._ask("GET", "/events") if event["path"] == path]

    def looks(self, path: str = "/api/v2/summary.json") -> int:
        """How often the page was read at ``path``."""
        return sum(looked == path for looked, _ in self._ask("GET", "/looks"))

    def wait_for_looks(self, more: int) -> None:
        """Until the page has been read so many times more: time enough for what must not happen to happen."""
        enough = self.looks() + more
        self.wait_for(lambda: self.looks() >= enough, what=f"{more} more looks at the page")

    def wait_for(self, seen: Callable[[], T], *, what: str, patience: float = PATIENCE) -> T:
        """Asks in small steps until the answer is truthy, and returns it; fails with what there is to see."""
        tick, end = threading.Event(), time.monotonic() + patience
        while not (answer := seen()):
            if time.monotonic() > end:
                raise AssertionError(f"waited {patience:.0f} s for {what}; the channel shows:\n{self._transcript()}")
            tick.wait(0.05)
        return answer

    def _transcript(self) -> str:
        lines = (f"  {m['ts']} {m.get('thread_ts', '-')} {m.get('subtype', '')} {m['text']!r}" for m in self.messages())
        return "\n".join(lines) or "  nothing"

    def _ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        connection = _UnixConnection(self._socket)
        try:
            raw = body if isinstance(body, str | bytes | None) else json.dumps(body)
            connection.request(method, path, raw, headers or {})
            answer = connection.getresponse()
            raw = answer.read()
            assert answer.status == 200, (method, path, answer.status, raw)
            return json.loads(raw) if raw else None
        finally:
            connection.close()


def shown(message: dict[str, Any]) -> str:
    """Everything that a reader sees of a message: its text, blocks and attachments, without escapes of JSON."""
    return json.dumps([message.get(key) for key in ("text", "blocks", "attachments")], ensure_ascii=False)


def elements(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The buttons and menus of a message or of a view."""
    blocks = [*message["blocks"], *(b for a in message.get("attachments", ()) for b in a.get("blocks", ()))]
    beside = [block["accessory"] for block in blocks if "accessory" in block]
    return beside + [e for block in blocks if block["type"] == "actions" for e in block["elements"]]


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("stage", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Bot:
    """The real process: ``python -m bot run``, from its start to its end."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Takes a process that has been started."""
        self._process = process

    def is_alive(self) -> bool:
        """True while it runs; fails when it has ended by itself."""
        assert self._process.poll() is None, f"the bot ended with {self._process.returncode}"
        return True

    def wait(self) -> int:
        """Its exit code, once it has ended by itself."""
        return self._process.wait(PATIENCE)

    def kill(self) -> None:
        """kill -9, and only then returns."""
        self._process.kill()
        self._process.wait()

    def reload(self) -> None:
        """SIGHUP: it reads its configuration again."""
        self._process.send_signal(signal.SIGHUP)

    def terminate(self) -> tuple[int, float]:
        """SIGTERM; returns the exit code and how many seconds it took to go."""
        asked = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(PATIENCE)
        return code, time.monotonic() - asked


@dataclass
class World:
    """A stage with all that is on it. Its bots live one after the other on the same configuration and database."""

    work: Path
    namespace: Namespace
    driver: Driver
    vendor: Any
    bots: list[Bot] = field(default_factory=list)
    rings: set[str] = field(default_factory=set)  # the tokens that may ring somebody in this story
    mode: str = "socket"
    is_debugging: bool = False  # whether the bots run in asyncio's debug mode

    @property
    def db(self) -> Path:
        """The database of all the bots."""
        return self.work / "bot.db"

    def launch(self) -> Bot:
        """A new bot, just started."""
        command = [sys.executable, "-m", "bot", "run", "--config", str(self.work / "config"), "--db", str(self.db)]
        with (self.work / "bot.log").open("ab") as log:
            bot = Bot(self.namespace.enter(command, cwd=ROOT, env=self._environment(), stdout=log, stderr=log))
        self.bots.append(bot)
        return bot

    def start(self) -> Bot:
        """A new bot, once it is connected to Slack and has read the page."""
        lines, looks = self._lines(), self.driver.looks()
        bot = self.launch()
        try:
            self.driver.wait_for(
                lambda: bot.is_alive() and self._lines() > lines and self.driver.looks() > looks,
                what="the bot to come online",
            )
        except AssertionError as error:
            raise AssertionError(f"{error}\nit said:\n{self.said()}") from error
        return bot

    def _environment(self) -> dict[str, str]:
        return _environment(self.mode) | ({"PYTHONASYNCIODEBUG": "1"} if self.is_debugging else {})

    def _lines(self) -> int:
        """How often a bot has come online: by HTTP, once Slack knows it and its server is open."""
        if self.mode == "socket":
            return self.driver.connections()
        return min(self.said().count(words) for words in ("ready for Slack at", "board:"))

    def start_subscribed(self) -> Bot:
        """A new bot whose channel C1 has asked to hear of Acme, and which has seen the page all green."""
        bot = self.start()
        self.driver.answer("subscribe acme")
        self.driver.wait_for_looks(1)
        return bot

    def token(self) -> str:
        """The secret of a new token, with which a program may write evidence."""
        with closing(Repository.open(self.db)) as repository:
            return repository.api_tokens.create("tests", ("outcomes", "probes", "reports"), utc_now()) or ""

    def said(self) -> str:
        """What the bots wrote, over all their lives."""
        log = self.work / "bot.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def end(self) -> None:
        """Kills the bots and clears the stage."""
        for bot in self.bots:
            bot.kill()
        self.namespace.close()


def _environment(mode: str) -> dict[str, str]:
    app = network_namespace.TEAM["app"]
    tokens = {"SLACK_BOT_TOKEN": app["botToken"], "SLACK_API_URL": SLACK_API_URL}
    how = {"socket": ("SLACK_APP_TOKEN", app["appToken"]), "http": ("SLACK_SIGNING_SECRET", app["signingSecret"])}
    tokens |= dict([how[mode]])
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, **tokens, "PYTHONUNBUFFERED": "1"}

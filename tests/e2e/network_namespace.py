"""The world around the bot, alone in its network namespace: the Slack emulator, the way to its Web API, a status page.

Run by the harness as ``unshare --net python -m tests.e2e.network_namespace WORK_DIR EMULATOR MODE``; prints "ready" when all is up
and ends when its standard input does. Inside the namespace:

    127.0.0.1:3000   the emulator: response URLs
    127.0.0.1:3001   its Web API and Socket Mode, through proxy.py: every call is kept, and faults can be injected
    127.0.0.1:3002   the status page, showing what it was told to show
    192.88.99.1:80   the same page, where a bot that only reads the public web can see it
    127.0.0.1:8787   the bot's own web server; in MODE ``http`` the emulator posts there instead of over a socket

Outside, the test drives all of it through the Unix socket WORK_DIR/stage.sock, which namespaces do not separate:

    PUT /page/PATH?status=200   what the page answers at PATH from now on; the body is the answer
    GET /looks                  the page's readers: [[path, status], ...]
    GET /events                 what was posted to the page's server, as to an incident tool: [{"path", "body"}, ...]
    PUT /faults                 {"method", "kind", "times"}: the next calls of a method go wrong (see proxy.py)
    PUT /line                   {"kind"}: what happens to the sockets (see proxy.py)
    PUT /event                  an event that the emulator does not have, for the bot
    PUT /scopes                 the scopes that were granted, a list
    GET /calls                  the Web API calls: [{"method", "args", "status", "answer"}, ...]; null while under way
    PUT /restart?after=S        the emulator dies and is back S seconds later, having forgotten all; sockets break
    GET /modals                 the views that are open, the topmost last
    PUT /modals                 {"user", "values"}: sends the topmost off; the answer is what was wrong with it
    GET /homes                  the Homes that were published, by user and app
    PUT /homes                  {"user", "action"}: a press in somebody's Home
    *   /bot/...                the bot's own web server
    *   /_control/...           the emulator's own control API
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.e2e.proxy import Proxy

EMULATOR, WEB_API, PAGE, DOOR = 3000, 3001, 3002, 8787
PUBLIC = "192.88.99.1"  # a public address that belongs to nobody any more (RFC 7526); in here it is ours
TEAM: dict[str, Any] = {
    "workspace": {"name": "Team", "domain": "team", "teamId": "T1"},
    "app": {
        "appId": "A1",
        "botUserId": "U0BOT",
        "botName": "brownout",
        "botToken": "xoxb-test",
        "appToken": "xapp-test",
        "signingSecret": "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e",
    },
    "users": [{"id": "U1", "name": "ada"}, {"id": "U2", "name": "bob"}],
    "channels": [
        {"id": "C1", "name": "ops", "members": ["U1", "U2", "U0BOT"]},
        {"id": "C2", "name": "random", "members": ["U1", "U0BOT"]},
        *({"id": f"C{n}", "name": f"room-{n}", "members": ["U1", "U0BOT"]} for n in range(3, 21)),
    ],
}


BY_HTTP = {"mode": "events", "requestUrl": f"http://127.0.0.1:{DOOR}/slack/events"}


class StatusPage:
    """Answers with what it was told; 404 elsewhere. No conditional answers: every poll sees the newest bytes."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.looks: list[tuple[str, int]] = []
        self.events: list[dict[str, Any]] = []

    async def take(self, request: web.Request) -> web.Response:
        """An event for an incident tool, which accepts everything."""
        self.events.append({"path": request.path, "body": await request.json()})
        return web.json_response({"status": "success"}, status=202)

    async def tell_events(self, _: web.Request) -> web.Response:
        return web.json_response(self.events)

    async def show(self, request: web.Request) -> web.Response:
        status = int(request.query.get("status", "200"))
        self.answers["/" + request.match_info["path"]] = (status, await request.read())
        return web.Response()

    async def poll_page(self, request: web.Request) -> web.Response:
        status, body = self.answers.get(request.path, (404, b"<h1>Not here</h1>"))
        self.looks.append((request.path, status))
        return web.Response(status=status, body=body, content_type="application/json" if status == 200 else "text/html")

    async def tell(self, _: web.Request) -> web.Response:
        return web.json_response(self.looks)


class ModalUser:
    """What people do in modals: the emulator takes it by the WebSocket of its own web page only."""

    def __init__(self, client: aiohttp.ClientSession) -> None:
        self.client = client

    async def tell(self, _: web.Request) -> web.Response:
        async with self.client.ws_connect(f"http://127.0.0.1:{EMULATOR}/ui") as page:
            shown = await page.receive_json()
        return web.json_response(shown["state"]["modalStack"])

    async def submit(self, request: web.Request) -> web.Response:
        async with self.client.ws_connect(f"http://127.0.0.1:{EMULATOR}/ui") as page:
            await page.send_json({"t": "view_submit"} | await request.json())
            while (heard := await page.receive_json())["t"] not in ("view", "view_errors"):
                pass
        return web.json_response(heard.get("errors"))

    async def homes(self, _: web.Request) -> web.Response:
        async with self.client.ws_connect(f"http://127.0.0.1:{EMULATOR}/ui") as page:
            shown = await page.receive_json()
        return web.json_response(shown["state"]["homeViews"])

    async def press(self, request: web.Request) -> web.Response:
        async with self.client.ws_connect(f"http://127.0.0.1:{EMULATOR}/ui") as page:
            await page.receive_json()
            await page.send_json({"t": "block_action", "channel": "", "messageTs": ""} | await request.json())
            while (await page.receive_json())["t"] != "log":
                pass
        return web.Response()


def raise_loopback() -> None:
    """A new namespace has its loopback down; this is ``ip link set lo up`` without needing iproute2.

    And ``ip address add`` for a second address of it, which is public.
    """
    sioc_set_flags, sioc_set_address, up = 0x8914, 0x8916, 0x1
    address = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(PUBLIC))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, sioc_set_flags, struct.pack("16sh", b"lo", up).ljust(40, b"\0"))
        fcntl.ioctl(any_socket, sioc_set_address, struct.pack("16s16s", b"lo:1", address).ljust(40, b"\0"))


class Emulator:
    """The emulator's process."""

    def __init__(self, binary: str, work: Path, mode: str) -> None:
        app = TEAM["app"] | (BY_HTTP if mode == "http" else {})
        (work / "team.json").write_text(json.dumps(TEAM | {"app": app}))
        self.command = [binary, "--config", str(work / "team.json"), "--port", str(EMULATOR)]
        self.command += ["--base-host", "127.0.0.1", "--files-dir", str(work / "files")]
        self.log = work / "emulator.log"

    async def start(self, client: aiohttp.ClientSession) -> None:
        """Starts it and waits until it answers."""
        with self.log.open("ab") as log:
            quiet = {"stdout": log, "stderr": log, "stdin": subprocess.DEVNULL}
            self.process = await asyncio.create_subprocess_exec(*self.command, **quiet)
        for _ in range(200):
            try:
                async with client.get(f"http://127.0.0.1:{EMULATOR}/_control/state") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.05)
        raise TimeoutError("the emulator did not come up in 10 s; see emulator.log")

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()


async def serve(routes: list[web.RouteDef], site: Any) -> None:
    app = web.Application(client_max_size=2**24)
    app.add_routes(routes)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await site(runner).start()


async def play(work: Path, client: aiohttp.ClientSession, emulator: Emulator) -> None:
    """Everything is up, until standard input ends."""
    page, hands = StatusPage(), ModalUser(client)
    slack = Proxy(client, f"127.0.0.1:{EMULATOR}", f"127.0.0.1:{WEB_API}", f"127.0.0.1:{DOOR}")

    async def restart(request: web.Request) -> web.Response:
        await emulator.kill()
        await asyncio.sleep(float(request.query["after"]))
        await emulator.start(client)
        return web.Response()

    api = [
        web.post("/api/{method}", slack.call),
        web.get("/api/{method}", slack.call),
        web.get("/socket/{connection}", slack.line),
    ]
    control = [
        web.put("/page/{path:.*}", page.show),
        web.get("/looks", page.tell),
        web.get("/events", page.tell_events),
        web.put("/faults", slack.plan),
        web.put("/line", slack.disturb),
        web.put("/event", slack.send_event),
        web.put("/scopes", slack.grant),
        web.get("/calls", slack.tell),
        web.put("/restart", restart),
        web.get("/modals", hands.tell),
        web.put("/modals", hands.submit),
        web.get("/homes", hands.homes),
        web.put("/homes", hands.press),
        web.route("*", "/bot/{rest:.*}", slack.knock),
        web.route("*", "/_control/{rest:.*}", slack.forward),
    ]
    await serve(api, lambda runner: web.TCPSite(runner, "127.0.0.1", WEB_API))
    for host, port in (("127.0.0.1", PAGE), (PUBLIC, 80)):
        answers = [web.get("/{path:.*}", page.poll_page), web.post("/{path:.*}", page.take)]
        await serve(answers, lambda runner, at=(host, port): web.TCPSite(runner, *at))
    await serve(control, lambda runner: web.UnixSite(runner, str(work / "stage.sock")))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)


async def main(work: Path, binary: str, mode: str) -> None:
    emulator = Emulator(binary, work, mode)
    async with aiohttp.ClientSession() as client:
        try:
            await emulator.start(client)
            await play(work, client, emulator)
        finally:
            await emulator.kill()


if __name__ == "__main__":
    raise_loopback()
    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))

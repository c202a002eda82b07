"""The TypeScript client: tsc takes it, and node runs it against a real bot."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
MODULES = Path(os.environ.get("BROWNOUT_NODE_MODULES", ROOT / "node_modules"))
IS_REQUIRED = os.environ.get("BROWNOUT_TYPES_REQUIRED") == "1"  # as in .ci/run: what would be skipped fails
FLAGS = ["--strict", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes", "--noUnusedLocals"]
FLAGS += ["--target", "es2022", "--module", "nodenext", "--moduleResolution", "nodenext", "--lib", "es2022,dom"]
PRELUDE = """
import { gate, GateTimeoutError, ServiceNotFoundError } from "./gate.js";
import { createServer } from "node:http";
const bot = process.env.BOT, token = process.env.TOKEN;
const say = (value) => console.log(JSON.stringify(value));
const answers = (process.env.VENDOR ?? "200").split(",").map(Number);
let sent = 0;
const vendor = createServer((_, response) => {
  response.writeHead(answers[Math.min(sent++, answers.length - 1)], { connection: "close" }).end("hello");
});
await new Promise((done) => vendor.listen(0, "127.0.0.1", done));
const address = `http://127.0.0.1:${vendor.address().port}/`;
const sleeps = [];
const sleep = async (ms) => void sleeps.push(ms);
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The folder with gate.js, made by tsc of what the package has."""
    tsc = MODULES / ".bin" / "tsc"
    if not (shutil.which("node") and tsc.exists()):
        (pytest.fail if IS_REQUIRED else pytest.skip)(f"no node, or no typescript in {MODULES}")
    folder = tmp_path_factory.mktemp("ts")
    (folder / "package.json").write_text('{"type": "module"}')
    shutil.copy(ROOT / "bot" / "clients" / "gate.ts", folder)
    run = subprocess.run([str(tsc), *FLAGS, "gate.ts"], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    assert run.stdout + run.stderr == ""
    return folder


@pytest.fixture
def node(compiled):
    """Runs lines of JavaScript after the prelude, and returns what they say."""

    def run(lines, url, **environment):
        program = compiled / "program.js"
        program.write_text(f"{PRELUDE}{lines}\nvendor.close();", encoding="utf-8")
        done = subprocess.run(  # noqa: S603 - node
            [shutil.which("node"), str(program)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={"BOT": url, **environment},
        )
        assert (done.returncode, done.stderr) == (0, "")
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


@pytest.mark.parametrize(
    ("story", "found"),
    [("well", [True, "retry_normally"]), ("breaks", [False, "fail_over"]), ("recovers", [False, "retry_gently"])],
)
def test_it_asks_a_real_bot(node, live_bot, story, found):
    lines = 'const g = gate("acme-api", { bot, client: "me" }); say([await g.ok(), (await g.ask()).verdict]);'
    assert node(lines, live_bot(story).url) == [found]


def test_it_reads_with_its_token_where_the_bot_is_not_public(node, live_bot):
    bot = live_bot("breaks", public=False)
    lines = 'say((await gate("acme-api", { bot, token }).ask()).verdict);'
    assert node(lines, bot.url, TOKEN=bot.token) == ["fail_over"]


def test_it_waits_and_says_why_not(node, live_bot):
    lines = """
    const g = gate("acme-api", { bot, sleep });
    try { await g.wait({ timeoutMs: 10 }); } catch (e) { say([e instanceof GateTimeoutError, e.message]); }"""
    [[is_timeout, reason]] = node(lines, live_bot("breaks").url)
    assert is_timeout
    assert reason.startswith("Use globex-api instead")


def test_it_names_the_closest_service(node, live_bot):
    lines = """
    try { await gate("acme-ipa", { bot }).ok(); } catch (e) { say([e instanceof ServiceNotFoundError, e.message]); }"""
    [[is_unknown, said]] = node(lines, live_bot().url)
    assert (is_unknown, "acme-api" in said) == (True, True)


@pytest.mark.parametrize(("choice", "may_send"), [("open", True), ("closed", False)])
def test_without_a_bot_the_choice_decides(node, choice, may_send):
    lines = f'say(await gate("acme-api", {{ bot, onUnknown: "{choice}" }}).ok());'
    assert node(lines, "http://127.0.0.1:9") == [may_send]


def test_a_first_try_asks_nobody_and_a_retry_does(node, live_bot):
    lines = """
    const g = gate("acme-api", { bot, sleep });
    let asked = 0; const ask = g.ask.bind(g); g.ask = () => { asked++; return ask(); };
    const response = await g.fetch()(address);
    say([response.status, sent, asked, sleeps.length]);"""
    assert node(lines, live_bot().url, VENDOR="200") == [[200, 1, 0, 0]]
    assert node(lines, live_bot().url, VENDOR="529,200") == [[200, 2, 1, 1]]


def test_a_retry_that_is_held_is_not_sent(node, live_bot):
    lines = 'say([(await gate("acme-api", { bot, sleep }).fetch({ retries: 3 })(address)).status, sent]);'
    assert node(lines, live_bot("breaks").url, VENDOR="529") == [[529, 1]]


def test_outcomes_reach_a_real_bot(node, live_bot):
    bot = live_bot()
    lines = """
    const g = gate("acme-api", { bot, token, sleep, client: "shop" });
    for (let n = 0; n < 3; n++) await g.fetch({ retries: 0 })(address);
    say(await g.outcomes.flush());"""
    assert node(lines, bot.url, TOKEN=bot.token, VENDOR="200,200,529") == [True]
    [seen] = bot.evidence.seen
    assert (seen.ok, dict(seen.errors), seen.client) == (2, {"529": 1}, "shop")


def test_a_wrong_clock_is_corrected_by_the_bots(node, live_bot):
    bot = live_bot()
    lines = """
    const real = Date.now; Date.now = () => real() - 9 * 3600e3;
    const g = gate("acme-api", { bot, token });
    g.outcomes.count("ok");
    say([await g.ok(), await g.outcomes.flush()]);"""
    assert node(lines, bot.url, TOKEN=bot.token) == [[True, True]]
    assert len(bot.evidence.seen) == 1


def test_what_the_bot_serves_is_what_was_compiled(compiled, live_bot):
    served = httpx.get(f"{live_bot().url}/clients/gate.ts").text
    assert served == (compiled / "gate.ts").read_text(encoding="utf-8")

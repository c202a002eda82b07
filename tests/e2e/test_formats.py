"""Every format at once: a page of each on loopback, one real bot that watches them all, and the alerts in Slack.

Prints how long each took, from the page's turning bad to the alert in its channel. A channel is sent about one message
a second, so that the later ones of a channel have waited for the earlier ones.
"""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.formats import FORMATS
from tests.e2e.driver import PAGE_URL, shown
from tests.formats.pages import PAGES, source
from tests.test_engine_formats import CLEAR, OPEN, WORDS, read

BUDGET = 60.0  # seconds for all of them
CHANNELS = ("C1", "C2")


def root(kind):
    return f"{PAGE_URL}/{kind}"


def show(driver, kind, name):
    """Puts a page of ours on the paths of its format."""
    paths = FORMATS[kind].paths_of(replace(source(kind), url=root(kind)))
    for path, body in zip(paths, PAGES[kind, name], strict=True):
        driver.show(f"/{kind}{path.partition('?')[0]}", of_today(kind, name, body))


def of_today(kind, name, body):
    """The page as a bot of today reads it: an older page is no news, and nor is an entry of a feed of weeks ago."""
    if (kind, name) == ("statuspage", "all-clear"):
        return body.replace(b"2026-01-10T12:00", b"2026-01-10T08:00")  # before the trouble
    if kind == "feed":
        return body.replace(b"2026-01-10T10:00:00Z", f"{datetime.now(UTC):%FT%H:%M:%SZ}".encode())  # noqa: TID251 - as the bot
    return body


def provider(kind):
    """A provider file with one surface, which is everything that the page speaks of."""
    found = read(kind, OPEN.get(kind, "open"))
    moved = {m.name for i in found.incidents for u in i.updates for m in u.transitions or ()}
    names = sorted(moved | {c.name for c in found.components or ()})
    lines = [f'id = "{kind}"', f'name = "{kind}"', "[source]", f'kind = "{kind}"', f'url = "{root(kind)}"']
    lines += [f"{name} = {json.dumps(getattr(source(kind), name))}" for name in FORMATS[kind].needs]
    lines += ["[[surface]]", f'id = "{kind}-service"', f'name = "Service of {kind}"']
    lines += [f"components = {json.dumps(names)}", f"words = {json.dumps(WORDS)}"]
    return "\n".join(lines) + "\n"


def titles(kind):
    return {i.name for i in read(kind, OPEN.get(kind, "open")).incidents if not i.stage.is_closed}


@pytest.fixture(scope="module")
def seconds(worlds):
    """Seconds from each format's turning bad to its alert; what never came is left out."""
    with worlds() as world:
        for kind in FORMATS:
            (world.work / "config" / "providers" / f"{kind}.toml").write_text(provider(kind))
            show(world.driver, kind, CLEAR.get(kind, "clear"))
        world.start()
        for number, channel in enumerate(CHANNELS):
            world.driver.answer(f"subscribe {' '.join([*FORMATS][number :: len(CHANNELS)])}", channel=channel)
        world.driver.wait_for_looks(3)
        yield measured(world.driver)


def measured(driver):
    began = {}
    for kind in FORMATS:
        show(driver, kind, OPEN.get(kind, "open"))
        began[kind] = time.monotonic()
    found = {}

    def look():
        told = [(m["text"], shown(m)) for channel in CHANNELS for m in driver.alerts(channel)]
        for kind in began.keys() - found.keys():
            if any(text.startswith(f"{kind} ") and title in whole for text, whole in told for title in titles(kind)):
                found[kind] = time.monotonic() - began[kind]
        return found.keys() == began.keys() or time.monotonic() > min(began.values()) + BUDGET

    driver.wait_for(look, what="the alerts of all formats", patience=BUDGET + 5)
    return found


def test_trouble_on_a_page_of_every_format_is_an_alert_in_the_channel(seconds, capsys):
    rows = [f"{kind:18} {seconds.get(kind, float('nan')):6.1f}  {schema(kind)}" for kind in FORMATS]
    with capsys.disabled():
        print("\n".join(["", f"{'kind':18} {'alert':>6}  schema", *rows]))
    assert [kind for kind in FORMATS if kind not in seconds] == []


def test_all_of_them_together_take_less_than_a_minute(seconds):
    assert max(seconds.values()) < BUDGET


def schema(kind):
    return "from recorded pages" if FORMATS[kind].seen else "second-hand: from descriptions of the format"

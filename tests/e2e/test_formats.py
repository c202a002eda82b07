"""Every format at once: the small story of each on loopback, one real bot that watches them all, Slack, the database.

Prints how long each took, from the page's turning bad to the alert in its channel. A channel is sent about one message
a second, so that the later ones of a channel have waited for the earlier ones.
"""

import json
import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from bot.domain import EventKind
from bot.formats import FORMATS
from bot.storage import Repository
from tests.e2e.driver import PAGE_URL, shown
from tests.formats.pages import source
from tests.formats.stories import CLEAR, ENDED, EXPECTED, OPEN, POSTED, TEXTS, Times, pages

BUDGET = 60.0  # seconds for the alerts of all of them
CHANNELS = ("C1", "C2")
PEOPLE = {"us-east-1": "U2", "eu-west-1": "U3"}  # who follows AWS in which region
ALL_KINDS = pytest.mark.parametrize("kind", FORMATS)
CONFIRMED_LATER = {"incidentio-widget", "zendesk"}  # without components, five minutes have to confirm that it is over
ONE_TEXT = {"uptimerobot", "apple"}
NO_TEXTS = {"instatus"}


@dataclass
class Story:
    """The story of every format as it went: when the vendor did what, and what each was after which time."""

    times: Times = field(default_factory=lambda: Times(*[_now()] * 3))
    alerts: dict[str, float] = field(default_factory=dict)  # seconds to each alert; what never came is left out
    incidents: dict[str, tuple] = field(default_factory=dict)  # of each format: the incidents and their events
    threads: dict[str, str] = field(default_factory=dict)  # what each thread says in the end
    told_by_region: dict[str, int] = field(default_factory=dict)  # of AWS: how many alerts a person in it got


def _now():
    return datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the vendor has a clock too


def show(driver, kind, step, times):
    """Puts the story's pages of this step on the paths of its format."""
    for path, body in pages(kind, step, times, host=urlsplit(PAGE_URL).netloc).items():
        driver.show(f"/{kind}{path.partition('?')[0]}", body)


def provider(kind):
    """A provider file with one surface, the component of the story."""
    lines = [f'id = "{kind}"', f'name = "{kind}"', "[source]", f'kind = "{kind}"', f'url = "{PAGE_URL}/{kind}"']
    options = {name: getattr(source(kind), name) for name in FORMATS[kind].needs}
    options |= {"regions": list(PEOPLE)} if kind == "aws" else {}
    lines += [f"{name} = {json.dumps(value)}" for name, value in options.items()]
    lines += ["[[surface]]", f'id = "{kind}-service"', f'name = "Service of {kind}"', 'components = ["API"]']
    return "\n".join([*lines, 'words = ["calls", "API"]']) + "\n"


@pytest.fixture(scope="module")
def story(worlds):
    """The whole story, told once for all the tests."""
    with worlds() as world:
        for kind in FORMATS:
            (world.work / "config" / "providers" / f"{kind}.toml").write_text(provider(kind))
        told = Story()
        turn(world.driver, CLEAR, told.times)
        world.start()
        for number, channel in enumerate(CHANNELS):
            world.driver.answer(f"subscribe {' '.join([*FORMATS][number :: len(CHANNELS)])}", channel=channel)
        for region, person in PEOPLE.items():
            world.driver.answer(f"subscribe aws in {region} me", user=person)
        world.driver.wait_for_looks(3)
        tell(world, told)
        yield told


def turn(driver, step, times):
    for kind in FORMATS:
        show(driver, kind, step, times)


def tell(world, told):
    """Opens, posts on and ends the incident on every page, and collects what came of it."""
    driver = world.driver
    told.times = Times(*[_now()] * 3)
    turn(driver, OPEN, told.times)
    told.alerts = measured(driver)
    told.times = replace(told.times, posted=_now())
    turn(driver, POSTED, told.times)
    with closing(Repository.open(world.db)) as repository:
        driver.wait_for(
            lambda: all(has_posts(repository, kind, 2) for kind in FORMATS if kind not in ONE_TEXT), what="posts"
        )
        told.times = replace(told.times, ended=_now())
        turn(driver, ENDED, told.times)
        ending = [kind for kind in FORMATS if kind not in CONFIRMED_LATER]
        driver.wait_for(lambda: all(is_over(repository, kind) for kind in ending), what="the ends", patience=BUDGET)
        told.incidents = {kind: recorded(repository, kind) for kind in FORMATS}
    driver.wait_for(lambda: not missing_threads(driver), what="the last posts in all threads", patience=BUDGET)
    told.threads = threads(driver)
    told.told_by_region = {region: len(alerts_to(driver, person)) for region, person in PEOPLE.items()}


def measured(driver):
    """Seconds to the alert of each format."""
    began, found = time.monotonic(), {}

    def poll_page():
        texts = [(m["text"], shown(m)) for channel in CHANNELS for m in driver.alerts(channel)]
        for kind in FORMATS.keys() - found.keys():
            if any(text.startswith(f"{kind} ") and EXPECTED[kind].title in whole for text, whole in texts):
                found[kind] = time.monotonic() - began
        return found.keys() == FORMATS.keys() or time.monotonic() > began + BUDGET

    driver.wait_for(poll_page, what="the alerts of all formats", patience=BUDGET + 5)
    return found


def recorded(repository, kind):
    """The incidents of a format in the database, each with its events."""
    return tuple(
        (repository.tracked_incident(i)[1], repository.events(i)) for i in repository.incident_ids(provider=kind)
    )


def has_posts(repository, kind, count):
    return any(len(tracked.incident.updates) >= count for tracked, _ in recorded(repository, kind))


def is_over(repository, kind):
    return any(tracked.closed_at for tracked, _ in recorded(repository, kind))


def threads(driver):
    """What each format's thread says."""
    found = {}
    for channel in CHANNELS:
        for alert in driver.alerts(channel):
            kind = alert["text"].split(" ")[0]
            said = [shown(reply) for reply in driver.replies(alert["ts"], channel)]
            found[kind] = found.get(kind, "") + "\n".join([shown(alert), *said])
    return found


def alerts_to(driver, person):
    """The alerts that somebody got as direct messages."""
    calls = [c["args"] for c in driver.calls("chat.postMessage") if c["status"] == 200]
    return [c for c in calls if c["channel"] == person and "metadata" in c and "thread_ts" not in c]


def last_text(kind):
    """The last text of the vendor that a reader of the page can have seen."""
    seen = len(EXPECTED[kind].stages)
    return TEXTS[0] if kind in ONE_TEXT else "" if kind in NO_TEXTS else TEXTS[seen - 1]


def missing_threads(driver):
    found = threads(driver)
    return [kind for kind in FORMATS if last_text(kind) not in found.get(kind, "")]


def test_trouble_on_a_page_of_every_format_is_an_alert_in_the_channel(story, capsys):
    rows = [f"{kind:18} {story.alerts.get(kind, float('nan')):6.1f}  {schema(kind)}" for kind in FORMATS]
    with capsys.disabled():
        print("\n".join(["", f"{'kind':18} {'alert':>6}  schema", *rows]))
    assert [kind for kind in FORMATS if kind not in story.alerts] == []


def test_all_of_them_together_take_less_than_a_minute(story):
    assert max(story.alerts.values()) < BUDGET


@ALL_KINDS
def test_one_incident_is_recorded_with_its_title(story, kind):
    assert [tracked.incident.name for tracked, _ in story.incidents[kind]] == [EXPECTED[kind].title]


@ALL_KINDS
def test_its_posts_are_recorded_with_their_stages(story, kind):
    [(tracked, _)] = story.incidents[kind]
    assert [u.stage for u in tracked.incident.updates] == list(EXPECTED[kind].stages)


@ALL_KINDS
def test_its_posts_are_recorded_with_the_vendors_times(story, kind):
    [(tracked, _)] = story.incidents[kind]
    moments = (story.times.opened, story.times.ended) if kind in ONE_TEXT else story.times.all
    assert [u.display_at for u in tracked.incident.updates] == list(moments)[: len(EXPECTED[kind].stages)]


@ALL_KINDS
def test_its_component_is_recorded_as_it_went(story, kind):
    [(_, events)] = story.incidents[kind]
    went = [e.condition for e in events if e.kind is EventKind.SURFACE_CHANGED and e.surface == f"{kind}-service"]
    assert went == [EXPECTED[kind].condition, "operational"][: 1 if kind in CONFIRMED_LATER else 2]


@ALL_KINDS
def test_it_is_over_in_the_database(story, kind):
    [(tracked, _)] = story.incidents[kind]
    assert bool(tracked.closed_at) is (kind not in CONFIRMED_LATER)


@ALL_KINDS
def test_its_thread_has_the_last_words_of_the_vendor(story, kind):
    assert last_text(kind) in story.threads[kind]


def test_an_outage_in_one_region_is_for_those_who_follow_it_and_for_no_one_else(story):
    assert story.told_by_region == {"us-east-1": 1, "eu-west-1": 0}


def schema(kind):
    return "from recorded pages" if FORMATS[kind].seen else "second-hand: from descriptions of the format"

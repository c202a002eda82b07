"""Trackers in a whole bot: the published shapes of some, a spike before the page, and answers that are nonsense."""

from datetime import timedelta

import pytest

from bot.app.trackers import TrackerScheduler, path_mistakes, tracker_keys
from bot.domain import Advice, Subscription, VerdictParameters
from bot.engine import Engine
from bot.errors import SourceError
from bot.settings.tracker_toml import TrackerTable
from tests.support.acme import ACME, NOON
from tests.support.pages import incident, page, update

pytestmark = pytest.mark.anyio
URL = "https://tracker.example/v1"


class Answers:
    """Answers with ``value``, or raises it."""

    def __init__(self, value=None):
        self.value, self.requests = value, []

    async def read(self, url, headers, *, within_s):  # noqa: ARG002
        self.requests.append((url, headers))
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


def table(**more):
    return TrackerTable(
        **({"name": "Downdetector", "surface": "acme-api", "url": URL, "value": "n", "over": 100} | more)
    )


@pytest.fixture
def start(web, chat, repository, clock):
    repository.subscribe(Subscription("C1", "acme", created_at=NOON))

    def make(answers, **more):
        engine = Engine({"acme": ACME}, web, repository, chat, clock, lambda _: VerdictParameters())
        environment = {"KEY": "hunter2"}
        return engine, TrackerScheduler(answers, engine, {"dd": table(**more)}, [ACME], environment, clock)

    return make


async def live(engine, trackers, web, clock, body, *, minutes):
    for _ in range(minutes):
        web.show(body)
        await engine.poll("acme")
        await trackers.run("dd")
        await engine.publish()
        clock.move(minutes=1)


async def test_a_spike_before_the_page_is_suspected_named_and_its_lead_is_shown(start, web, chat, clock):
    answers = Answers({"n": 5})
    engine, trackers = start(answers)
    await live(engine, trackers, web, clock, page(), minutes=5)
    answers.value = {"n": 850}
    await live(engine, trackers, web, clock, page(), minutes=6)
    assert engine.states["acme"].verdict("acme-api").call is Advice.RETRY_GENTLY
    assert "Acme API: suspected problem" in chat.texts[0]
    late = update(api="major_outage", at=NOON + timedelta(minutes=11))
    await live(engine, trackers, web, clock, page(incident(late), api="major_outage"), minutes=2)
    assert "Downdetector: 850 reports (limit 100)" in " ".join(str(m.attachments) for m in chat.messages)
    assert [k.lead for k in engine.states["acme"].incidents if k.suspicions] == [timedelta(minutes=3)]


@pytest.mark.parametrize("value", [{"n": "many"}, {"n": None}, {}, [], "text", {"n": 1e300}, {"n": True}])
async def test_nonsense_is_unknown_and_changes_no_advice(start, web, clock, value):
    engine, trackers = start(Answers(value))
    await live(engine, trackers, web, clock, page(), minutes=90)
    state = engine.states["acme"]
    assert state.verdict("acme-api").call is Advice.RETRY_NORMALLY
    assert [t.is_known for e in state.testimonies for t in e.trackers] == [False]


async def test_a_tracker_that_asks_to_wait_is_left_alone(start, web, clock):
    answers = Answers(SourceError("429", code="http_429", retry_after=1800))
    engine, trackers = start(answers)
    await live(engine, trackers, web, clock, page(), minutes=29)
    assert len(answers.requests) == 1


async def test_a_tracker_that_asks_to_wait_for_a_month_is_tried_after_six_hours(start, clock):
    month_s = 2_592_000
    answers = Answers(SourceError("429", code="http_429", retry_after=month_s))
    _, trackers = start(answers)
    await trackers.run("dd")
    clock.move(hours=6, minutes=1)
    await trackers.run("dd")
    assert len(answers.requests) == 2


async def test_the_key_is_sent_in_its_header(start):
    answers = Answers({"n": 1})
    _, trackers = start(answers, key_env="KEY", key_header="DD-API-KEY", key_prefix="")
    await trackers.run("dd")
    assert answers.requests == [(URL, {"DD-API-KEY": "hunter2"})]


async def test_what_is_usual_is_learned_from_quiet_readings(start):
    answers = Answers({"n": 10})
    _, trackers = start(answers, over=None, times_usual=5)
    for _ in range(12):
        await trackers.run("dd")
    answers.value = {"n": 80}
    assert (await trackers.read("dd")).text == "8 times the usual reports"


async def test_a_tracker_that_stays_high_is_not_learned_as_usual(start):
    answers = Answers({"n": 10})
    _, trackers = start(answers, over=None, times_usual=5)
    for _ in range(12):
        await trackers.run("dd")
    answers.value = {"n": 80}
    for _ in range(300):
        await trackers.read("dd")
    assert (await trackers.read("dd")).is_trouble is True


SHAPES = {  # the examples of bot/docs/evidence.md, each with a made-up answer, and what it means
    "statusgator": (
        {
            "value": "data[?display_name=='Claude'] | [0].filtered_status",
            "over": None,
            "trouble": ["down", "warn"],
        },
        {"success": True, "data": [{"id": "m1", "display_name": "Claude", "filtered_status": "down"}]},
        "down",
    ),
    "isdown": (
        {"value": "components[?name=='Claude'] | [0].status", "over": None, "trouble": ["minor", "major", "down"]},
        {
            "page": {"id": "a1b2"},
            "status": {"indicator": "minor"},
            "components": [{"name": "Claude", "status": "minor"}],
        },
        "minor",
    ),
    "downdetector's status": (
        {"value": "status", "over": None, "trouble": ["danger"]},
        {"id": 1, "name": "Claude", "status": "danger"},
        "danger",
    ),
    "downdetector": (
        {"value": "stats_15", "usual": "baseline_15", "over": None, "times_usual": 5},
        {"id": 1, "name": "Claude", "stats_15": 240, "baseline_15": 30},
        "8 times the usual reports",
    ),
    "cloudflare-radar": (
        {"value": "length(result.annotations[?endDate==null])", "over": 0, "what": "open outages"},
        {"success": True, "result": {"annotations": [{"id": "1", "endDate": None}]}},
        "1 open outages (limit 0)",
    ),
    "prometheus": (
        {"value": "data.result[0].value[1]", "over": 0.2, "what": "share of errors"},
        {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1.7e9, "0.41"]}]}},
        "0.41 share of errors (limit 0.20)",
    ),
    "datadog": (
        {"value": "series[0].pointlist[-1][1]", "over": 50, "what": "errors a minute"},
        {"status": "ok", "series": [{"pointlist": [[1.7e12, 3.0], [1.7e12, 71.0]]}]},
        "71 errors a minute (limit 50)",
    ),
}


@pytest.mark.parametrize("name", SHAPES)
async def test_an_answer_as_in_the_manual_is_read(start, name):
    options, answer, says = SHAPES[name]
    _, trackers = start(Answers(answer), **options)
    found = await trackers.read("dd")
    assert (found.is_trouble, found.text) == (True, says)


def test_a_path_that_is_none_is_a_mistake():
    assert list(path_mistakes({"dd": table(value="a[")})) == ["[tracker.dd]: value is no JMESPath: a["]


def test_the_keys_are_kept_out_of_the_log():
    assert tracker_keys([table(key_env="KEY"), table()], {"KEY": "hunter2"}) == ("hunter2",)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"trouble": ["down"]}, "give one of over"),
        ({"over": None}, "give one of over"),
        ({"usual": "u"}, "usual needs times_usual"),
        ({"url": "https://x.example/?api_key=hunter2"}, "no place for a key"),
        ({"headers": {"X-Api-Key": "hunter2"}}, "no place for a key"),
        ({"every_s": 10}, "greater than or equal to 60"),
    ],
)
def test_a_mistake_in_a_table_is_named(more, said):
    with pytest.raises(ValueError, match=said):
        table(**more)

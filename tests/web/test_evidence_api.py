"""The servers by which programs tell the bot what they see: who may, what fits, and what a refusal says."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.web.app import web_app
from bot.web.evidence_api import EvidenceApi
from bot.web.middleware import MAX_BODY, BodyLimitMiddleware
from bot.web.rate_limit import RateLimiter
from tests.support.readiness import always_ready
from tests.support.scenario import Scenario
from tests.support.stores import place

pytestmark = pytest.mark.anyio

REPORT = {"surface": "acme-api", "reporter": "u-1", "words": "it spins"}


class EvidenceRecorder:
    """A witness that only remembers."""

    def __init__(self):
        self.heard = []

    async def take_evidence(self, provider_id, evidence):
        self.heard += [
            (provider_id, one) for one in (*evidence.probes, *evidence.reports, *evidence.outcomes, *evidence.alerts)
        ]


class Bot:
    """A scenario with servers to write by; ``seconds`` is what the pace's clock shows."""

    def __init__(self, path):
        self.scenario = Scenario(path)
        self.ear, self.seconds = EvidenceRecorder(), 0.0
        keys, now = self.scenario.repository.api_tokens, self.scenario.now()
        self.secret = keys.create("shop", ("alerts", "outcomes", "probes", "reports"), now)
        pace = RateLimiter(lambda: self.seconds, burst=3)

        self.app = web_app(self.scenario.queries(), always_ready, asyncio.Event(), writing=EvidenceApi(self.ear, pace))

    async def post(self, kind, body=None, *, secret=None, **how):
        sent = {"json": body} if body is not None else {}
        headers = {"authorization": f"Bearer {secret or self.secret}"} | how.pop("headers", {})
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8787") as client:
            return await client.post(f"/v1/{kind}", headers=headers, **sent, **how)

    def at(self, **ago):
        return (self.scenario.now() - timedelta(**ago)).isoformat()

    def outcomes(self, **more):
        told = {
            "surface": "acme-api",
            "since": self.at(seconds=60),
            "until": self.at(),
            "ok": 90,
            "errors": {"529": 10},
        }
        return told | more

    def result(self, **more):
        return {"surface": "acme-api", "at": self.at(seconds=5), "ok": False, "vantage": "paris", "why": "500"} | more


@pytest.fixture
def bot(tmp_path):
    bot = Bot(tmp_path / "bot.db")
    yield bot
    bot.scenario.repository.close()


def why(answer):
    detail = answer.json()["detail"]
    return detail if isinstance(detail, str) else "; ".join(e["msg"] for e in detail)


# --- what is taken ----------------------------------------------------------------------------------------------------


async def test_a_report_is_heard(bot):
    answer = await bot.post("reports", REPORT)
    [(provider, report)] = bot.ear.heard
    assert (answer.status_code, answer.json()) == (200, {"taken": 1, "left": []})
    assert (provider, report.surface, report.words, report.at) == ("acme", "acme-api", "it spins", bot.scenario.now())


async def test_a_reporter_is_kept_apart_from_others_and_not_named(bot):
    for reporter in ("ann@acme.example", "bob@acme.example", "ann@acme.example"):
        await bot.post("reports", REPORT | {"reporter": reporter})
    ann, bob, again = (report.reporter for _, report in bot.ear.heard)
    assert (ann == again, ann == bob, "ann" in ann) == (True, False, False)


async def test_outcomes_are_heard(bot):
    await bot.post("outcomes", bot.outcomes(p95_ms=4200, client="shop"))
    [(_, counted)] = bot.ear.heard
    assert (counted.ok, counted.errors, counted.total, counted.p95_ms) == (90, {"529": 10}, 100, 4200)


async def test_results_of_probes_are_heard_each_at_its_provider(bot):
    await bot.post("probes", [bot.result(), bot.result(surface="globex-api", ok=True)])
    assert [(p, r.surface, r.ok, r.vantage) for p, r in bot.ear.heard] == [
        ("acme", "acme-api", False, "paris"),
        ("globex", "globex-api", True, "paris"),
    ]


async def test_of_a_list_what_can_be_taken_is_and_the_rest_is_named(bot):
    answer = await bot.post("probes", [bot.result(surface="nobody"), bot.result(), bot.result(at=bot.at(minutes=16))])
    left = [(one["index"], one["why"].split(",")[0]) for one in answer.json()["left"]]
    assert (answer.json()["taken"], left) == (1, [(0, "no such surface here"), (2, "it is older than 15 min")])


async def test_a_list_of_which_nothing_can_be_taken_is_refused(bot):
    answer = await bot.post("probes", [bot.result(surface="nobody")])
    assert (answer.status_code, why(answer)) == (422, "no such surface here")


async def test_a_clock_a_little_ahead_is_told_as_now(bot):
    await bot.post("probes", [bot.result(at=bot.at(seconds=-30))])
    assert bot.ear.heard[0][1].at == bot.scenario.now()


# --- alerts -----------------------------------------------------------------------------------------------------------


def firing(surface="acme-api", **more):
    labels = {"alertname": "CheckoutErrors", "severity": "critical"} | ({"surface": surface} if surface else {})
    return {"status": "firing", "labels": labels, "startsAt": "2026-03-02T11:00:00Z", "fingerprint": "f1"} | more


def webhook(*alerts):
    """As Alertmanager sends it, with keys that we do not use."""
    return {"version": "4", "groupKey": "{}", "status": "firing", "receiver": "brownout", "alerts": [*alerts]}


def event(kind="com.acme.alert.firing", **data):
    return {"specversion": "1.0", "id": "1", "source": "/shop", "type": kind, "subject": "Checkout", "data": data}


async def test_alertmanagers_alerts_are_heard(bot):
    answer = await bot.post("alerts", webhook(firing(endsAt="0001-01-01T00:00:00Z")))
    [(provider, alert)] = bot.ear.heard
    assert (answer.json(), provider, alert.name, alert.writer) == (
        {"taken": 1, "left": []},
        "acme",
        "CheckoutErrors",
        "shop",
    )
    assert (alert.is_firing, alert.is_critical, alert.until - alert.at) == (True, True, timedelta(hours=1))


async def test_an_alert_that_is_resolved_is_heard_as_such(bot):
    await bot.post("alerts", webhook(firing(status="resolved")))
    assert bot.ear.heard[0][1].is_firing is False


@pytest.mark.parametrize("label", ["surface", "brownout_surface", "service"])
async def test_each_of_the_labels_names_the_surface(bot, label):
    await bot.post("alerts", webhook(firing(surface="", labels={label: "acme-web"})))
    assert bot.ear.heard[0][1].surface == "acme-web"


async def test_the_address_names_the_surface_for_alerts_whose_labels_do_not(bot):
    await bot.post("alerts?surface=acme-web", webhook(firing(surface="")))
    assert bot.ear.heard[0][1].surface == "acme-web"


async def test_alerts_of_no_surface_are_left_and_named(bot):
    answer = await bot.post("alerts", webhook(firing("nobody"), firing(), firing("")))
    assert [(one["index"], one["why"].split(",")[0]) for one in answer.json()["left"]] == [
        (0, "no such surface here"),
        (2, "no label surface"),
    ]


async def test_alerts_of_which_none_can_be_taken_are_refused(bot):
    assert (await bot.post("alerts", webhook(firing("nobody")))).status_code == 422


@pytest.mark.parametrize(
    ("kind", "data", "is_firing"),
    [
        ("com.acme.alert.firing", {}, True),
        ("com.acme.alert.resolved", {}, False),
        ("com.acme.alert", {"status": "resolved"}, False),
        ("com.acme.alert.resolved", {"status": "firing"}, True),
    ],
)
async def test_a_cloud_event_is_heard(bot, kind, data, is_firing):
    headers = {"content-type": "application/cloudevents+json"}
    await bot.post("alerts", event(kind, surface="acme-api", **data), headers=headers)
    [(_, alert)] = bot.ear.heard
    assert (alert.surface, alert.name, alert.is_firing) == ("acme-api", "Checkout", is_firing)


async def test_a_batch_of_cloud_events_is_heard_and_ends_what_it_began(bot):
    await bot.post("alerts", [event(surface="acme-api"), event("x.resolved", labels={"surface": "acme-api"})])
    begun, ended = (alert for _, alert in bot.ear.heard)
    assert (begun.ident, begun.is_firing, ended.is_firing) == (ended.ident, True, False)


async def test_alerts_need_a_token_for_alerts(bot):
    secret = bot.scenario.repository.api_tokens.create("other", ("reports",), bot.scenario.now())
    assert (await bot.post("alerts", webhook(firing()), secret=secret)).status_code == 403


@pytest.mark.parametrize(
    "body", [{}, [], {"alerts": []}, {"alerts": [{"status": "odd"}]}, {"specversion": "2.0"}, "x", 1, [[]]]
)
async def test_what_is_no_alert_is_refused(bot, body):
    assert (await bot.post("alerts", body)).status_code == 422


@pytest.mark.parametrize("name", ["<!channel>", "a\nb", "x" * 5000, "\u202ereversed"])
async def test_the_name_of_an_alert_is_one_line_of_bounded_length(bot, name):
    await bot.post("alerts", webhook(firing(labels={"alertname": name, "surface": "acme-api"})))
    heard = bot.ear.heard[0][1].name
    assert (len(heard) <= 100, "\n" in heard, "\u202e" in heard) == (True, False, False)


# --- whose it is ------------------------------------------------------------------------------------------------------


async def test_all_evidence_has_the_name_of_the_token_that_sent_it(bot):
    await bot.post("reports", REPORT)
    await bot.post("outcomes", bot.outcomes())
    await bot.post("probes", [bot.result()])
    assert [one.writer for _, one in bot.ear.heard] == ["shop", "shop", "shop"]


async def test_the_same_reporter_of_two_tokens_is_two_people(bot):
    secret = bot.scenario.repository.api_tokens.create("desk", ("reports",), bot.scenario.now(), people=20)
    await bot.post("reports", REPORT)
    await bot.post("reports", REPORT, secret=secret)
    one, other = (report for _, report in bot.ear.heard)
    assert (one.reporter == other.reporter, one.speaks_for, other.speaks_for) == (False, 1, 20)


async def test_a_token_made_for_a_place_sends_results_of_no_other(bot):
    secret = bot.scenario.repository.api_tokens.create(
        "fra", ("probes",), bot.scenario.now(), vantages=("frankfurt", "mainz")
    )
    sent = [bot.result(vantage="frankfurt"), bot.result(vantage="paris")]
    answer = await bot.post("probes", sent, secret=secret)
    [(_, result)] = bot.ear.heard
    assert (result.vantage, result.writer, result.is_configured) == ("frankfurt", "fra", True)
    assert [one["why"] for one in answer.json()["left"]] == ["the token fra is for frankfurt and mainz, not paris"]


async def test_a_place_that_no_token_was_made_for_is_not_configured(bot):
    await bot.post("probes", [bot.result()])
    assert not bot.ear.heard[0][1].is_configured


# --- who may ----------------------------------------------------------------------------------------------------------


async def test_nobody_writes_without_a_token_and_is_told_how_to_make_one(bot):
    answer = await bot.post("reports", REPORT, headers={"authorization": ""})
    assert (answer.status_code, answer.headers["www-authenticate"], bot.ear.heard) == (401, "Bearer", [])
    assert "`brownout token create NAME --for reports` makes one" in why(answer)


@pytest.mark.parametrize("secret", ["brownout_x", "x" * 5000, "ü", "' OR 1=1"])
async def test_a_token_that_nobody_made_is_refused(bot, secret):
    answer = await bot.post("reports", REPORT, headers={"authorization": f"Bearer {secret}".encode()})
    assert (answer.status_code, why(answer).startswith("this token is not known here")) == (401, True)


async def test_a_token_writes_only_what_it_is_for(bot):
    secret = bot.scenario.repository.api_tokens.create("desk", ("reports",), bot.scenario.now())
    answer = await bot.post("outcomes", bot.outcomes(), secret=secret)
    assert (answer.status_code, bot.ear.heard) == (403, [])
    assert why(answer).startswith("the token desk is for reports, not outcomes")


async def test_a_revoked_token_is_refused_at_once(bot):
    bot.scenario.repository.api_tokens.revoke("shop")
    assert (await bot.post("reports", REPORT)).status_code == 401


async def test_a_token_that_writes_too_fast_waits(bot):
    answers = [await bot.post("reports", REPORT) for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    assert answers[-1].headers["retry-after"] == "1"


async def test_after_the_wait_it_may_again(bot):
    for _ in range(4):
        await bot.post("reports", REPORT)
    bot.seconds += 1
    assert (await bot.post("reports", REPORT)).status_code == 200


async def test_tokens_don_t_wait_for_each_other(bot):
    for _ in range(4):
        await bot.post("reports", REPORT)
    secret = bot.scenario.repository.api_tokens.create("desk", ("reports",), bot.scenario.now())
    assert (await bot.post("reports", REPORT, secret=secret)).status_code == 200


async def test_a_secret_is_in_no_table(bot):
    assert bot.secret not in "".join(bot.scenario.repository._db._connection.iterdump())


async def test_an_export_has_neither_tokens_nor_salt(bot):
    await bot.post("reports", REPORT)
    dumped = "".join(bot.scenario.repository.archive.dump())
    assert ('"tokens"' in dumped, '"salts"' in dumped) == (False, False)


# --- what fits --------------------------------------------------------------------------------------------------------


async def test_a_surface_that_nobody_has_is_refused_with_the_nearest(bot):
    answer = await bot.post("reports", REPORT | {"surface": "acme-apii"})
    assert (answer.status_code, "Closest: acme-api" in why(answer)) == (404, True)


async def test_a_surface_is_named_by_its_id(bot):
    answer = await bot.post("reports", REPORT | {"surface": "Acme API"})
    assert (answer.status_code, why(answer)) == (404, "No service with id “Acme API”. Closest: acme-api.")


@pytest.mark.parametrize(("ago", "says"), [({"minutes": 16}, "older than 15 min"), ({"minutes": -2}, "120 s from now")])
async def test_a_time_that_can_t_be_is_refused_with_the_bot_s_clock(bot, ago, says):
    answer = await bot.post("outcomes", bot.outcomes(since=bot.at(minutes=30), until=bot.at(**ago)))
    assert (answer.status_code, says in why(answer), "2026-03-02T11:00:00Z" in why(answer)) == (422, True, True)


UNFIT = [
    {"ok": -1},
    {"ok": True},
    {"ok": "90"},
    {"ok": 10**10},
    {"errors": {"529": -1}},
    {"errors": {"999": 1}},
    {"errors": {"oops": 1}},
    {"p50_ms": -1},
    {"since": "2026-03-02"},
    {"since": "2026-03-02T11:00:00"},
    {"since": 0},
    {"since": "2026-03-02T11:00:01Z"},
    {"since": "2026-03-02T09:00:00Z"},
    {"colour": "red"},
    {"surface": ""},
    {"surface": None},
    {"client": "x" * 201},
]


@pytest.mark.parametrize("change", UNFIT)
async def test_what_does_not_fit_is_refused(bot, change):
    answer = await bot.post("outcomes", bot.outcomes() | change)
    assert (answer.status_code, bot.ear.heard) == (422, [])


@pytest.mark.parametrize(
    "change", [{"vantage": "here"}, {"vantage": "a b"}, {"ok": 1}, {"status": 99}, {"ours": True}, {"why": "x" * 201}]
)
async def test_a_result_that_does_not_fit_is_refused(bot, change):
    assert (await bot.post("probes", [bot.result() | change])).status_code == 422


async def test_a_list_too_long_is_refused(bot):
    assert (await bot.post("probes", [bot.result()] * 201)).status_code == 422


BODIES = [
    b"",
    b"{",
    b"[" * 60_000,
    b'{"surface": NaN}',
    b'{"surface": ' + b"9" * 5000 + b"}",
    b'{"surface": "\\ud800", "reporter": "x"}',
    b'{"surface": "acme-api", "reporter": "\\ud800"}',
    b'{"surface": "acme-api", "reporter": "x", "words": "\\u0000"}',
    b'{"\\ud800": 1}',
    b"\xff\xfe",
]


@pytest.mark.parametrize("body", BODIES)
async def test_an_odd_body_is_the_sender_s_mistake(bot, body):
    answer = await bot.post("reports", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (200, 400, 422)


async def test_a_refusal_repeats_nothing_of_what_was_sent(bot):
    answer = await bot.post("outcomes", bot.outcomes(client="secret" * 100))
    assert (answer.status_code, "secret" in answer.text) == (422, False)


async def test_a_body_too_large_is_refused(bot):
    assert (await bot.post("reports", content=b" " * (MAX_BODY + 1))).status_code == 413


async def test_a_body_too_large_is_refused_also_where_its_size_is_not_told(bot):
    async def pieces():
        for _ in range(70):
            yield b" " * 1000

    assert (await bot.post("reports", content=pieces())).status_code == 413


async def test_a_body_that_does_not_come_is_not_waited_for():
    async def never():
        await asyncio.sleep(30)

    async def send(message):
        sent.append(message)

    sent = []
    scope = {"type": "http", "method": "POST", "path": "/v1/reports", "headers": []}
    await BodyLimitMiddleware(None, "/v1/", patience_s=0.05)(scope, never, send)
    assert sent[0]["status"] == 408


async def test_a_database_that_can_t_be_written_asks_to_come_again(bot):
    bot.scenario.repository.close()
    answer = await bot.post("reports", REPORT)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
async def test_what_is_sent_as_something_else_is_told_to_be_json(bot, kind):
    body = b'{"surface": "acme-api", "reporter": "u"}'
    answer = await bot.post("reports", content=body, headers={"content-type": kind})
    assert (answer.status_code, bot.ear.heard) == (415, [])
    assert answer.json()["detail"] == f"this takes JSON: send `Content-Type: application/json`, not {kind}"


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_json_makes_it_fail(bot, body):
    bot.seconds += 10
    for kind in ("reports", "outcomes", "probes"):
        try:
            answer = await bot.post(kind, body if body is not None else {})
        except (ValueError, UnicodeEncodeError):  # not even JSON
            return
        assert answer.status_code == 422


# --- what it says of itself -------------------------------------------------------------------------------------------


async def test_the_interfaces_are_described_with_their_refusals_and_their_key(bot):
    paths = bot.app.openapi()["paths"]
    for kind in ("reports", "outcomes", "probes"):
        web_server = paths[f"/v1/{kind}"]["post"]
        assert {"200", "401", "403", "413", "422", "429"} <= web_server["responses"].keys()
        assert web_server["security"] == [{"HTTPBearer": []}]


async def test_the_examples_in_the_description_fit(bot):
    shapes = bot.app.openapi()["components"]["schemas"]
    [report] = shapes["ReportIn"]["examples"]
    assert (await bot.post("reports", report | {"surface": "acme-api"})).status_code == 200


async def test_without_an_engine_there_is_no_interface(tmp_path):
    scenario = Scenario(place(tmp_path / "town.db"))
    assert "/v1/reports" not in web_app(scenario.queries(), dict, asyncio.Event()).openapi()["paths"]
    scenario.repository.close()


# --- by what name it is called ----------------------------------------------------------------------------------------


async def asked(bot, host, path="/healthz", hosts=()):
    app = web_app(bot.scenario.queries(), always_ready, asyncio.Event(), hosts=hosts)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as client:
        return await client.get(path, headers={"host": host})


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8787", "localhost.", "127.0.0.1:8787", "[::1]:8787", "192.168.1.5", "bot.example:80"],
)
async def test_it_answers_to_addresses_and_to_its_names(bot, host):
    assert (await asked(bot, host, hosts=["bot.example"])).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "bot"])
async def test_another_s_name_is_refused_and_the_way_to_allow_it_is_told(bot, host):
    answer = await asked(bot, host)
    assert (answer.status_code, f'[web] hosts = ["{host}"]' in why(answer)) == (421, True)


@pytest.mark.parametrize("host", ["", "a b", "evil.example/x", "x" * 300, "[::1", "a@b", "<script>"])
async def test_a_host_that_is_none_is_refused(bot, host):
    answer = await asked(bot, host)
    assert (answer.status_code, "script" in answer.text) == (400, False)


async def test_a_health_check_that_names_no_host_is_answered(bot):
    async def send(message):
        sent.append(message)

    sent = []
    scope = {"type": "http", "method": "GET", "path": "/healthz", "raw_path": b"/healthz", "query_string": b""}
    await bot.app(scope | {"headers": [], "http_version": "1.0", "root_path": "", "scheme": "http"}, None, send)
    assert sent[0]["status"] == 200


async def test_slack_s_own_interface_goes_by_any_name(bot):
    assert (await asked(bot, "proxy.example", "/slack/events")).status_code == 404


async def test_a_refusal_holds_a_browser_back_too(bot):
    assert (await asked(bot, "evil.example")).headers["x-content-type-options"] == "nosniff"


async def test_a_body_of_bytes_that_are_no_text_is_a_mistake_like_others(bot):
    answer = await bot.post("reports", content=b"\x82", headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["detail"][0]["msg"]) == (422, "the body is no JSON in UTF-8")

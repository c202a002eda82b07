"""Answers about the present: the worst first, in pages, unknown where nothing was read, within Slack's limits."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from hypothesis import HealthCheck, given, settings

from bot.domain import (
    Advice,
    Condition,
    Impact,
    Provider,
    ProviderState,
    Source,
    Stage,
    Surface,
    SurfaceState,
    Verdict,
)
from bot.messages import newer_blocks, service_status
from bot.messages.service_status import view_provider
from tests.support.polls import ACME, API, RED, after, at, incident, page, poll_page, update, watched
from tests.support.samples import hostile
from tests.support.slack_limits import MAX_BLOCKS, assert_sendable

NOW = at(1)
LIMIT = 12_000  # characters of all blocks
BAD = {Condition.MAJOR_OUTAGE, Condition.PARTIAL_OUTAGE, Condition.DEGRADED}


def sendable(message):
    assert_sendable(replace(message, text=message.text[:4000]))
    return unescape(message.text)


def provider(number, services=3):
    surfaces = tuple(
        Surface(f"s{number}-{n}", f"p{number}", f"P{number} part {n}", short=f"part {n}") for n in range(services)
    )
    return Provider(f"p{number}", f"Provider {number}", surfaces, Source("x", "x", "statuspage", "https://x"))


def state(found, condition=Condition.OPERATIONAL, *, seen_at=NOW, blind=False, call=None):
    call = call or (Advice.HOLD_OFF if condition in BAD else Advice.RETRY_NORMALLY)
    states = tuple(SurfaceState(s.id, condition, at(0)) for s in found.surfaces)
    verdicts = tuple(Verdict(s.id, call, NOW, 0.1, "Because.", "x", review_at=at(15)) for s in found.surfaces)
    return ProviderState(found.id, (), (), seen_at, at(0) if blind else None, states=states, verdicts=verdicts)


def board(*conditions, **more):
    providers = [provider(n) for n in range(len(conditions))]
    return [(p, state(p, c, **more)) for p, c in zip(providers, conditions, strict=True)]


def length(message):
    return sum(len(str(b.get("text", {}).get("text", ""))) for b in message.blocks)


def all_pages(states):
    """Every page of a status, each within Slack's limits."""
    pages = [service_status.status_message(states, NOW)]
    while any("status page:" in str(b) and "More" in str(b) for b in pages[-1].blocks):
        pages.append(service_status.status_message(states, NOW, page=len(pages) + 1))
    for shown in pages:
        sendable(shown)
        assert len(shown.blocks) <= MAX_BLOCKS
        assert length(shown) <= LIMIT
    return pages


# --- everything -------------------------------------------------------------------------------------------------------


def test_all_well_is_one_line():
    said = sendable(service_status.status_message(board(*[Condition.OPERATIONAL] * 7), NOW))
    assert said == "All 7 providers operational · checked 12:01 UTC"


def test_nothing_is_called_operational_before_the_first_check():
    states = [(p, ProviderState(p.id)) for p in map(provider, range(3))]
    said = sendable(service_status.status_message(states, NOW))
    assert said == "No data yet. First check of 3 providers is running; usually under 1 min."


@pytest.mark.parametrize("count", [67, 250])
@pytest.mark.parametrize(
    "more",
    [
        {"condition": Condition.MAJOR_OUTAGE},
        {"condition": Condition.DEGRADED},
        {"condition": Condition.UNKNOWN},
        {"blind": True},
        {"seen_at": NOW - timedelta(minutes=6)},
        {"condition": Condition.OPERATIONAL, "call": Advice.RETRY_GENTLY},
    ],
    ids=["all down", "all degraded", "all unknown", "all unreadable", "all stale", "all recovering"],
)
def test_every_provider_is_on_one_of_the_pages(count, more):
    states = [(p, state(p, **more)) for p in map(provider, range(count))]
    said = "\n".join(unescape(m.text) for m in all_pages(states))
    assert all(re.search(rf"Provider {n}\b", said) for n in range(count))
    assert "All " not in said


@pytest.mark.parametrize("count", [67, 250])
def test_many_that_are_well_are_one_line(count):
    [shown] = all_pages(board(*[Condition.OPERATIONAL] * count))
    assert f"All {count} providers operational" in shown.text


@pytest.mark.parametrize("count", [67, 250])
def test_the_worst_is_first_however_many_are_bad(count):
    states = [
        *board(*[Condition.DEGRADED] * (count - 1)),
        (worst := provider(999), state(worst, Condition.MAJOR_OUTAGE)),
    ]
    first = service_status.status_message(states, NOW)
    assert unescape(first.text).startswith("Provider 999 outage: all 3 services")


def test_the_order_is_down_to_recovering():
    conditions = [Condition.OPERATIONAL, Condition.DEGRADED, Condition.MAJOR_OUTAGE, Condition.PARTIAL_OUTAGE]
    said = sendable(service_status.status_message(board(*conditions), NOW))
    order = [line for line in said.splitlines() if line.startswith("Provider")]
    assert [re.findall(r"partial outage|outage|degraded", line)[0] for line in order] == [
        "outage",
        "partial outage",
        "degraded",
    ]
    assert "Operational: Provider 0" in said


def test_the_command_line_gets_it_whole():
    said = service_status.status_message(board(*[Condition.DEGRADED] * 100), NOW, page=None).text
    assert "page" not in said
    assert "Provider 99" in said


@pytest.mark.parametrize(("page", "shown"), [(0, "page 1 of 3"), (2, "page 2 of 3"), (99, "page 3 of 3")])
def test_a_page_that_is_not_there_is_the_nearest(page, shown):
    message = service_status.status_message(board(*[Condition.DEGRADED] * 40), NOW, page=page)
    assert shown in message.text


def test_the_headline_counts_what_is_so():
    states = board(Condition.MAJOR_OUTAGE, Condition.DEGRADED, Condition.OPERATIONAL)
    assert service_status.overall_headline(states, NOW) == "3 down and 3 degraded"
    assert service_status.overall_headline(states[2:], NOW) == "Provider 2: operational"


# --- one provider -----------------------------------------------------------------------------------------------------


def mixed():
    found = provider(1, 6)
    known = state(found)
    conditions = [Condition.PARTIAL_OUTAGE, Condition.PARTIAL_OUTAGE, Condition.DEGRADED, *[Condition.OPERATIONAL] * 3]
    states = tuple(replace(s, condition=c) for s, c in zip(known.states, conditions, strict=True))
    calls = [Advice.HOLD_OFF, Advice.HOLD_OFF, Advice.RETRY_GENTLY, *[Advice.RETRY_NORMALLY] * 3]
    verdicts = tuple(replace(v, call=c) for v, c in zip(known.verdicts, calls, strict=True))
    return view_provider(found, replace(known, states=states, verdicts=verdicts), NOW)


def test_a_provider_shows_each_service_that_is_not_operational():
    said = sendable(service_status.provider_message(mixed()))
    assert "part 0 · partial outage since 12:00 UTC · don't retry" in said
    assert "part 2 · degraded since 12:00 UTC · retry slowly (10% load)" in said
    assert "part 3, part 4, part 5 · operational · Safe to retry" in said


def test_a_provider_ends_with_the_next_update_the_last_check_and_its_page():
    ending = sendable(service_status.provider_message(mixed())).splitlines()[-1]
    assert re.fullmatch(r"Next update by \d\d:\d\d UTC · checked \d\d:\d\d UTC · \S+", ending), ending


def test_the_advice_names_the_services_that_it_is_for():
    view = mixed()
    line = service_status.advice_line(view.affected, NOW)
    assert re.sub(r"\{.*?\}", "T", line) == (
        ":no_entry: Don't retry: part 0, part 1 · next update by T   :large_yellow_circle: part 2: retry slowly (10% load)"
    )


@pytest.mark.parametrize("services", [40, 300])
def test_a_provider_with_many_services_is_counted(services):
    found = provider(1, services)
    message = service_status.provider_message(view_provider(found, state(found, Condition.DEGRADED), NOW))
    said = sendable(message)
    assert f"Provider 1 degraded: all {services} services" in said
    assert ("more services" in said) is (services > 60)


def test_what_was_read_too_long_ago_is_unknown_with_what_was_known():
    found = provider(1)
    said = sendable(service_status.provider_message(view_provider(found, state(found), NOW + timedelta(minutes=6))))
    assert said == ("Provider 1 unknown: last good check 12:01 UTC (6 min ago). Last known: all operational.")


def test_an_incident_that_names_no_service_is_not_called_operational():
    vague = incident(update("u1", body="Hello."), name="News *bold* `code`", impact=Impact.NONE)
    world = watched(poll_page(0, page(vague)))[-1].state
    view = view_provider(ACME, world, at(0))
    assert service_status.provider_headline(view) == "Acme incident: no service named yet"
    assert "“News bold code”" in sendable(service_status.provider_message(view))


def test_a_maintenance_that_is_only_planned_is_no_trouble():
    planned = incident(update("m1", Stage.SCHEDULED, "We move house."), is_maintenance=True)
    world = watched(poll_page(0, page(maintenances=(planned,))))[-1].state
    assert view_provider(ACME, world, at(0)).is_well


def test_a_bot_that_has_just_started_finds_no_trouble_in_that():
    world = after(poll_page(0, page()))[-1].state
    assert view_provider(ACME, world, at(0)).is_well


# --- one service ------------------------------------------------------------------------------------------------------


def answered(view, surface, **more):
    return sendable(service_status.service_message(view, surface, {"other": "The other"}, **more))


def test_retry_says_the_advice_the_reason_and_what_to_do():
    world = watched(poll_page(0, page(incident(update("u1", api=RED)), api=RED)))[-1].state
    said = answered(view_provider(ACME, world, at(0)), API).splitlines()
    assert said[0].startswith("Acme API: don't retry · next update by ")
    assert any(line.startswith("Programs: Back off.") for line in said)


def test_retry_of_a_healthy_service_needs_no_more_words():
    world = watched(poll_page(0, page()))[-1].state
    said = answered(view_provider(ACME, world, at(0)), API)
    assert said.startswith("Acme API: safe to retry\n")
    assert "Programs" not in said


def test_retry_before_the_first_check_is_unknown():
    said = answered(view_provider(ACME, ProviderState("acme"), at(0)), API)
    assert said.startswith("Acme API: unknown\nNo good check yet.")


def test_an_alternative_is_the_advice():
    found = provider(1, 1)
    known = state(found, Condition.MAJOR_OUTAGE, call=Advice.FAIL_OVER)
    known = replace(known, verdicts=tuple(replace(v, instead="other") for v in known.verdicts))
    assert answered(view_provider(found, known, NOW), found.surfaces[0]).startswith("P1 part 0: use The other instead")


def test_its_status_begins_with_its_condition():
    view = mixed()
    said = answered(view, view.provider.surfaces[0], with_status=True)
    assert "\nPartial outage since 12:00 UTC.\n" in said


# --- questions in words -----------------------------------------------------------------------------------------------


def asked(condition, *, up=False, surface=None, **more):
    found = provider(1)
    view = view_provider(found, state(found, condition, **more), NOW)
    return sendable(service_status.in_words_message(view, surface and found.surfaces[0], expects_up=up))


@pytest.mark.parametrize(
    ("condition", "up", "word"),
    [
        (Condition.MAJOR_OUTAGE, False, "Yes."),
        (Condition.MAJOR_OUTAGE, True, "No."),
        (Condition.DEGRADED, False, "Partly."),
        (Condition.OPERATIONAL, False, "No known incident."),
        (Condition.OPERATIONAL, True, "No known incident."),
    ],
)
def test_a_question_is_answered_with_its_word_first(condition, up, word):
    assert asked(condition, up=up).startswith(f"{word} Provider 1")


def test_a_provider_of_which_a_part_is_down_is_partly_down():
    said = sendable(service_status.in_words_message(mixed(), None, expects_up=False))
    assert said.startswith("Partly. Provider 1 part 0, part 1: partial outage since 12:00 UTC, don't retry.")
    assert "part 2: degraded since 12:00 UTC, retry slowly (10% load)." in said
    assert said.endswith("Next update by 12:15 UTC.")


def test_what_recovers_is_up_with_limits():
    assert asked(Condition.OPERATIONAL, up=True, call=Advice.RETRY_GENTLY).startswith("Yes, with limits. Provider 1")


@pytest.mark.parametrize("more", [{"blind": True}, {"seen_at": NOW - timedelta(minutes=6)}])
def test_what_is_not_read_is_unknown(more):
    said = asked(Condition.OPERATIONAL, **more)
    assert said.startswith("Unknown. Provider 1's status page")
    assert "Last known: all operational." in said


def test_one_service_is_answered_for_itself():
    assert asked(Condition.MAJOR_OUTAGE, surface=True).startswith(
        "Yes. P1 part 0: outage since 12:00 UTC, don't retry."
    )


# --- hostile words ----------------------------------------------------------------------------------------------------


@given(hostile, hostile)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_slack_takes_every_answer_about_a_hostile_vendor(name, iid):
    posted = incident(update("u1", api=RED), name=name, iid=iid.strip() or "i")
    world = after(poll_page(0, page(posted, api=RED)))[-1].state
    view = view_provider(ACME, world, at(0))
    sendable(service_status.status_message([(ACME, world)], at(0)))
    sendable(service_status.provider_message(view))
    sendable(service_status.service_message(view, API, {}, with_status=True))
    sendable(service_status.in_words_message(view, None, expects_up=False))


def newer(message):
    return newer_blocks.with_newer_blocks(message.blocks, newer_blocks.NEWER_TYPES)


@pytest.mark.parametrize(("services", "has_table"), [(3, False), (4, True), (60, True)])
def test_many_affected_services_are_a_table_of_three_columns(services, has_table):
    found = provider(1, services)
    message = service_status.provider_message(view_provider(found, state(found, Condition.DEGRADED), NOW))
    tables = [block for block in newer(message) if block["type"] == newer_blocks.TABLE]
    assert bool(tables) is has_table
    for table in tables:
        assert (len(table["rows"]), {len(row) for row in table["rows"]}) == (services + 1, {3})


def test_the_table_says_what_the_lines_say():
    found = provider(1, 4)
    message = service_status.provider_message(view_provider(found, state(found, Condition.DEGRADED), NOW))
    [table] = [block for block in newer(message) if block["type"] == newer_blocks.TABLE]
    name, status, advice = table["rows"][1]
    assert [part.get("text") or part.get("fallback") or part["name"] for part in name["elements"][0]["elements"]] == [
        "warning",
        " part 0",
    ]
    assert [part.get("text") or part["fallback"] for part in status["elements"][0]["elements"]] == [
        "degraded since ",
        "12:00 UTC",
    ]
    assert advice["text"] == "don't retry"
    assert newer(message)[0]["text"]["text"] == ":warning: *Provider 1 degraded: all 4 services*"
    assert newer(message)[-1] == message.blocks[-1]

"""Which surface an incident hits. The golden day is 2 March 2026 with our own words; the real one is read where it is."""

import json
import lzma
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import settings
from bot.domain import (
    AttributionKind,
    Component,
    ComponentTransition,
    Condition,
    EvidenceKind,
    Impact,
    Incident,
    Stage,
    Surface,
    Update,
)
from bot.formats import recordings, statuspage
from bot.rules.attribution import attribute
from bot.rules.attribution.components import find_component_link

CATALOGUE = {p.id: p for p in settings.load().providers}
CLAUDE, OPENAI, GITHUB = CATALOGUE["claude"], CATALOGUE["openai"], CATALOGUE["github"]
WEB, CONSOLE, API, CODE, GOV = "rwppv331jlwc", "0qbwn08sd68x", "k8w3r06qmzrp", "yyzkbfz2thpt", "0scnb50nvy53"
OK, D, P = Condition.OPERATIONAL, Condition.DEGRADED, Condition.PARTIAL_OUTAGE
DAY = datetime(2026, 3, 2, tzinfo=UTC)


def at(clock):
    hour, minute = clock.split(":")
    return DAY + timedelta(hours=int(hour), minutes=int(minute))


def post(clock, stage, body="", moves=None):
    transitions = (
        None if moves is None else tuple(ComponentTransition(c, "", old, new) for c, (old, new) in moves.items())
    )
    return Update(f"u{clock}", Stage(stage), body, at(clock), transitions)


def incident(*updates, name="Trouble", components=(), impact=Impact.MAJOR, **more):
    newest = updates[-1].stage if updates else Stage.INVESTIGATING
    first = updates[0].display_at if updates else DAY
    listed = tuple(Component(c, c, Condition.UNKNOWN) for c in components)
    return Incident("i", name, newest, impact, first, updates, listed, **more)


def said(of, page=None, provider=CLAUDE, now=None):
    hits = attribute.attribute_incident(of, page or {}, provider, now or of.updates[-1].display_at)
    return {h.surface: h for h in hits}


def weights(of, page=None, provider=CLAUDE, now=None):
    return {s: str(h.weight) for s, h in said(of, page, provider, now).items()}


# --- the golden day ---------------------------------------------------------------------------------------------------

SECOND_OF_MARCH = (
    post("11:49", "investigating", "We look into it.", {WEB: (OK, P)}),
    post("12:06", "investigating", "Still at it.", {WEB: (P, P), CONSOLE: (OK, P), API: (OK, P), CODE: (OK, P), GOV: (OK, P)}),
    post(
        "12:21",
        "investigating",
        "The Claude API works as intended after all. What fails is Claude.ai and the login/logout paths.",
        {WEB: (P, P), CONSOLE: (P, P), API: (P, OK), CODE: (P, P), GOV: (P, OK)},
    ),
    post("13:22", "identified", "We know the cause.", {WEB: (P, P), CONSOLE: (P, P), API: (OK, OK), CODE: (P, P), GOV: (OK, OK)}),
    post(
        "13:37",
        "identified",
        "Some API methods turn out not to work.",
        {WEB: (P, P), CONSOLE: (P, P), API: (OK, P), CODE: (P, P), GOV: (OK, OK)},
    ),
    post("15:25", "monitoring", "A fix is in.", {WEB: (D, OK), CONSOLE: (D, OK), API: (D, OK), CODE: (D, OK), GOV: (OK, OK)}),
)  # fmt: skip


GOLDEN = """
11:49 claude-web down partial_outage
11:49 claude-console named? operational
11:49 claude-code named? operational
12:06 claude-web down partial_outage
12:06 claude-console down partial_outage
12:06 claude-api down partial_outage
12:06 claude-code down partial_outage
12:06 claude-gov down partial_outage
12:21 claude-web down partial_outage
12:21 claude-login down? partial_outage
12:21 claude-console down partial_outage
12:21 claude-api cleared operational until 13:21
12:21 claude-code down partial_outage
12:21 claude-gov cleared operational until 13:21
13:22 claude-web down partial_outage
13:22 claude-login down? partial_outage
13:22 claude-console down partial_outage
13:22 claude-api cleared operational until 13:21
13:22 claude-code down partial_outage
13:22 claude-gov cleared operational until 13:21
13:37 claude-web down partial_outage
13:37 claude-login down? partial_outage
13:37 claude-console down partial_outage
13:37 claude-api down partial_outage
13:37 claude-code down partial_outage
13:37 claude-gov cleared operational until 13:21
15:25 claude-web down operational
15:25 claude-login down? operational
15:25 claude-console down operational
15:25 claude-api down operational
15:25 claude-code down operational
15:25 claude-gov down operational
"""


def test_the_second_of_march_comes_out_minute_by_minute():
    page, table = dict.fromkeys((WEB, CONSOLE, API, CODE, GOV), OK), []
    for number, update in enumerate(SECOND_OF_MARCH, 1):
        page |= {t.component_id: t.new for t in update.transitions}
        shown = incident(*SECOND_OF_MARCH[:number], name="Errors on claude.ai, console and claude code")
        for hit in attribute.attribute_incident(shown, page, CLAUDE, update.display_at):
            mark = "?" if hit.inferred else ""
            until = f" until {hit.expires:%H:%M}" if hit.expires else ""
            table.append(f"{update.display_at:%H:%M} {hit.surface} {hit.weight}{mark} {hit.condition}{until}")
    assert "\n".join(table) == GOLDEN.strip()


def test_the_real_second_of_march_names_the_login_and_takes_the_api_out_and_in_again(shared):
    history = recordings.read_history((shared / "claude" / "2026-03-02.json").read_bytes())
    moments = {}
    for poll in recordings.reconstruct_polls(history):
        page = statuspage.parse_body(poll.body)
        hits = attribute.attribute_page(page.incidents, page.components, CLAUDE, poll.at)
        moments[f"{poll.at:%d %H:%M}"] = {h.surface: h for h in hits if h.incident == "0ghc53zpsfmt"}
    weigh = {
        clock: (moments[clock]["claude-api"].weight, moments[clock].get("claude-login"))
        for clock in ("02 12:06", "02 12:21", "02 13:37")
    }
    assert [w for w, _ in weigh.values()] == [AttributionKind.DOWN, AttributionKind.CLEARED, AttributionKind.DOWN]
    login = weigh["02 12:21"][1]
    assert (login.weight, login.inferred, login.condition) == (AttributionKind.DOWN, True, P)


def test_on_the_real_day_only_the_web_is_down_at_first_and_everything_is_green_in_the_end(shared):
    history = recordings.read_history((shared / "claude" / "2026-03-02.json").read_bytes())
    polls = {f"{p.at:%d %H:%M}": statuspage.parse_body(p.body) for p in recordings.reconstruct_polls(history)}

    def down(clock, day="02"):
        page = polls[f"{day} {clock}"]
        hits = attribute.attribute_page(page.incidents, page.components, CLAUDE, at(clock))
        return {
            h.surface
            for h in hits
            if h.incident == "0ghc53zpsfmt" and h.weight is AttributionKind.DOWN and h.condition.is_bad
        }

    assert (down("11:49"), down("15:25")) == ({"claude-web"}, set())


# --- components -------------------------------------------------------------------------------------------------------


def test_a_component_that_an_update_turns_bad_is_down():
    hit = said(incident(post("10:00", "investigating", moves={API: (OK, D)})), {API: D})["claude-api"]
    assert (hit.weight, hit.condition, hit.basis, hit.inferred) == (
        AttributionKind.DOWN,
        D,
        EvidenceKind.TRANSITION,
        False,
    )


def test_a_hit_names_its_grounds():
    hit = said(incident(post("10:00", "investigating", moves={API: (OK, D)})))["claude-api"]
    assert hit.grounds == ("update u10:00", f"component {API}")


def test_operational_all_along_is_only_watched():
    assert weights(incident(post("10:00", "investigating", moves={API: (OK, OK)}))) == {"claude-api": "watch"}


def test_a_bulk_link_to_every_component_brings_none_of_them_down():
    everything = (WEB, CONSOLE, API, CODE, GOV)
    of = incident(post("10:00", "investigating", moves={API: (OK, D)}), components=everything)
    assert {s for s, w in weights(of, dict.fromkeys(everything, OK) | {API: D}).items() if w == "down"} == {
        "claude-api"
    }


def test_a_first_post_without_a_move_is_followed_by_the_component():
    of = incident(post("10:00", "investigating", moves={API: (OK, OK)}), components=(API,))
    assert weights(of, {API: D})["claude-api"] == "down"


def test_another_incidents_old_status_proves_nothing():
    of = incident(post("10:00", "monitoring", moves={API: (D, OK)}))
    assert weights(of, {API: OK}) == {"claude-api": "watch"}


def test_names_frozen_in_an_update_are_mapped_by_id():
    move = ComponentTransition(CONSOLE, "a name of long ago", OK, D)
    of = incident(Update("u", Stage.INVESTIGATING, "", DAY, (move,)))
    assert weights(of) == {"claude-console": "down"}


def test_an_old_name_is_known_where_there_is_no_id():
    move = ComponentTransition("console.anthropic.com", "console.anthropic.com", OK, D)
    of = incident(Update("u", Stage.INVESTIGATING, "", DAY, (move,)))
    assert weights(of) == {"claude-console": "down"}


def test_a_broken_feature_touches_its_surface_and_does_not_bring_it_down():
    move = ComponentTransition("01JMXBNJXGGT5SR5DB9J7GYY48", "Voice mode", OK, Condition.MAJOR_OUTAGE)
    hit = said(incident(Update("u", Stage.INVESTIGATING, "", DAY, (move,))), provider=OPENAI)["chatgpt-web"]
    assert (hit.weight, hit.condition, hit.inferred) == (AttributionKind.NAMED, D, False)


def test_a_component_moved_back_while_the_incident_goes_on_is_cleared_for_an_hour():
    of = incident(
        post("10:00", "investigating", moves={API: (OK, P), WEB: (OK, P)}),
        post("10:20", "investigating", moves={API: (P, OK), WEB: (P, P)}),
    )
    hit = said(of, {API: OK, WEB: P})["claude-api"]
    assert (hit.weight, hit.basis, hit.expires) == (AttributionKind.CLEARED, EvidenceKind.TRANSITION, at("11:20"))


def test_one_of_two_components_back_does_not_clear_their_surface():
    web, cli = "01JVCV8YSWZFRSM1G5CVP253SK", "01KMKFAMWKNQ84Z1766MV08ZDE"
    of = incident(
        post("10:00", "investigating", moves={web: (OK, D), cli: (OK, D)}),
        post("10:20", "investigating", moves={web: (D, OK)}),
    )
    assert weights(of, {web: OK, cli: D}, OPENAI) == {"openai-codex": "down"}


def test_a_colour_that_turned_without_a_word_clears_for_no_time():
    of = incident(post("10:00", "identified", moves={API: (OK, D)}))
    hit = said(of, {API: OK}, now=at("10:30"))["claude-api"]
    assert (hit.weight, hit.basis, hit.expires) == (AttributionKind.CLEARED, EvidenceKind.COMPONENT, at("10:00"))


def test_under_monitoring_a_surface_stays_in_and_is_operational():
    of = incident(
        post("10:00", "investigating", moves={API: (OK, D)}), post("10:30", "monitoring", moves={API: (D, OK)})
    )
    hit = said(of, {API: OK})["claude-api"]
    assert (hit.weight, hit.stage, hit.condition) == (AttributionKind.DOWN, Stage.MONITORING, OK)


# --- words ------------------------------------------------------------------------------------------------------------


def test_what_only_the_words_name_is_named_and_inferred():
    hit = said(incident(post("10:00", "investigating", "The mobile app crashes.")))["claude-mobile"]
    assert (hit.weight, hit.basis, hit.inferred, hit.condition) == (AttributionKind.NAMED, EvidenceKind.TEXT, True, P)


def test_a_login_named_as_broken_is_down_since_no_page_has_a_component_for_it():
    hit = said(incident(post("10:00", "investigating", "The login is failing.")))["claude-login"]
    assert (hit.weight, hit.inferred) == (AttributionKind.DOWN, True)


def test_what_logs_in_through_a_broken_login_is_down_with_it():
    hit = said(incident(post("10:00", "investigating", "Users are unable to log in.")))["claude-code"]
    assert (hit.weight, hit.inferred, hit.grounds) == (AttributionKind.DOWN, True, ("needs claude-login",))


def test_a_broken_login_does_not_touch_the_api():
    assert "claude-api" not in said(incident(post("10:00", "investigating", "Users are unable to log in.")))


def test_what_needs_a_broken_api_is_watched():
    assert weights(incident(post("10:00", "investigating", moves={API: (OK, D)})), {API: D}) == {
        "claude-api": "down",
        "claude-code": "watch",
    }


def test_what_needs_an_api_that_was_cleared_is_watched_no_more():
    of = incident(
        post("10:00", "investigating", moves={API: (OK, D)}),
        post("10:30", "identified", "The API is working as intended."),
    )
    assert weights(of, {API: OK}) == {"claude-api": "cleared"}


def test_what_words_clear_is_not_down_with_the_login_it_logs_in_through():
    of = incident(
        post("10:00", "investigating", "Users are unable to log in. Claude Code is failing."),
        post("10:30", "identified", "Claude Code is not affected."),
    )
    assert weights(of)["claude-code"] == "cleared"


def test_a_component_that_the_page_shows_in_an_unknown_colour_is_as_the_incident_left_it():
    of = incident(post("10:00", "investigating", moves={API: (OK, P)}))
    assert said(of, {API: Condition.UNKNOWN})["claude-api"].condition is P


def test_named_and_bad_on_a_page_that_never_links_is_down():
    of = incident(post("10:00", "investigating", "ChatGPT is slow."))
    hit = said(of, {"01JMXBNJXGV1T5GT2M9XA83XNG": D}, OPENAI)["chatgpt-web"]
    assert (hit.weight, hit.basis, hit.inferred) == (AttributionKind.DOWN, EvidenceKind.COMPONENT, False)


def test_an_exoneration_in_words_expires():
    of = incident(
        post("10:00", "investigating", "Errors everywhere.", {API: (OK, P), WEB: (OK, P)}),
        post("10:30", "investigating", "The website is not affected.", {API: (P, P), WEB: (P, P)}),
    )
    hit = said(of, {API: P, WEB: OK})["claude-web"]
    assert (hit.weight, hit.basis, hit.condition, hit.expires) == (
        AttributionKind.CLEARED,
        EvidenceKind.TEXT,
        OK,
        at("11:30"),
    )


def test_a_later_update_takes_the_exoneration_back():
    of = incident(
        post("10:00", "investigating", "The API fails."),
        post("10:30", "investigating", "The API is working as intended."),
        post("10:50", "investigating", "Some API methods are not working."),
    )
    assert weights(of) == {"claude-api": "named"}


def test_being_listed_again_in_the_same_colour_is_no_news():
    of = incident(
        post("10:00", "investigating", "", {WEB: (OK, P)}),
        post("10:30", "investigating", "The website is not affected."),
        post("10:40", "identified", "We know the cause.", {WEB: (P, P)}),
    )
    assert weights(of) == {"claude-web": "cleared"}


@pytest.mark.parametrize("shown", [D, P, Condition.MAJOR_OUTAGE])
def test_words_clear_nothing_that_the_page_shows_red(shown):
    of = incident(
        post("10:00", "investigating", moves={API: (OK, P)}),
        post("10:30", "identified", "The API is working as intended."),
    )
    hit = said(of, {API: shown})["claude-api"]
    assert (hit.weight, hit.condition, hit.expires) == (AttributionKind.DOWN, shown, None)


def test_what_needs_a_red_api_that_words_clear_is_still_watched():
    of = incident(
        post("10:00", "investigating", moves={API: (OK, D)}),
        post("10:30", "identified", "The API is working as intended."),
    )
    assert weights(of, {API: D})["claude-code"] == "watch"


def test_words_that_cleared_a_red_component_count_once_it_is_green():
    of = incident(
        post("10:00", "investigating", moves={API: (OK, P)}),
        post("10:30", "identified", "The API is working as intended."),
    )
    assert weights(of, {API: OK}) == {"claude-api": "cleared"}


@pytest.mark.parametrize("words", ["The API is slow.", "Errors on Claude Opus 4.6"])
@pytest.mark.parametrize("impact", [Impact.NONE, Impact.MINOR, Impact.CRITICAL])
def test_listed_and_named_is_down_whatever_the_impact(words, impact):
    of = incident(post("10:00", "investigating", words), components=(API,), impact=impact)
    hit = said(of, {API: OK})["claude-api"]
    assert (hit.weight, hit.basis, hit.inferred) == (AttributionKind.DOWN, EvidenceKind.LINK, False)


def test_listed_and_spared_is_watched():
    of = incident(post("10:00", "investigating", "The console is down, the API is not affected."), components=(API,))
    assert weights(of, {API: OK})["claude-api"] == "watch"


def test_listed_and_not_named_beside_a_name_is_watched():
    of = incident(post("10:00", "investigating", "The API is slow."), components=(API, WEB), impact=Impact.NONE)
    assert weights(of, {API: OK, WEB: OK}) == {"claude-api": "down", "claude-web": "watch", "claude-code": "watch"}


def test_a_listed_feature_that_is_named_does_not_bring_its_surface_down():
    of = incident(post("10:00", "investigating", "Message batches are slow."), components=("vy0zz4d9qxr9",))
    assert weights(of)["claude-api"] == "named"


def test_only_takes_out_what_rests_on_words_alone():
    of = incident(
        post("10:00", "investigating", "The mobile app and the console fail.", {API: (OK, P)}),
        post("10:30", "identified", "This only affects the console."),
    )
    assert weights(of, {API: P})["claude-mobile"] == "cleared"
    assert weights(of, {API: P})["claude-api"] == "down"


def test_what_only_words_named_is_named_again_when_its_exoneration_has_expired():
    of = incident(
        post("10:00", "investigating", "The mobile app and the console fail."),
        post("10:30", "identified", "The mobile app is not affected."),
    )
    assert (weights(of, now=at("11:29"))["claude-mobile"], weights(of, now=at("11:30"))["claude-mobile"]) == (
        "cleared",
        "named",
    )


def test_an_incident_without_component_or_name_may_mean_anything_and_is_watched():
    of = incident(post("10:00", "investigating", "We look into elevated errors."))
    assert weights(of) == {s.id: "watch" for s in CLAUDE.surfaces}


def test_where_there_is_but_one_surface_it_is_that_one():
    of = incident(post("10:00", "investigating", "We look into elevated errors."))
    assert weights(of, provider=CATALOGUE["characterai"])["characterai-web"] == "named"


def test_a_component_that_is_none_of_ours_says_nothing():
    assert weights(incident(post("10:00", "investigating", "We look into it."), components=("somewhere-else",))) == {}


def test_impact_gives_the_condition_where_no_component_does():
    of = incident(post("10:00", "investigating", "The mobile app crashes."), impact=Impact.MINOR)
    assert said(of)["claude-mobile"].condition is D


def test_a_postmortem_names_nothing_new():
    of = incident(
        post("10:00", "investigating", "The console fails."), post("20:00", "postmortem", "The mobile app failed too.")
    )
    assert set(said(of)) == {"claude-console"}


def test_residual_errors_are_read_from_the_newest_monitoring_post():
    of = incident(
        post("10:00", "investigating", "The API fails."),
        post("10:30", "monitoring", "Some users may still see errors."),
    )
    assert said(of)["claude-api"].residual


@pytest.mark.parametrize("stage", ["scheduled", "in_progress", "verifying"])
def test_a_maintenance_reaches_nothing_that_only_its_words_name(stage):
    of = incident(
        post("10:00", stage, "You can now subscribe to these notices in the console. The API will be slow."),
        name="Console maintenance",
        impact=Impact.MAINTENANCE,
        is_maintenance=True,
    )
    assert weights(of) == {}


def test_a_closing_text_names_no_neighbour_after_the_cause():
    of = incident(
        post("10:00", "investigating", "The API is slow."),
        post("11:00", "resolved", "The API was slow from 10:00 to 10:40. It was caused by errors in the console."),
    )
    assert set(said(of)) == {"claude-api"}


def test_a_closing_text_names_more_that_was_affected_in_its_first_sentence():
    of = incident(
        post("10:00", "investigating", "The API is slow."),
        post("11:00", "resolved", "The API and the console were slow. We have identified the cause."),
    )
    assert set(said(of)) == {"claude-api", "claude-console"}


def test_the_rest_of_a_closing_text_names_no_surface_first():
    of = incident(
        post("10:00", "investigating", "The API is slow."),
        post("11:00", "resolved", "The API was slow. Products that build on it, such as Claude Code, were slow too."),
    )
    assert set(said(of)) == {"claude-api"}


def test_a_closing_text_that_is_the_only_one_names_what_was_affected_before_the_cause():
    of = incident(post("11:00", "resolved", "The API was slow. The console failed too. We have identified the cause."))
    assert set(said(of)) == {"claude-api", "claude-console"}


def test_maintenance_in_progress_is_maintenance():
    of = incident(post("10:00", "in_progress"), components=(API,), impact=Impact.MAINTENANCE, is_maintenance=True)
    hit = said(of, {API: OK})["claude-api"]
    assert (hit.weight, hit.condition) == (AttributionKind.DOWN, Condition.MAINTENANCE)


@pytest.mark.parametrize(
    ("stage", "now", "shown", "told"),
    [
        ("scheduled", "10:30", Condition.DEGRADED, True),
        ("in_progress", "10:30", Condition.DEGRADED, False),
        ("in_progress", "10:30", Condition.MAINTENANCE, False),
        ("in_progress", "10:30", Condition.MAJOR_OUTAGE, True),
        ("in_progress", "11:30", Condition.MAINTENANCE, False),
        ("in_progress", "11:30", Condition.DEGRADED, True),
        ("verifying", "10:30", Condition.PARTIAL_OUTAGE, True),
    ],
)
def test_a_maintenance_explains_no_outage(stage, now, shown, told):
    window = {"scheduled_for": at("10:00"), "scheduled_until": at("11:00"), "is_maintenance": True}
    of = incident(post("10:00", stage), components=(API,), impact=Impact.MAINTENANCE, **window)
    hits = attribute.attribute_page((of,), (Component(API, "Claude API", shown),), CLAUDE, at(now))
    assert [h.condition for h in hits if h.surface == "claude-api" and not h.incident] == [shown] * told


def test_an_incident_beside_a_maintenance_explains_the_outage():
    work = incident(post("10:00", "scheduled"), components=(API,), impact=Impact.MAINTENANCE, is_maintenance=True)
    of = replace(incident(post("10:00", "investigating"), components=(API,)), id="i2")
    hits = attribute.attribute_page((work, of), (Component(API, "Claude API", P),), CLAUDE, at("10:30"))
    assert all(h.incident for h in hits)


# --- the page as a whole ----------------------------------------------------------------------------------------------


def test_a_bad_component_without_an_incident_is_a_hit_of_its_own():
    (hit,) = attribute.attribute_page((), (Component(API, "Claude API", D),), CLAUDE, DAY)
    assert (hit.surface, hit.incident, hit.weight, hit.basis) == (
        "claude-api",
        "",
        AttributionKind.DOWN,
        EvidenceKind.COMPONENT,
    )


def test_of_a_surfaces_bad_components_the_worst_is_told():
    surface = Surface("bolt-api", "bolt", "Bolt API", components=("a", "b"))
    bolt = replace(CLAUDE, id="bolt", surfaces=(surface,))
    (hit,) = attribute.attribute_page((), (Component("a", "A", D), Component("b", "B", P)), bolt, DAY)
    assert hit.condition is P


def test_a_component_that_an_incident_accounts_for_is_not_told_twice():
    of = incident(post("10:00", "investigating", moves={API: (OK, D)}))
    hits = attribute.attribute_page((of,), (Component(API, "Claude API", D),), CLAUDE, DAY)
    assert [h.incident for h in hits if h.surface == "claude-api"] == ["i"]


def test_closed_incidents_say_nothing_of_the_page():
    of = incident(post("10:00", "investigating", moves={API: (OK, D)}), post("10:30", "resolved", moves={API: (D, OK)}))
    assert attribute.attribute_page((of,), (Component(API, "Claude API", OK),), CLAUDE, DAY) == ()


def test_every_surface_of_githubs_recorded_components_is_known(shared):
    with lzma.open(shared / "github" / "polls-2020-11_2024-12.ndjson.xz") as lines:
        body = json.loads(next(lines))["body"]
    shown = statuspage.parse_body(body).components
    unknown = {c.name for c in shown if find_component_link(c.id, c.name, GITHUB) is None}
    assert unknown == {"Visit www.githubstatus.com for more information"}


# --- properties -------------------------------------------------------------------------------------------------------

PHRASES = (
    "is down",
    "is not affected",
    "has recovered",
    "are working on",
    "only affects",
    ", but",
    ". ",
    "not",
    "due to",
)
NAMES = tuple(w for s in CLAUDE.surfaces for w in (*s.words[:4], *s.hints[:2], *s.models[:2]))
texts = st.lists(st.sampled_from(PHRASES + NAMES) | st.text(max_size=12), max_size=12).map(" ".join)
moves = st.none() | st.dictionaries(
    st.sampled_from((WEB, API, CODE, "nobody's")), st.tuples(st.sampled_from(Condition), st.sampled_from(Condition))
)
stages = st.sampled_from(Stage)


@st.composite
def incidents(draw):
    told = draw(st.lists(st.tuples(stages, texts, moves), min_size=1, max_size=4))
    updates = [
        replace(post("10:00", str(stage), body, moved), id=f"u{n}", display_at=DAY + timedelta(minutes=n))
        for n, (stage, body, moved) in enumerate(told)
    ]
    impact = draw(st.sampled_from(Impact))
    return incident(*updates, name=draw(texts), components=draw(st.lists(st.sampled_from((WEB, API)))), impact=impact)


pages = st.dictionaries(st.sampled_from((WEB, API, CODE, "nobody's")), st.sampled_from(Condition))


@given(incidents(), pages)
def test_scoping_never_raises_and_is_deterministic(of, page):
    assert attribute.attribute_incident(of, page, CLAUDE, DAY) == attribute.attribute_incident(of, page, CLAUDE, DAY)


def surfaces_of_others(of, page, provider):
    own = {s.id for s in provider.surfaces}
    return {h.surface for h in attribute.attribute_incident(of, page, provider, DAY)} - own


@given(incidents(), pages)
def test_no_surface_of_another_provider_is_ever_named(of, page):
    named = {provider.id: surfaces_of_others(of, page, provider) for provider in CATALOGUE.values()}
    assert {provider: surfaces for provider, surfaces in named.items() if surfaces} == {}


@given(incidents(), pages)
def test_each_surface_has_one_hit_and_cleared_ones_alone_expire(of, page):
    hits = attribute.attribute_incident(of, page, CLAUDE, DAY)
    assert len({h.surface for h in hits}) == len(hits)
    assert all((h.weight is AttributionKind.CLEARED) == (h.expires is not None) for h in hits)


PLAIN = {
    "claude-web": "claude.ai",
    "claude-mobile": "The mobile app",
    "claude-desktop": "The desktop app",
    "claude-console": "The console",
    "claude-api": "The API",
    "claude-cowork": "Claude Cowork",
    "claude-gov": "Claude for Government",
}
VERBS = ("is down.", "is not affected.", "has recovered.", "sees elevated errors.", "is slow.", "works as intended.")


@given(
    st.lists(st.tuples(st.sampled_from(sorted(PLAIN)), st.sampled_from(VERBS)), min_size=1, max_size=4),
    st.sampled_from(sorted(PLAIN)),
    st.sampled_from(VERBS),
)
def test_a_sentence_about_one_surface_changes_nothing_that_is_said_of_another(told, other, verb):
    body = " ".join(f"{PLAIN[s]} {v}" for s, v in told if s != other) or "claude.ai is down."
    named = {s for s, _ in told if s != other} or {"claude-web"}
    needing = {s.id for s in CLAUDE.surfaces if other in s.needs}
    before = said(incident(post("10:00", "investigating", "The login is down. " + body)))
    after = said(incident(post("10:00", "investigating", f"The login is down. {body} {PLAIN[other]} {verb}")))
    for surface in named - {other} - needing:
        # the words that it rests on are quoted clause by clause, so even they are the same
        assert before.get(surface) == after.get(surface)


# --- charged rightly --------------------------------------------------------------------------------------------------


def affected(of, page=None, provider=CLAUDE):
    return {
        s for s, h in said(of, page, provider).items() if h.condition.is_bad or h.condition is Condition.MAINTENANCE
    }


@pytest.mark.parametrize("where", ["on AWS Bedrock", "via Amazon Bedrock", "on Google Vertex AI", "through Vertex"])
def test_a_model_on_another_vendors_service_affects_none_of_ours(where):
    of = incident(post("12:00", "investigating", "We look into errors of Opus."), name=f"Errors for Opus {where}")
    assert affected(of) == set()


def test_a_model_on_another_vendors_service_and_on_our_api_affects_the_api():
    of = incident(post("12:00", "investigating", "We look into it."), name="Errors for Opus on Vertex AI and the API")
    assert affected(of) == {"claude-api"}


def test_a_model_without_a_place_affects_what_serves_it():
    of = incident(post("12:00", "investigating", "We look into it."), name="Errors for Opus")
    assert "claude-api" in affected(of)


def test_a_maintenance_of_what_a_service_needs_is_not_its_own():
    of = incident(
        post("12:00", "in_progress", "We maintain it.", {API: (OK, Condition.MAINTENANCE)}),
        name="Planned maintenance of the API",
        impact=Impact.MAINTENANCE,
        is_maintenance=True,
    )
    assert affected(of, {API: Condition.MAINTENANCE}) == {"claude-api"}


def test_a_component_that_a_maintenance_lists_and_that_stays_operational_is_not_in_maintenance():
    of = incident(
        post("12:00", "in_progress", "We maintain it.", {API: (OK, Condition.MAINTENANCE), WEB: (OK, OK)}),
        components=(API, WEB),
        impact=Impact.MAINTENANCE,
        is_maintenance=True,
    )
    assert affected(of, {API: Condition.MAINTENANCE, WEB: OK}) == {"claude-api"}


def test_a_component_that_an_incident_lists_and_that_stays_operational_is_not_affected():
    of = incident(post("12:00", "investigating", "Errors.", {API: (OK, D), WEB: (OK, OK)}), components=(API, WEB))
    assert affected(of, {API: D, WEB: OK}) == {"claude-api"}


def test_a_notice_of_a_maintenance_with_an_unknown_stage_names_nothing():
    of = incident(
        post("12:00", "unknown", "You can subscribe in the console and the API."),
        name="Data centre maintenance",
        impact=Impact.MAINTENANCE,
        is_maintenance=True,
    )
    assert affected(of) == set()


def test_words_do_not_make_a_component_operational_that_is_degraded():
    of = incident(post("12:00", "investigating", "The Claude API is working as intended.", {API: (OK, D)}))
    assert said(of, {API: D})["claude-api"].condition is D

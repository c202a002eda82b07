"""How right attributions were, on histories of our own making; the real ones are scored where they are."""

import json
from io import StringIO

import pytest
from rich.console import Console

from bot import settings
from bot.errors import ParseError, UsageError
from bot.evaluation.attribution import NOTHING_LABEL, UNLISTED_LABEL, evaluate
from bot.evaluation.attribution_tables import as_json, tables

PROVIDERS = settings.load().providers


def update(number, stage, body, moves=None, hour=10):
    at = f"2024-03-0{number % 9 + 1}T{hour}:00:00Z"
    return {"id": f"u{number}{hour}", "status": stage, "body": body, "display_at": at, "affected_components": moves}


def incident(number, name, components, *bodies):
    told = [update(number, "investigating", b, hour=10 + n) for n, b in enumerate(bodies or ("We look into it.",))]
    return {
        "id": f"i{number}",
        "name": name,
        "impact": "minor",
        "components": [{"name": c} for c in components],
        "incident_updates": told,
    }


GITHUB = ("Actions", "Pages", "Issues")


def history(*incidents, page="openai"):
    return json.dumps({"page": {"name": page}, "incidents": list(incidents)}).encode()


def score(*incidents, **more):
    return evaluate({"ours": history(*incidents, **more)}, PROVIDERS)


def test_what_is_said_and_listed_is_right():
    way = score(incident(1, "ChatGPT is down", ["ChatGPT"])).text_only
    assert (way.micro.tp, way.micro.fp, way.micro.fn) == (1, 0, 0)


def test_labels_are_hidden_from_the_words():
    way = score(incident(1, "Trouble", ["ChatGPT"])).text_only
    assert (way.micro.tp, way.micro.fn) == (0, 1)


def test_as_of_sees_the_list_and_says_that_it_leaks():
    result = score(incident(1, "Trouble", ["ChatGPT"]))
    assert (result.as_of.micro.tp, result.leaking) == (1, 1)


def test_an_incident_without_a_label_counts_only_where_it_is_strict():
    way = score(
        incident(1, "ChatGPT is down", []), incident(2, "API is down", ["API"]), incident(3, "x", ["ChatGPT"])
    ).text_only
    assert (way.micro.fp, way.strict.fp) == (0, 1)


def test_named_covers_only_texts_that_name_anything():
    way = score(incident(1, "Trouble", ["ChatGPT"]), incident(2, "API is down", ["API"])).text_only
    assert (way.micro.fn, way.named.fn) == (1, 0)


def github_poll(minute, *incidents, red=()):
    components = [{"id": n, "name": n, "status": "partial_outage" if n in red else "operational"} for n in GITHUB]
    shown = {"page": {"id": "kctbh9vrtdwd"}, "components": components, "incidents": [*incidents]}
    return json.dumps({"polled_at": f"2024-03-02T10:{minute:02}:00Z", "body": shown}).encode() + b"\n"


def open_incident(number, title, labels):
    return incident(number, title, labels) | {"status": "investigating"}


def test_a_component_that_the_page_showed_bad_then_is_affected_where_that_is_asked():
    named, pages = open_incident(1, "Actions and Pages are down", ["Actions"]), incident(2, "x", ["Pages"])
    polls = github_poll(1, named, red=("Actions", "Pages")) + github_poll(2, pages)
    way = evaluate({"polls": polls}, PROVIDERS).text_only
    assert [(c.tp, c.fp, c.fn) for c in (way.micro, way.red)] == [(1, 1, 1), (2, 0, 1)]


def test_what_two_open_incidents_show_bad_together_is_no_truth_of_either():
    both = open_incident(1, "Actions and Pages are down", ["Actions"]), open_incident(2, "Pages is down", ["Pages"])
    way = evaluate({"polls": github_poll(1, *both, red=("Pages",))}, PROVIDERS).text_only
    assert (way.red.tp, way.red.fp) == (2, 1)


def test_what_labels_cannot_speak_of_is_counted_apart():
    way = score(incident(1, "The iOS app and ChatGPT crash", ["ChatGPT"])).text_only
    assert (way.micro.fp, dict(way.apart)) == (0, {"chatgpt-mobile": 1})


def test_what_is_called_repaired_was_hit():
    way = score(incident(1, "Trouble", ["ChatGPT"], "We look into it.", "ChatGPT has recovered.")).text_only
    assert way.micro.tp == 1


def test_each_update_is_scored_by_what_was_known_by_then():
    way = score(incident(1, "Trouble", ["ChatGPT"], "We look into it.", "ChatGPT is down.")).text_only
    assert (way.per_update.tp, way.per_update.fn) == (1, 1)


def test_the_confusion_stands_against_what_was_missed():
    way = score(incident(1, "ChatGPT is down", ["API"]), incident(2, "x", ["ChatGPT"])).text_only
    assert way.confusion == {"chatgpt-web": {"openai-api": 1}, NOTHING_LABEL: {"chatgpt-web": 1}}


def test_said_beside_what_is_right_is_not_listed():
    way = score(incident(1, "ChatGPT and the API are down", ["API"]), incident(2, "ChatGPT", ["ChatGPT"])).text_only
    assert way.top_confusions() == [("chatgpt-web", UNLISTED_LABEL, 1)]


def test_a_login_that_is_said_to_be_the_api_shows():
    result = score(incident(1, "Login: the API fails", ["ChatGPT"]), incident(2, "API", ["API"]))
    assert (result.logins, result.logins_as_api) == (1, 1)


def test_the_baselines_say_everything_and_what_the_title_says():
    result = score(incident(1, "ChatGPT is down", ["ChatGPT"]), incident(2, "x", ["API"]))
    assert (result.all_components.micro.fp, result.name_in_title.micro.tp, result.name_in_title.micro.fn) == (2, 1, 1)


def test_polls_are_scored_too():
    shown = {
        "page": {"id": "kctbh9vrtdwd"},
        "components": [],
        "incidents": [incident(1, "Incident with Actions", ["Actions"])],
    }
    lines = json.dumps({"polled_at": "2024-03-02T10:00:00Z", "body": shown}).encode() + b"\n"
    assert evaluate({"polls": lines}, PROVIDERS).text_only.micro.tp == 1


def test_a_history_of_nobody_names_the_known_providers():
    with pytest.raises(UsageError, match=r"characterai, .*claude, .*openai"):
        score(incident(1, "x", []), page="somebody")


def test_a_provider_can_be_chosen():
    result = evaluate({"ours": history(incident(1, "The API is down", ["API"]), page="?")}, PROVIDERS, "openai")
    assert result.files == (("ours", "openai", 1),)


def test_what_is_no_recording_is_refused():
    with pytest.raises(ParseError):
        evaluate({"ours": b"<html>"}, PROVIDERS)


def test_progress_is_told_by_incident():
    seen = []
    evaluate({"ours": history(incident(1, "x", []), incident(2, "y", []))}, PROVIDERS, None, lambda *p: seen.append(p))
    assert seen == [(1, 2), (2, 2)]


def test_the_json_has_the_promised_shape():
    told = as_json(score(incident(1, "ChatGPT is down", ["ChatGPT"])))
    assert told["text_only"]["micro"]["precision"] == 1
    assert told["text_only"]["confusion"] == {"chatgpt-web": {"chatgpt-web": 1}}
    assert set(told["baselines"]) == {"all_components", "name_in_title"}
    json.dumps(told)


def test_the_tables_can_be_drawn():
    console = Console(width=120, record=True, file=StringIO())
    for table in tables(score(incident(1, "ChatGPT is down", ["API"]), incident(2, "x", []))):
        console.print(table)
    assert "baseline: all components" in console.export_text()


def test_on_the_real_histories_the_words_alone_reach_the_aim(shared):
    files = {f: (shared / "llm-2021-2023" / f"{f}.json").read_bytes() for f in ("openai", "anthropic", "characterai")}
    result = evaluate(files, PROVIDERS)
    assert result.incidents == 271
    assert (result.text_only.named.precision or 0) >= 0.90
    assert (result.text_only.named.recall or 0) >= 0.75
    assert result.logins_as_api == 0

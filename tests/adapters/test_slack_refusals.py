"""The table of Slack's error codes: complete, and without contradictions."""

import tomllib
from pathlib import Path

import pytest

from bot.adapters import slack_refusals
from bot.adapters.slack_refusals import (
    AUTH,
    COMPLETE,
    CONNECT,
    DETAILS,
    DOCUMENTED,
    FAIL,
    INFO,
    OPEN,
    POST,
    PUBLISH,
    UNFURL,
    UPDATE,
    UPLOAD_DONE,
    UPLOAD_URL,
)
from bot.errors import RefusalScope
from tests.support import slack_refusal_table

METHODS = [POST, UPDATE, PUBLISH, OPEN, UPLOAD_URL, UPLOAD_DONE, INFO, AUTH, CONNECT, COMPLETE, FAIL, UNFURL, DETAILS]
LISTED = tomllib.loads(Path(__file__).with_name("slack_error_codes.toml").read_text(encoding="utf-8"))
ALL_CODES = sorted((method, code) for method, codes in DOCUMENTED.items() for code in codes)


def test_every_method_that_the_client_calls_has_its_codes():
    assert sorted(DOCUMENTED) == sorted(METHODS)


@pytest.mark.parametrize("method", METHODS)
def test_every_documented_code_has_a_rule(method):
    assert [c for c in DOCUMENTED[method] if slack_refusals.rule(c, method) is slack_refusals.UNKNOWN] == []


@pytest.mark.parametrize("method", METHODS)
def test_every_code_on_slacks_page_of_a_method_is_in_the_table(method):
    assert set(LISTED[method].split()) - DOCUMENTED[method] == set()


def test_a_code_in_no_list_is_unknown():
    assert slack_refusals.rule("mercury_in_retrograde").scope is RefusalScope.UNKNOWN


def test_what_is_about_everything_or_a_channel_says_what_people_can_do():
    silent = [
        code
        for method, code in ALL_CODES
        if slack_refusals.rule(code, method).scope in (RefusalScope.WORKSPACE, RefusalScope.CHANNEL)
        and not slack_refusals.rule(code, method).remedy
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("code", "scope"),
    [
        ("ekm_access_denied", RefusalScope.WORKSPACE),
        ("missing_scope", RefusalScope.WORKSPACE),
        ("org_login_required", RefusalScope.WORKSPACE),
        ("is_archived", RefusalScope.CHANNEL),
        ("restricted_action_read_only_channel", RefusalScope.CHANNEL),
        ("restricted_action_thread_locked", RefusalScope.POST),
        ("cannot_reply_to_message", RefusalScope.POST),
        ("user_disabled", RefusalScope.PERSON),
        ("msg_too_long", RefusalScope.POST),
        ("internal_error", RefusalScope.TRANSIENT),
    ],
)
def test_who_is_at_fault(code, scope):
    assert slack_refusals.rule(code).scope is scope


def test_an_unknown_address_of_a_person_is_a_person_who_has_left():
    scopes = [slack_refusals.rule("channel_not_found", POST, channel).scope for channel in ("C1", "U1", "D1")]
    assert scopes == [RefusalScope.CHANNEL, RefusalScope.PERSON, RefusalScope.PERSON]


@pytest.mark.parametrize("code", ["user_not_found", "cannot_dm_bot", "user_is_bot"])
def test_a_code_about_a_person_says_nothing_known_of_a_channel(code):
    assert slack_refusals.rule(code, slack_refusals.POST, "C1").scope is RefusalScope.UNKNOWN


def test_a_right_that_only_files_need_stops_no_alerts():
    assert slack_refusals.rule("missing_scope", UPLOAD_URL).scope is RefusalScope.POST


def test_the_printed_table_has_every_code_of_every_method_once():
    printed = sorted(
        (method, code)
        for codes, methods, *_ in slack_refusal_table.table()
        for method in methods.split(", ")
        for code in codes.split(", ")
    )
    assert printed == ALL_CODES

"""Who presses a button or writes a message, and whether they are of another workspace."""

import pytest

from bot.slack import identity


def body(team="T1", **more):
    return {"team": {"id": "T1"}, "user": {"id": "U1", "name": "ada", "team_id": team}, **more}


@pytest.mark.parametrize(
    ("request_body", "other"),
    [
        (body(), ""),
        (body("T2"), "T2"),
        (body("E1", enterprise={"id": "E1"}), ""),
        (body("T2", enterprise={"id": "E1"}), "T2"),
        (body(""), ""),
        ({"user": {"id": "U1", "team_id": "T2"}}, ""),
    ],
)
def test_a_person_of_another_workspace_is_recognised(request_body, other):
    assert identity.other_team(request_body) == other


@pytest.mark.parametrize(
    ("event", "other"),
    [
        ({"user_team": "T2", "team": "T1"}, "T2"),
        ({"team": "T2"}, "T2"),
        ({"team": "T1"}, ""),
        ({}, ""),
    ],
)
def test_an_author_of_another_workspace_is_recognised(event, other):
    assert identity.event_other_team(event, {"team_id": "T1"}) == other


def test_a_person_has_the_name_that_slack_shows():
    assert identity.clicking_user(body()).name == "ada"

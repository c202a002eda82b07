"""Who sent a request of Slack: the person, and whether they are of another workspace (Slack Connect). No I/O.

In a channel that is shared with another company, its people press the same buttons
(https://docs.slack.dev/apis/slack-connect). The person's workspace stands beside the person, ours beside the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.domain import ChatUser


def clicking_user(body: Mapping[str, Any]) -> ChatUser:
    """The person in the body of a click or a submitted modal."""
    user = body["user"]
    return ChatUser(user["id"], user.get("username") or user.get("name") or user["id"])


def other_team(body: Mapping[str, Any]) -> str:
    """The workspace of the person, where that is not the one that the request came from; empty where it is."""
    team = str((body.get("user") or {}).get("team_id") or "")
    return _if_other(team, body)


def event_author(event: Mapping[str, Any], names: Mapping[str, str]) -> ChatUser:
    """The author of a message. Slack sends no name with it: the one of an earlier request counts, else the id."""
    return ChatUser(event["user"], names.get(event["user"], event["user"]))


def named_person(body: Mapping[str, Any]) -> tuple[str, str]:
    """The id and the name of the person in a request that has both; empty texts for another."""
    user = body.get("user") if isinstance(body.get("user"), dict) else {}
    person = body.get("user_id") or (user or {}).get("id") or ""
    name = body.get("user_name") or (user or {}).get("username") or (user or {}).get("name") or ""
    return (str(person), str(name)) if person and name else ("", "")


def event_other_team(event: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    """The workspace of a message's author, where that is not the one that the event came from; empty where it is."""
    return _if_other(str(event.get("user_team") or event.get("team") or ""), body)


def _if_other(team: str, body: Mapping[str, Any]) -> str:
    own = {str((body.get("team") or {}).get("id") or ""), str(body.get("team_id") or "")}
    own |= {str((body.get("enterprise") or {}).get("id") or ""), str(body.get("enterprise_id") or "")}
    own |= {str(a.get(key) or "") for a in body.get("authorizations") or () for key in ("team_id", "enterprise_id")}
    return team if team and team not in own and own - {""} else ""

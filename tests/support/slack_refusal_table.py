"""The rows of the manual's table of Slack's refusals (bot/docs/slack.md#refusals-by-code)."""

from collections.abc import Iterator, Mapping

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
    rule,
)
from bot.errors import RefusalScope as Scope

_CHAT_EFFECTS: Mapping[
    Scope, tuple[str, str, str]
] = {  # what the channel shows, who is notified, when it is tried again
    Scope.WORKSPACE: (
        "nothing; all messages wait",
        "log, `/readyz`, metrics, board; the owners once Slack accepts messages again",
        "one probe for all channels, after 1 min, doubled up to 15 min; every minute while a new outage waits",
    ),
    Scope.CHANNEL: (
        "nothing; new alerts wait, an edit, reply or digest waits by itself",
        "log; owners and subscribers in one message, if it lasts over a minute; `list`",
        "after 1, 5, 15, 60 min, then hourly; at the start, at every new outage, at Slack's events, at `subscribe`",
    ),
    Scope.PERSON: (
        "nothing",
        "log; the owners when the person's alerts end",
        "like a channel; after a day of refusals the person's alerts end",
    ),
    Scope.MESSAGE: ("a new message in place of the old one", "no one", "at once, as a new message"),
    Scope.POST: (
        "this post in a simpler form: as text, shorter, outside its thread; nothing if that is refused too",
        "log, owners, `sources`, `brownout db outbox`",
        "not again; the next post is sent at once",
    ),
    Scope.TRANSIENT: ("the post, later", "log", "after 1 s, growing to 5 min, or as Slack says"),
    Scope.UNKNOWN: (
        "the other posts; this one if a try succeeds",
        "as for a post that is refused, after 5 refusals and 5 min",
        "after 1 s, growing; then it is handled as refused",
    ),
}
_OTHER_EFFECTS: Mapping[str, Mapping[Scope, tuple[str, str, str]]] = {
    PUBLISH: {
        Scope.WORKSPACE: ("Home stays as it was", "log", "at the next change, a minute later at the earliest"),
        Scope.POST: ("Home in a simpler form", "log", "at once, in a simpler form"),
        Scope.PERSON: ("Home stays as it was", "log", "when the person opens Home"),
    },
    OPEN: {
        Scope.WORKSPACE: ("the answer as a message", "the person who clicked; log", "at the next click"),
        Scope.POST: ("the answer as a message", "the person who clicked; log", "at the next click"),
        Scope.PERSON: ("the answer as a message", "log", "at the next click"),
    },
    UPLOAD_URL: dict.fromkeys(
        (Scope.WORKSPACE, Scope.CHANNEL, Scope.POST), ("no file", "the person who asked", "at the next export")
    ),
    UNFURL: {
        Scope.WORKSPACE: ("no card", "log", "at the next link"),
        Scope.CHANNEL: ("no card", "no one", "at the next link"),
        Scope.POST: ("a plain card instead of a Work Object; none if that is refused too", "log", "once a day"),
        Scope.MESSAGE: ("no card", "no one", "not again"),
    },
    DETAILS: dict.fromkeys(
        (Scope.WORKSPACE, Scope.CHANNEL, Scope.POST), ("the card; its pane stays empty", "log", "at the next click")
    ),
    INFO: dict.fromkeys(
        (Scope.WORKSPACE, Scope.CHANNEL, Scope.POST),
        ("nothing changes", "the subscriber, if the channel does not exist", "at the next command"),
    ),
    COMPLETE: {
        Scope.WORKSPACE: ("the workflow waits", "log", "after 1 s, doubled up to 5 min, for three days"),
        Scope.POST: ("the step as it is", "log", "not again"),
        Scope.TRANSIENT: ("the workflow waits", "log", "after 1 s, doubled up to 5 min, or as Slack says"),
    },
    AUTH: {
        Scope.WORKSPACE: (
            "nothing; all messages wait",
            "log, `/readyz`, metrics, board",
            "with the token read again: after 1 s, doubled up to 60 s; see [tokens](#refused-tokens)",
        ),
        Scope.POST: ("nothing; all messages wait", "log, `/readyz`", "after 1 s, doubled up to 60 s"),
    },
}
_SAME_AS = {UPLOAD_DONE: UPLOAD_URL, CONNECT: AUTH, FAIL: COMPLETE}
_PASSING = ("as before", "log", "after 1 s, growing to 60 s, or as Slack says")


def effect(method: str, scope: Scope) -> tuple[str, str, str]:
    """What the channel shows, who is notified, and when it is tried again."""
    if method in (POST, UPDATE):
        return _CHAT_EFFECTS[scope]
    return _OTHER_EFFECTS[_SAME_AS.get(method, method)].get(scope, _PASSING)


def table() -> Iterator[tuple[str, str, str, str, str, str]]:
    """The rows of the manual's table, by reach.

    Each: codes, methods, what they apply to, what the channel shows, who is notified, when it is tried again.
    """
    rows: dict[tuple[Scope, tuple[str, ...], tuple[str, str, str]], list[str]] = {}
    for code in sorted(frozenset().union(*DOCUMENTED.values())):
        by_effect: dict[tuple[Scope, tuple[str, str, str]], list[str]] = {}
        for method, codes in DOCUMENTED.items():
            if code in codes:
                scope = rule(code, method).scope
                by_effect.setdefault((scope, effect(method, scope)), []).append(method)
        for (scope, what), names in by_effect.items():
            rows.setdefault((scope, tuple(names), what), []).append(code)
    order = list(Scope)
    for (scope, where, what), named in sorted(rows.items(), key=lambda row: (order.index(row[0][0]), row[0][1])):
        yield (", ".join(named), ", ".join(where), str(scope), *what)

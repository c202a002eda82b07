"""Chats without a network: one that logs the calls and can refuse them, and one that shows what a channel holds."""

from html import unescape

from bot.errors import DeliveryError
from tests.support.slack_limits import assert_sendable


class FakeChat:
    """Takes everything, but first raises what it was told to. With ``can_search_history`` it finds what is in ``there``, by key."""

    def __init__(self, *failures, burst=9, can_search_history=False, is_token_good=False):
        self.failures = list(failures)
        self.burst = burst
        self.said, self.texts, self.messages = [], [], []
        self.can_search_history = can_search_history
        self.there = {}
        self.is_token_good = is_token_good
        self.looked_from = None

    def _try(self, what):
        failure = self.failures.pop(0) if self.failures else None
        self.said.append(what if failure is None else (*what, failure.code))
        if failure is not None:
            raise failure
        return f"ts{len(self.said)}"

    async def post(self, channel, message, *, thread_ts, broadcast):  # noqa: ARG002
        self.texts.append(message.text)
        self.messages.append(message)
        return self._try(("post", channel, thread_ts))

    async def edit(self, channel, ts, message):  # noqa: ARG002
        self._try(("edit", channel, ts))

    async def is_token_accepted(self):
        return self.is_token_good

    def permalink(self, channel, ts):
        return f"https://chat.example/{channel}/{ts}"

    async def find_message(self, channel, key, since, *, thread_ts):  # noqa: ARG002
        self.looked_from = since
        self._try(("find", channel, key))
        return self.there.get(key)


class FakeChannels:
    """Checks and keeps every message; an edit replaces, unless its message was deleted."""

    burst = 50
    can_search_history = False

    def __init__(self):
        self.shown = {}
        self.posts = []

    async def post(self, channel, message, *, thread_ts, broadcast):
        assert_sendable(message, mentions={"!subteam^S1"})
        ts = f"{len(self.posts) + 1}"
        self.posts.append((channel, thread_ts, broadcast, unescape(message.text)))
        self.shown[channel, ts] = message
        return ts

    def permalink(self, channel, ts):
        return f"https://chat.example/{channel}/{ts}"

    async def edit(self, channel, ts, message):
        assert_sendable(message)
        if (channel, ts) not in self.shown:
            raise DeliveryError("gone", code="message_not_found")
        self.shown[channel, ts] = message

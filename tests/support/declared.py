"""A team that declares incidents: the bot's commands and forms, its outbox, and a chat that shows what was sent."""

from dataclasses import dataclass, field, replace
from html import unescape

from bot.app.declared import DeclaredHook
from bot.commands.buttons import ButtonClick, handle_click
from bot.commands.declared import Declaration, declare
from bot.commands.registry import answer_command
from bot.domain import ChatUser, DeclaredSeverity, IncidentUserActions
from bot.messages.alerts import render_notification
from bot.notifier import Notifier
from bot.queries.runtime import Runtime
from tests.support.fake_chat import FakeChannels

ADA, BOB = ChatUser("U1", "ada"), ChatUser("U2", "bob")
NO_ACTIONS = IncidentUserActions()


@dataclass
class Team:
    """People in a channel, on a scenario's database (``tests.support.scenario``)."""

    scenario: object
    tools: tuple = ()
    chat: FakeChannels = field(default_factory=FakeChannels)

    def __post_init__(self):
        self.hook = DeclaredHook(self.scenario.queries(), self.tools)
        self.runtime = Runtime([], post_declared=self.hook)
        self.notifier = Notifier(self.scenario.repository, self.chat, self.scenario.now, render_notification)

    @property
    def queries(self):
        return replace(self.scenario.queries(), running=self.runtime)

    def declares(self, title="Checkout fails", *, channel="C1", by=ADA, source="view1", incidents=("i-1",), **more):
        severity = more.pop("severity", DeclaredSeverity.SEV2)
        return declare(self.queries, Declaration(title, severity, channel, by, source, incidents, **more))

    def says(self, text, *, channel="C1", by=ADA):
        return unescape(answer_command(self.queries, text, channel, by.id, by.name).message.text)

    def presses(self, value, *, action="declared:1", channel="C1", by=ADA):
        return handle_click(self.queries, ButtonClick(action, value, channel, by))

    async def delivers(self):
        """Delivers until nothing is due any more: a thread begins once its card is there."""
        for _ in range(5):
            self.hook()
            for channel in self.scenario.repository.pending_channels():
                if not channel.startswith("notify:"):
                    await self.notifier.publish_to(channel)

    def shown(self, channel="C1"):
        """What the channel shows, by Slack's id: the plain text of each message."""
        return [unescape(m.text) for (c, _), m in self.chat.shown.items() if c == channel]

    def thread(self, ts="1", channel="C1"):
        """The texts of a thread, as they were posted."""
        return [text for c, thread, _, text in self.chat.posts if c == channel and thread == ts]

    def broadcasts(self):
        return [text for *_, is_broadcast, text in self.chat.posts if is_broadcast]

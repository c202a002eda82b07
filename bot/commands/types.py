"""The values that commands, buttons and modals share: requests, clicks, submissions and responses. No I/O."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain import Advice, ChatUser, Message
from bot.queries.current import StatusQueries


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """A typed command: the words after the verb, the channel, and the person's id and name.

    ``user`` is empty on the command line. In direct messages ``channel`` is the person's id. ``origin`` is the channel
    where it was typed; empty where that is ``channel``.
    """

    words: tuple[str, ...]
    channel: str
    user: str = ""
    name: str = ""
    origin: str = ""

    @property
    def is_from_elsewhere(self) -> bool:
        """Whether it is about another channel than the one where it was typed."""
        return self.origin not in ("", self.channel)

    @property
    def person(self) -> ChatUser:
        """The person who sent the command."""
        return ChatUser(self.user, self.name or self.user or "unknown")


@dataclass(frozen=True, slots=True)
class CommandResponse:
    """The answer to a command or a click.

    Attributes:
        message: The answer as a message.
        in_channel: The whole channel sees it; otherwise only the person.
        call: The advice, if the command asked for a verdict.
        view: A modal to show instead of the message, where one can be opened.
        later: Computes the rest of the answer, if that takes a while. May raise UsageError.
        replaces: The message takes the place of the one with the button.
        export: The value of the Export button; empty if there is nothing to export.
        posts_to: A channel that gets notifications from now on. If the bot can't post there, the answer says so.
        is_private: Only the person may see it, also where other answers are public.
    """

    message: Message
    in_channel: bool = False
    call: Advice | None = None
    view: Mapping[str, Any] | None = None
    later: Callable[[], Awaitable[CommandResponse]] | None = None
    replaces: bool = False
    export: str = ""
    posts_to: str = ""
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its usage, its help, and the function that answers it.

    Attributes:
        usage: What may follow the verb.
        help: What the command does, in one line.
        answer: Runs the command. May raise UsageError.
        is_question: It changes nothing, and its answer can be shared.
        is_of_channel: A channel among the words is meant instead of the present one.
        is_guarded: It changes what others have set up; only for admins, if any are configured.
        more: What the command's own help adds.
    """

    usage: str
    help: str
    answer: Callable[[StatusQueries, CommandRequest], CommandResponse]
    is_question: bool = False
    is_of_channel: bool = False
    is_guarded: bool = False
    more: str = ""


@dataclass(frozen=True, slots=True)
class ButtonClick:
    """A click on a button or a menu. ``value`` is the button's value, or the chosen option's.

    ``channel`` is the id that the database uses: in direct messages, the person's. ``dm_channel`` is Slack's id of the
    channel; empty in App Home. ``other_team`` is the person's workspace if it is not the bot's (Slack Connect).
    """

    action: str
    value: str
    channel: str
    person: ChatUser
    dm_channel: str = ""
    other_team: str = ""


@dataclass(frozen=True, slots=True)
class TypedText:
    """What a person typed, and where.

    Attributes:
        text: The text, without the command or the mention of the bot.
        channel: The channel; in direct messages the person's id.
        person: Who typed it.
        is_conversation: It was written to the bot in prose, as a mention or a direct message.
        other_team: The person's workspace if it is not the bot's (Slack Connect).
    """

    text: str
    channel: str
    person: ChatUser
    is_conversation: bool = False
    other_team: str = ""


@dataclass(frozen=True, slots=True)
class ModalSubmission:
    """A submitted modal: its view id, its private metadata, its values by block id, and the person.

    ``other_team`` is as in ButtonClick.
    """

    view: str
    private_metadata: str
    values: dict[str, str]
    person: ChatUser
    other_team: str = ""

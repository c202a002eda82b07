"""What somebody asks in words, and what comes back: the nouns that commands, buttons and modals share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.entry.desk import Desk
from bot.model import Call, Message, Person


@dataclass(frozen=True, slots=True)
class Ask:
    """What somebody asked: the words after the verb, where, and who."""

    words: tuple[str, ...]
    channel: str
    user: str = ""
    name: str = ""

    @property
    def person(self) -> Person:
        """Who asked."""
        return Person(self.user, self.name or self.user or "somebody")


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer, and whether the whole channel sees it; ``call`` is the verdict where one was asked for.

    ``view`` is a modal that says it better, where the door can open one. ``later`` is the rest of the answer, where
    that takes a while; it may raise UsageError. ``replaces``: it takes the place of the message with the button.
    ``export`` is what its files would be of. ``posts_to`` is a channel that is to hear of things from now on: the door
    adds a word where that takes no posts.
    """

    message: Message
    in_channel: bool = False
    call: Call | None = None
    view: Mapping[str, Any] | None = None
    later: Callable[[], Awaitable[Reply]] | None = None
    replaces: bool = False
    export: str = ""
    posts_to: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """A verb: what may follow it, what it does, and the function that does it; a question's answer can be shared.

    ``is_of_channel``: a mentioned channel is meant instead of this one. ``is_guarded``: it undoes what others have set
    up, and is for admins where there are some. ``more`` is what its own help adds.
    """

    usage: str
    help: str
    answer: Callable[[Desk, Ask], Reply]
    is_question: bool = False
    is_of_channel: bool = False
    is_guarded: bool = False
    more: str = ""


@dataclass(frozen=True, slots=True)
class Press:
    """Who pressed what, and where. ``value`` is what the button carries, or what was chosen from its menu.

    ``channel`` is as the book keeps it; ``room`` is Slack's id of it where the two differ (a person's direct messages).
    """

    action: str
    value: str
    channel: str
    person: Person
    room: str = ""


@dataclass(frozen=True, slots=True)
class Filled:
    """A modal as it was sent off: its id, what it was opened for, and what was written in it, by block."""

    view: str
    memory: str
    values: dict[str, str]
    person: Person

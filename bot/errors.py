"""The exceptions that Brownout raises. Each says what the caller can do next.

BrownoutError
├── ConfigError      the configuration or environment is wrong; has every mistake at once
├── ParseError       a body is not a page of the expected format; the poll counts as failed
├── SourceError      a page could not be fetched; has a code, and when to retry if the server said so
├── DeliveryError    a message was not accepted; permanent or not, and when to retry
├── StoreError       the database can't be opened or written; says what to do
│   └── PageMovedError   another bot polls the page by now
└── UsageError       a user asked for something that does not exist; the message is the answer
    └── NotWatchedError  it is in the catalogue, and off
"""

from __future__ import annotations

from enum import StrEnum


class RefusalScope(StrEnum):
    """What a refusal applies to: what else would be refused too."""

    WORKSPACE = "workspace"  # everything, until the bot has another token or right
    CHANNEL = "channel"  # everything to this channel
    PERSON = "person"  # everything to this person
    POST = "post"  # this message; others are accepted
    MESSAGE = "message"  # the message that was to be edited: post a new one
    TRANSIENT = "transient"  # nothing in particular; it passes
    UNKNOWN = "unknown"  # a code that is in no list: it may pass, or be this message's


class BrownoutError(Exception):
    """The base class of every exception that Brownout raises on purpose."""


class ConfigError(BrownoutError):
    """The configuration or environment is wrong. ``mistakes`` holds one line each, with file and line number."""

    def __init__(self, mistakes: list[str]) -> None:
        """``mistakes`` has at least one entry."""
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(mistakes))


class ParseError(BrownoutError):
    """A body is not a page of the expected format. It counts neither as an all-clear nor as an outage."""


class SourceError(BrownoutError):
    """A page could not be fetched. ``code`` is short and stable (``http_500``, ``timeout``, ``too_large``, ...)."""

    def __init__(self, message: str, *, code: str, retry_after: float | None = None) -> None:
        """``retry_after`` is in seconds, None where the server named none."""
        self.code = code
        self.retry_after = retry_after
        super().__init__(message)


class DeliveryError(BrownoutError):
    """A message was not accepted.

    Retrying does not help where it is ``permanent``; ``blame`` is what else would be refused too, by default this
    message if it is permanent and nothing otherwise.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        permanent: bool = False,
        retry_after: float | None = None,
        blame: RefusalScope | None = None,
        remedy: str = "",
        is_token: bool = False,
        may_be_taken: bool = False,
    ) -> None:
        """``retry_after`` is in seconds, None where the chat named none; ``remedy`` is what an operator can do.

        ``is_token``: the chat refuses the token itself, so another one may help. ``may_be_taken``: the chat may have
        accepted the message all the same; always so where the code is ``unknown_outcome``.
        """
        self.code = code
        self.permanent = permanent
        self.retry_after = retry_after
        self.blame = blame or (RefusalScope.POST if permanent else RefusalScope.TRANSIENT)
        self.remedy = remedy
        self.is_token = is_token
        self.may_be_taken = may_be_taken or code == "unknown_outcome"
        super().__init__(message)


class StoreError(BrownoutError):
    """The database can't be opened or written. The message says what to do."""


class OtherVersionError(StoreError):
    """A stored value has a key that this version does not know."""


class PageMovedError(StoreError):
    """What a poll found is not recorded, since another bot polls the page by now."""


class UsageError(BrownoutError):
    """A user asked for something that does not exist; the message is the answer, complete without any button.

    Attributes:
        typed: The part of the input that could not be used.
        choices: The names that ``typed`` could mean.
        labels: What a person reads for each of the choices.
        question: The message where each choice has a button; empty where it is the same.
        actions: What else to do: pairs of a label and a command.
    """

    def __init__(
        self,
        message: str,
        *,
        typed: str = "",
        choices: tuple[str, ...] = (),
        labels: tuple[str, ...] = (),
        question: str = "",
        actions: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """``message`` is shown to the user as it is."""
        self.typed = typed
        self.choices = choices
        self.labels = labels or choices
        self.question = question
        self.actions = actions
        super().__init__(message)


class NotWatchedError(UsageError):
    """A user named a service of a provider that is in the catalogue and off. ``provider`` is the provider's id."""

    def __init__(self, message: str, *, provider: str) -> None:
        """``message`` is shown to the user as it is."""
        self.provider = provider
        super().__init__(message, actions=(("Watch it", f"watch {provider}"),))

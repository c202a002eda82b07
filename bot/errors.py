"""The few failures of Brownout. Each says what the caller may do next.

BrownoutError
├── ConfigError      config or environment is wrong; carries every mistake at once
├── ParseError       bytes that are not the page they should be; the look counts as blind
├── SourceError      a page could not be read; carries a code, and when to try again if the server said so
├── DeliveryError    a post was not taken; permanent or not, and when to try again
├── StoreError       the database can't be opened or written; says what to do
└── UsageError       a person asked for something that is not there; the message is the answer
"""

from __future__ import annotations

from enum import StrEnum


class Blame(StrEnum):
    """What a refusal is about: it says what else would be refused too."""

    POST = "post"  # these words; other posts go through
    CHANNEL = "channel"  # everything to this channel
    BOT = "bot"  # everything, until it gets another token or another scope


class BrownoutError(Exception):
    """The root: everything that Brownout raises on purpose."""


class ConfigError(BrownoutError):
    """Config or environment is wrong. ``mistakes`` holds one line each, with file and line number."""

    def __init__(self, mistakes: list[str]) -> None:
        """Takes at least one mistake."""
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(mistakes))


class ParseError(BrownoutError):
    """The bytes are not the page they should be. Never an all-clear and never an outage."""


class SourceError(BrownoutError):
    """A page could not be read. ``code`` is short and stable (``http_500``, ``timeout``, ``too_large``, ...)."""

    def __init__(self, message: str, *, code: str, retry_after: float | None = None) -> None:
        """``retry_after`` is in seconds, where the server named one."""
        self.code = code
        self.retry_after = retry_after
        super().__init__(message)


class DeliveryError(BrownoutError):
    """A post was not taken. Trying again can't mend a permanent one; ``blame`` says what waits with it."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        permanent: bool = False,
        retry_after: float | None = None,
        blame: Blame = Blame.POST,
        remedy: str = "",
    ) -> None:
        """``retry_after`` is in seconds, where the chat server named one; ``remedy`` is what people can do."""
        self.code = code
        self.permanent = permanent
        self.retry_after = retry_after
        self.blame = blame
        self.remedy = remedy
        super().__init__(message)


class StoreError(BrownoutError):
    """The database can't be opened or written. The message says what to do."""


class UsageError(BrownoutError):
    """A person asked for something that is not there; the message is the answer, with the nearest match.

    Where ``typed`` could be one of several, ``choices`` are those.
    """

    def __init__(self, message: str, *, typed: str = "", choices: tuple[str, ...] = ()) -> None:
        """Takes the answer."""
        self.typed = typed
        self.choices = choices
        super().__init__(message)

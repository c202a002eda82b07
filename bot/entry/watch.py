"""What ``/brownout watch URL`` does: looks at an address that somebody typed, proposes a provider file, and keeps it.

What is kept is what was shown: the button carries a digest of the file, and a page that says something else by then is
proposed anew. The address is read strictly (bot.edge.fetch), now and at every look to come (``public`` in the file).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from bot import settings
from bot.edge.discover import Found
from bot.entry import add, switch
from bot.entry.draft import Wish
from bot.errors import UsageError
from bot.model import Person, Provider

log = logging.getLogger("brownout")

PATIENCE_S = 60.0  # for all the guesses at one address together
_DIGEST = 16


@dataclass(frozen=True, slots=True)
class Proposal:
    """A page that was found, and the file that would be written for it."""

    wish: Wish
    found: Found
    text: str
    file: Path
    is_known: bool = False  # the catalogue has it, switched off

    @property
    def digest(self) -> str:
        """Stands for the whole text."""
        return sha256(self.text.encode()).hexdigest()[:_DIGEST]


@dataclass(slots=True)
class Watch:
    """Adds providers while the bot runs. ``web`` makes strict readers; ``take_on`` begins to look at one more."""

    folder: Path
    web: add.Web
    take_on: Callable[[Provider], None]
    patience_s: float = PATIENCE_S
    _is_busy: bool = False

    async def propose(self, wish: Wish) -> Proposal:
        """What is at the address; UsageError where that is nothing to watch. One at a time, whoever asks."""
        if self._is_busy:
            raise UsageError("I am looking at another address just now; please try again in a minute.")
        self._is_busy = True
        try:
            known = await asyncio.to_thread(switch.named, wish.url, self.folder)
            async with asyncio.timeout(self.patience_s):
                found, _ = await add.look(wish, self.web, known)
        except TimeoutError:
            raise UsageError(f"{wish.url}: it answers too slowly to find out what it is.") from None
        finally:
            self._is_busy = False
        off = await asyncio.to_thread(switch.proposal, found, self.folder)
        text, file = off if off is not None else await asyncio.to_thread(add.proposal, wish, found, self.folder)
        return Proposal(wish, found, text, file, is_known=off is not None)

    async def keep(self, proposal: Proposal, by: Person) -> Provider:
        """Writes the file and watches its provider from now on. UsageError where either can't be done."""
        await asyncio.to_thread(add.put, proposal.file, proposal.text, self.folder)
        read = await asyncio.to_thread(settings.load, self.folder)
        provider = next(p for p in read.providers if p.id == proposal.file.stem)
        self.take_on(provider)
        log.info(
            "%s (%s) %s the provider %s: %s as %s, in %s",
            *(
                by.name,
                by.id,
                "switched on" if proposal.is_known else "added",
                provider.id,
                provider.source.url,
                provider.source.kind,
                proposal.file,
            ),
        )
        return provider

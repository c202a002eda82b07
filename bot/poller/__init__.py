"""Polls status pages: fetches a page, parses it, and finds out how the incidents ended that left it."""

from bot.poller.page_client import PageClient, PageResponse
from bot.poller.poller import Poller, RelocationDetector

__all__ = ["PageClient", "PageResponse", "Poller", "RelocationDetector"]

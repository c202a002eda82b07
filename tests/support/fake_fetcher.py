"""A fetcher without a network: it answers each path with the page or the error that a test has given it."""

from dataclasses import dataclass

from bot.errors import SourceError
from tests.support.pages import SUMMARY, page


@dataclass
class FakeResponse:
    body: bytes = b""
    url: str = "https://status.acme.example/api/v2/summary.json"
    etag: str | None = None
    not_modified: bool = False
    took_s: float = 0.1
    fallback_because: str | None = None


class FakeFetcher:
    """Gives what it was told for a path, again and again, and keeps what it was asked."""

    def __init__(self, **paths):
        self.paths = {SUMMARY: page(), **paths}
        self.asked = []

    def show(self, body, path=SUMMARY):
        self.paths[path] = body

    async def get(self, source_url, path, *, fallback, etag, accept):  # noqa: ARG002
        self.asked.append((path, etag))
        found = self.paths.get(path) or SourceError(f"{path}: HTTP 404", code="http_404")
        if isinstance(found, Exception):
            raise found
        return found if isinstance(found, FakeResponse) else FakeResponse(found)

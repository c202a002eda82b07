"""The readiness of a bot that works, for tests of the web application."""

from bot.web.app import Readiness


async def always_ready():
    """Nothing is wrong."""
    return Readiness()

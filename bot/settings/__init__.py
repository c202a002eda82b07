"""config/*.toml and the environment -> Settings, or every mistake at once with file and line.

Strict: an unknown key in our own files is a mistake. ``folder`` reads them all; ``main``, ``provider``, ``probe`` and
``numbers`` are what each may say; ``mistake`` turns a bad file into sentences; ``across`` is what no file shows alone.
"""

from bot.settings.folder import config_dir, load
from bot.settings.main import Poll, Replica, Store, Web
from bot.settings.settings import Settings

__all__ = ["Poll", "Replica", "Settings", "Store", "Web", "config_dir", "load"]

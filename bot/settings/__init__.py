"""Reads and validates the configuration. An error lists every mistake with file and line.

Validation is strict: an unknown key is a mistake. ``loader`` reads the ``layers``; ``brownout_toml``, ``verdict_toml``,
``provider_toml`` and ``probe_toml`` are the schemas of the files; ``toml_errors`` turns validation errors into
messages; ``cross_checks`` finds mistakes that span several files.
"""

from bot.settings.brownout_toml import PollSettings, ReplicaSettings, StoreSettings, WebSettings
from bot.settings.layers import DEFAULT_FOLDER, config_dir, existing_folder, user_folder
from bot.settings.loader import load, with_verdict_file
from bot.settings.settings import Settings

__all__ = [
    "DEFAULT_FOLDER",
    "PollSettings",
    "ReplicaSettings",
    "Settings",
    "StoreSettings",
    "WebSettings",
    "config_dir",
    "existing_folder",
    "load",
    "user_folder",
    "with_verdict_file",
]

"""A package that is not wanted is not there for a while, and afterwards it is."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from bot.import_guard import block_import


def test_a_package_that_is_unseen_can_not_be_imported():
    with block_import("this_is_not_imported"), pytest.raises(ImportError):
        importlib.import_module("this_is_not_imported")


def test_it_can_be_afterwards(tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("is_there = True")
    monkeypatch.syspath_prepend(tmp_path)
    with block_import("only_here"):
        pass
    assert importlib.import_module("only_here").is_there


def test_one_that_is_in_use_stays():
    with block_import("sys"):
        import sys as found  # noqa: PLC0415
    assert found is sys


def test_a_bot_in_slack_carries_neither_numpy_nor_rich():
    script = "import bot.cli.run, bot.web.server, sys; print({'numpy', 'rich'} & set(sys.modules))"
    root = Path(__file__).parents[1]
    told = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)  # noqa: S603
    assert told.stdout == "set()\n"

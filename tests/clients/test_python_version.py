"""The gate client runs on Python 3.9 and needs nothing but httpx (and what httpx brings)."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "bot" / "clients" / "python" / "brownout_gate"
FILES = sorted(PACKAGE.glob("*.py"))
OF_HTTPX = {"httpx", "anyio"}  # httpx depends on anyio


def imported(file):
    """The top-level packages that a module imports."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.partition(".")[0]


def test_vermin_finds_nothing_newer_than_python_3_9():
    vermin = Path(sys.executable).with_name("vermin")
    program = str(vermin) if vermin.exists() else shutil.which("vermin")
    if program is None:
        pytest.skip("vermin is not installed")
    run = subprocess.run(  # noqa: S603 - vermin
        [program, "-t=3.9-", "--no-tips", "--violations", *map(str, FILES)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_it_parses_as_python_3_9(file):
    assert ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 9))


@pytest.mark.parametrize("file", [f for f in FILES if not f.name.startswith("for_")], ids=lambda file: file.name)
def test_it_imports_httpx_and_the_standard_library_alone(file):
    assert {name for name in imported(file) if name not in sys.stdlib_module_names} <= OF_HTTPX | {"brownout_gate"}

"""uv.lock: what pyproject.toml asks for and nothing else, every file by its hash, all of it from PyPI."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
PACKAGES = {p["name"]: p for p in LOCK["package"] if p["name"] != "brownout"}


def asked():
    """Every requirement of pyproject.toml, those of the extras too; what refers to an extra of its own is spelled out."""
    lists = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    found = [Requirement(text) for texts in lists for text in texts]
    return {(canonicalize_name(r.name), str(r.specifier), str(r.marker or "")) for r in found if r.name != "brownout"}


def its_own_marker(row):
    """What pyproject.toml wrote behind the semicolon; the lock adds the extra that asks."""
    marker = re.sub(r"(^| and )extra == '[^']*'$", "", row.get("marker", ""))
    return str(Requirement(f"x; {marker}").marker) if marker else ""


def test_the_lock_is_of_this_pyproject():
    [own] = [p for p in LOCK["package"] if p["name"] == "brownout"]
    locked = {
        (r["name"], str(Requirement(r["name"] + r.get("specifier", "")).specifier), its_own_marker(r))
        for r in own["metadata"]["requires-dist"]
    }
    assert locked == asked(), "run `uv lock`"


def test_what_is_locked_is_what_is_asked_for():
    wrong = [
        name for name, wanted, _ in asked() if PACKAGES[name]["version"] not in Requirement(name + wanted).specifier
    ]
    assert wrong == []


@pytest.mark.parametrize("name", PACKAGES)
def test_every_file_has_its_hash_and_comes_from_pypi(name):
    package = PACKAGES[name]
    files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else [])]
    assert files
    assert package["source"] == {"registry": "https://pypi.org/simple"}
    assert all(f["hash"].startswith("sha256:") and len(f["hash"]) == 71 for f in files)
    assert all(f["url"].startswith("https://files.pythonhosted.org/") for f in files)

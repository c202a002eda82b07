"""The layout of the tree: tests are found by their module's name, and names in the code are plain and unique."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BOT = ROOT / "bot"
MODULES = {file.relative_to(BOT): ast.parse(file.read_text(encoding="utf-8")) for file in sorted(BOT.rglob("*.py"))}
TEST_FOLDERS_OF_NO_PACKAGE = {
    "bench",  # measurements
    "browser",  # the board in a real browser
    "clients",  # what other programs use: the gate client, in Python and TypeScript
    "contract",  # what the bot promises to stay compatible with
    "docs",  # the manual
    "e2e",  # the whole bot against the Slack emulator
    "faults",  # the whole bot on bad days
    "reference",  # a second implementation of the reliability figures
    "replays",  # recorded incidents through the whole bot
    "security",  # hostile input through every interface
    "support",  # helpers
}
# Words that say nothing about what a function, class or constant is. A name may contain one; it must not be one.
VAGUE_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        afterwards again alike anew as_told asks bare barred began beside begun book called came chore courier crowd
        dark deed deeds desk door drawn drawn_in dwelt each_of eased eases elsewhere errand fallen fold found freed fuse
        glance glimpse goes_on gone heard hearing hears hearsay heed here how how_soon hush is_dark is_told judged kept
        kept_up kin knew knows late left look looked looker looks meet mended met mine moved moved_on moves named
        of_change of_surfaces of_verdicts ours outlived over owe owed owes owing parked ramp redrawn rings room rung
        said said_again sheet shown skim spoken stand standing stands strip stroke strokes take_on taken taken_over
        takes tick ticks told told_afterwards unread unsaid unwatched vigil vouches watched watched_anew watching wave
        went whole who wider witness witnessed witnesses
        """,
    )
)


def mirrored_tests():
    """Every test file below a folder of the tests that is named after a package of the bot."""
    packages = [folder.name for folder in BOT.iterdir() if (folder / "__init__.py").exists()]
    return sorted(
        file.relative_to(ROOT / "tests") for name in packages for file in (ROOT / "tests" / name).rglob("test_*.py")
    )


def is_named_after_a_module(test):
    """Whether ``test_NAME.py`` or ``test_NAME_ASPECT.py`` has a module or a package NAME at the same place."""
    words = test.stem.removeprefix("test_").split("_")
    names = {"_".join(words[:count]) for count in range(1, len(words) + 1)}
    folder = BOT / test.parent
    return any((folder / f"{name}.py").exists() or (folder / name / "__init__.py").exists() for name in names)


def top_level_names(tree):
    """The functions, classes and constants of a module."""
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=targets):
                yield from (n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name


def classes(tree):
    return [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]


@pytest.mark.parametrize("test", mirrored_tests(), ids=str)
def test_a_modules_tests_are_found_by_its_name(test):
    assert is_named_after_a_module(test)


def test_every_folder_of_tests_mirrors_a_package_or_is_known_not_to():
    folders = {file.parent.name for file in (ROOT / "tests").glob("*/*.py")}
    assert {name for name in folders if not (BOT / name / "__init__.py").exists()} == TEST_FOLDERS_OF_NO_PACKAGE


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_no_top_level_name_is_a_vague_word(module):
    assert [name for name in top_level_names(MODULES[module]) if name.strip("_").lower() in VAGUE_WORDS] == []


def test_every_class_name_is_defined_once():
    counts = Counter(name for tree in MODULES.values() for name in classes(tree))
    assert [name for name, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("module", [module for module in MODULES if module.parts[0] == "domain"], ids=str)
def test_every_public_class_of_the_domain_is_in_the_glossary(module):
    glossary = (BOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    public = [name for name in classes(MODULES[module]) if not name.startswith("_")]
    assert [name for name in public if f"`{name}`" not in glossary] == []


def names_in_section(docstring, section):
    """The names that a Google-style section of a docstring explains."""
    _, _, text = docstring.partition(f"{section}:\n")
    return re.findall(r"(?m)^    \*{0,2}(\w+): ", re.split(r"(?m)^\S", text)[0])


def own_names(node):
    """What a class or a function has: parameters, or fields, attributes and methods."""
    if isinstance(node, ast.ClassDef):
        inside = list(ast.walk(node))
        fields = {n.target.id for n in inside if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)}
        methods = {n.name for n in inside if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
        return fields | methods | {n.attr for n in inside if isinstance(n, ast.Attribute)}
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
    return {a.arg for a in arguments if a is not None}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_docstrings_explain_only_names_that_are_there(module):
    nodes = [
        n for n in ast.walk(MODULES[module]) if isinstance(n, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    explained = [
        (node, name)
        for node in nodes
        for name in names_in_section(
            ast.get_docstring(node) or "", "Attributes" if isinstance(node, ast.ClassDef) else "Args"
        )
    ]
    assert [(node.name, name) for node, name in explained if name not in own_names(node)] == []

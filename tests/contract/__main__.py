"""``python -m tests.contract`` prints how the public surface differs from the golden files; ``--write`` rewrites them."""

from __future__ import annotations

import sys
from difflib import unified_diff

from tests.contract.goldens import GOLDENS, path


def main() -> int:
    """The exit code: 1 where something differs and was not written."""
    is_writing = sys.argv[1:] == ["--write"]
    is_same = True
    for name, make in GOLDENS.items():
        file, made = path(name), make()
        committed = file.read_text(encoding="utf-8") if file.exists() else ""
        if is_writing:
            file.write_text(made, encoding="utf-8")
        for line in unified_diff(committed.splitlines(), made.splitlines(), f"a/{name}", f"b/{name}", lineterm=""):
            is_same = False
            sys.stdout.write(f"{line}\n")
    return 0 if is_same or is_writing else 1


raise SystemExit(main())

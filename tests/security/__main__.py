"""``python -m tests.security``: runs the tests of the sixty hostile inputs and prints their table. Exit code 1 if one fails."""

from __future__ import annotations

import contextlib
import io
import sys

import pytest

from tests.security.table import COUNT, Table, files


def main() -> int:
    """Prints the table, and what failed, if anything did."""
    table, said = Table(), io.StringIO()
    with contextlib.redirect_stdout(said):
        code = pytest.main(["-q", "-p", "no:randomly", "-p", "no:cacheprovider", *files()], plugins=[table])
    print("\n".join(table.lines()))
    cases = sum(len(r.outcomes) for r in table.rows.values())
    passed = sum(r.result == "pass" for r in table.rows.values())
    print(f"\n{passed} of {COUNT} pass, in {cases} cases.")
    if code:
        print(said.getvalue(), file=sys.stderr)
    return int(code)


if __name__ == "__main__":
    sys.exit(main())

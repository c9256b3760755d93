"""docs/cli.md is the help of the commands as they are."""

from __future__ import annotations

import runpy
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def test_the_command_reference_is_current() -> None:
    script = runpy.run_path(str(REPOSITORY / "scripts" / "make_cli_reference.py"))
    written = (REPOSITORY / "docs" / "cli.md").read_text(encoding="utf-8")
    # versions of click break lines differently
    assert written.split() == script["reference"]().split(), "run python scripts/make_cli_reference.py"

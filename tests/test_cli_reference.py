"""docs/cli.md equals the current help of the commands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def test_command_reference_is_current() -> None:
    # in a new process, as click keeps the help option of the first call
    script = REPOSITORY / "scripts" / "make_cli_reference.py"
    code = f"import runpy; print(runpy.run_path({str(script)!r})['reference']())"
    current = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    written = (REPOSITORY / "docs" / "cli.md").read_text(encoding="utf-8")
    # versions of click break lines differently
    assert written.split() == current.split(), "run python scripts/make_cli_reference.py"

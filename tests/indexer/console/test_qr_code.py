"""QR codes on terminals."""

from __future__ import annotations

import io

import pytest
import segno

from indexer.console.qr_code import BORDER, RESET, WHITE_ON_BLACK, qr_code

URL = "http://192.168.178.23:8765/?token=abcdefghijklmnopqrstuvwxyz012345"


class Terminal(io.TextIOWrapper):
    """Standard output of a terminal."""

    def isatty(self) -> bool:
        return True


def show(monkeypatch: pytest.MonkeyPatch, columns: int = 80, lines: int = 24, encoding: str = "utf-8") -> str | None:
    """The code of URL on a terminal of a size and encoding."""
    monkeypatch.setattr("sys.stdout", Terminal(io.BytesIO(), encoding=encoding))
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", str(lines))
    return qr_code(URL)


def test_half_blocks_are_the_modules_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = show(monkeypatch)
    assert shown is not None
    light: list[list[bool]] = []
    for line in shown.splitlines():
        assert line.startswith(WHITE_ON_BLACK), "readable on light and dark terminals"
        blocks = line.removeprefix(WHITE_ON_BLACK).removesuffix(RESET)
        light += [[block in "█▀" for block in blocks], [block in "█▄" for block in blocks]]
    modules = [[not dark for dark in row] for row in segno.make(URL, error="l").matrix_iter(border=BORDER)]
    assert light[: len(modules)] == modules


def test_code_is_left_out_where_it_cannot_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert show(monkeypatch, columns=40) is None
    assert show(monkeypatch, lines=15) is None
    assert show(monkeypatch, encoding="ascii") is None
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert qr_code(URL) is None

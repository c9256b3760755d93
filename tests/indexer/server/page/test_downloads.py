"""Downloads on the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

FILES = {
    "Subtitles SRT": ("first talk.srt", "1\n00:00:00,080 --> "),
    "Subtitles VTT": ("first talk.vtt", "WEBVTT"),
    "Text TXT": ("first talk.txt", "i am a human"),
    "Words with times JSON": ("first talk.json", '{"path": "/'),
}


@pytest.mark.parametrize("label", FILES)
def test_a_transcript_is_downloaded(page: Page, library: Any, label: str) -> None:
    page.goto(f"/r/{library.ids['talks/first talk.wav']}")
    page.get_by_text("Download transcript").click()
    with page.expect_download() as started:
        page.get_by_role("link", name=label).click()
    name, beginning = FILES[label]
    assert started.value.suggested_filename == name
    assert Path(started.value.path()).read_text(encoding="utf-8").startswith(beginning)
    expect(page.get_by_role("link", name=label)).not_to_be_visible()


def test_the_menu_is_used_by_keyboard(page: Page, library: Any) -> None:
    page.goto(f"/r/{library.ids['talks/first talk.wav']}")
    summary = page.locator(".menu summary")
    summary.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Subtitles SRT")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Subtitles SRT")).not_to_be_visible()
    expect(summary).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Subtitles SRT")).to_be_visible()
    page.locator("h1").click()
    expect(page.get_by_role("link", name="Subtitles SRT")).not_to_be_visible()

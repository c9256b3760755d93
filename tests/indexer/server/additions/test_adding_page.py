"""The view that adds recordings and removes them, in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect


@pytest.fixture
def adding(browser: Browser, site: Any) -> Iterator[Page]:
    """The view, logged in; the test fails on errors in the console."""
    token = site.client.headers["authorization"].removeprefix("Bearer ")
    with browser.new_context(base_url=str(site.client.base_url)) as context:
        page = context.new_page()
        page.set_default_timeout(30_000)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: problems.append(dialog.message))
        page.goto(f"/?token={token}")
        page.get_by_role("link", name="Add recordings").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Add recordings")
        expect(page.locator(".removable li")).to_have_count(1)
        yield page
        assert problems == []


def test_upload_folder_progress_and_cancel(adding: Page, site: Any, tmp_path: Path) -> None:
    files = [site.sound(tmp_path / "files" / "one.wav"), tmp_path / "files" / "notes.mp3"]
    files[1].write_text("no sound")
    adding.get_by_label("Choose files").set_input_files(files)
    expect(adding.locator(".jobs > li", has_text="one.wav")).to_contain_text("1 recording added")
    expect(adding.locator(".jobs > li", has_text="notes.mp3")).to_contain_text("notes.mp3: is not audio")
    expect(adding.get_by_role("status")).to_contain_text("one.wav: 1 recording added")
    expect(adding.locator(".removable li")).to_have_count(2)
    folder = site.library.folder / "new"
    site.sound(folder / "slow.wav")
    adding.get_by_label("A folder on the server").fill("/etc")
    adding.keyboard.press("Enter")
    expect(adding.get_by_role("alert")).to_contain_text("may not be added")
    adding.get_by_label("A folder on the server").fill(str(folder))
    adding.get_by_role("button", name="Add folder").click()
    row = adding.locator(".jobs > li", has_text=str(folder))
    expect(row).to_contain_text("slow.wav, 1 s of 1 s")  # 0.5 s, rounded
    expect(row.get_by_role("progressbar")).to_have_attribute("value", "0.5")
    row.get_by_role("button", name="Cancel").click()
    expect(row).to_contain_text("canceled")
    expect(row.get_by_role("progressbar")).not_to_be_visible()


def test_files_that_are_too_long_are_not_sent(adding: Page, site: Any, tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    path.write_bytes(bytes(1_000_001))
    adding.get_by_label("Choose files").set_input_files(path)
    expect(adding.locator(".jobs > li")).to_contain_text("at most 1 MB")
    assert list(site.uploads.iterdir()) == []


def test_removal_is_confirmed(adding: Page, site: Any, tmp_path: Path) -> None:
    adding.get_by_label("Choose files").set_input_files(site.sound(tmp_path / "mine.wav"))
    expect(adding.locator(".removable li")).to_have_count(2)
    adding.get_by_role("button", name="Remove talk").click()
    expect(adding.get_by_role("dialog")).to_contain_text("The file stays")
    expect(adding.get_by_role("dialog").get_by_role("checkbox")).to_have_count(0)
    adding.keyboard.press("Escape")
    expect(adding.locator(".removable li")).to_have_count(2)
    adding.get_by_role("button", name="Remove mine").click()
    adding.get_by_label("delete the uploaded file for good").check()
    adding.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(adding.locator(".removable li")).to_have_count(1)
    assert list(site.uploads.iterdir()) == []
    adding.get_by_role("button", name="Remove talk").click()
    adding.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(adding.locator(".removable li")).to_have_count(0)
    assert (site.library.folder / "talk.wav").exists()


def test_dropped_files_and_narrow_screens(adding: Page, site: Any, tmp_path: Path) -> None:
    content = list(site.sound(tmp_path / "dropped.wav").read_bytes()[:4000])
    drop = """(bytes) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], "a rather long name of a recording, dropped.wav"));
      document.querySelector(".drop").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
    }"""
    adding.evaluate(drop, content)
    expect(adding.locator(".jobs > li")).to_contain_text("dropped.wav")
    adding.set_viewport_size({"width": 360, "height": 640})
    assert adding.evaluate("document.documentElement.scrollWidth") <= 360
    unnamed = adding.evaluate(
        "[...document.querySelectorAll('button, a[href], input, select')].filter((control) => control.checkVisibility()"
        " && !(control.ariaLabel || control.textContent.trim() || control.labels?.length))"
        ".map((control) => control.outerHTML)"
    )
    assert unnamed == []

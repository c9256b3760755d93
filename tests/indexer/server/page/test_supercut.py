"""Chosen hits on the page: their quotes, and a supercut of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import soundfile
from page_driver import page_of, search
from playwright.sync_api import Browser, Page, expect

from indexer.index import open_index
from indexer.types import NO_MEDIA


def choose(page: Page, *numbers: int) -> None:
    """Choose hits by their numbers on the page."""
    page.get_by_role("button", name="Choose hits").click()
    for number in numbers:
        page.locator(".pick input").nth(number).check()


def copied(page: Page) -> str:
    """The text in the clipboard, after a message that it is there."""
    expect(page.locator(".toast")).to_contain_text("copied")
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_the_quote_of_a_hit_is_copied_with_its_link(page: Page, library: Any) -> None:
    search(page, "human things this")
    page.get_by_role("button", name="Copy the quote from first talk").click()
    text, source, link = copied(page).split("\n")
    assert "human things this" in text
    assert source == "— first talk, 0:01"
    page.goto(link)
    expect(page.locator(".quoted")).to_have_text(["human", "things", "this"])


def test_chosen_hits_are_joined_in_the_order_of_the_page(page: Page) -> None:
    search(page, "human")
    expect(page.locator(".hits > li")).to_have_count(7)
    expect(page.locator(".pick").first).not_to_be_visible()
    choose(page, 0, 2, 3)
    bar = page.get_by_role("group", name="Chosen hits")
    expect(bar).to_contain_text("3 hits")
    expect(page.get_by_role("status")).to_contain_text("3 hits")
    bodies: list[Any] = []
    page.on("request", lambda request: bodies.append(request.post_data_json) if request.method == "POST" else None)
    bar.get_by_label("Format of the clip").select_option("flac")
    with page.expect_download() as started:
        bar.get_by_role("button", name="Download supercut").click()
    assert started.value.suggested_filename == "supercut-of-3-clips.flac"
    ((clips,),) = ([body["clips"]] for body in bodies)
    assert len(clips) == 3
    length = sum(clip["end"] - clip["start"] for clip in clips) + 3 * 0.5 - 2 * 0.02
    assert soundfile.info(started.value.path()).duration == pytest.approx(length, abs=0.6), "some padding is cut off"
    expect(page.locator(".toast")).to_contain_text("Saved as supercut")
    expect(bar.get_by_role("progressbar")).not_to_be_visible()


def test_all_hits_are_chosen_and_quoted_by_keyboard(page: Page) -> None:
    search(page, "human things")
    expect(page.locator(".hits > li")).to_have_count(2)
    page.get_by_role("button", name="Choose hits").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".pick input").first).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator(".pick input").first).to_be_checked()
    bar = page.get_by_role("group", name="Chosen hits")
    expect(bar).to_contain_text("1 hit,")
    bar.get_by_role("button", name="All").press("Enter")
    expect(bar).to_contain_text("2 hits")
    bar.get_by_role("button", name="Copy quotes").press("Enter")
    quotes = copied(page).split("\n\n")
    assert [quote.count("\n") for quote in quotes] == [2, 2]
    bar.get_by_role("button", name="None").press("Enter")
    expect(bar).to_contain_text("No hit chosen")
    expect(bar.get_by_role("button", name="Download supercut")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(bar).not_to_be_visible()
    expect(page.get_by_role("button", name="Choose hits")).to_be_focused()


def test_a_supercut_is_canceled_and_its_errors_are_shown(serve: Any, own_library: Any, browser: Browser) -> None:
    url = str(serve(own_library).base_url).rstrip("/")
    context = browser.new_context(base_url=url)
    page = context.new_page()
    search(page, "human")
    choose(page, 0)
    page.route("**/api/supercut", lambda route: None)  # no answer
    page.get_by_role("button", name="Download supercut").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.get_by_role("group", name="Chosen hits")).to_contain_text("Joining 1 hit…")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("progressbar")).not_to_be_visible()
    expect(page.get_by_role("button", name="Download supercut")).to_be_enabled()
    page.unroute("**/api/supercut")
    (own_library.folder / "talk.wav").unlink()
    page.get_by_role("button", name="Download supercut").click()
    expect(page.locator(".toast")).to_contain_text("Clip 1 (talk.wav): ")
    expect(page.locator(".toast")).to_contain_text("the file no longer exists")
    context.close()


def test_hits_without_sound_are_quoted_only(serve: Any, own_library: Any, browser: Browser) -> None:
    with open_index(str(own_library.store)) as index:
        (recording,) = index.recordings()
        index.add(replace(recording, model=f"{NO_MEDIA}vtt"), index.words(recording.id))
    url = str(serve(own_library).base_url).rstrip("/")
    context = browser.new_context(base_url=url)
    page = context.new_page()
    search(page, "human")
    choose(page, 0)
    bar = page.get_by_role("group", name="Chosen hits")
    expect(bar).to_contain_text("1 hit, 1 without sound")
    expect(bar.get_by_role("button", name="Copy quotes")).to_be_enabled()
    expect(bar.get_by_role("button", name="Download supercut")).to_be_disabled()
    context.close()


def test_the_bar_fits_a_phone(browser: Browser, url: str) -> None:
    with page_of(browser, url, viewport={"width": 360, "height": 640}) as page:
        search(page, "human")
        choose(page, 0, 1)
        box = page.get_by_role("group", name="Chosen hits").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
        assert page.evaluate("document.documentElement.scrollWidth") <= 360

"""Words corrected on the page."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from page_driver import page_of
from playwright.sync_api import Browser, Page, expect


def open_talk(page: Page, own_library: Any) -> None:
    page.goto(f"/r/{own_library.ids['talk.wav']}")
    expect(page.locator("[data-i]")).to_have_count(len(own_library.words["talk.wav"]))


def words(page: Page) -> list[str]:
    return page.locator("[data-i]").all_inner_texts()


def picture(page: Page, name: str) -> None:
    """Save a screenshot in the folder of AUDIOSEARCH_TEST_PICTURES, if it is set."""
    if folder := os.environ.get("AUDIOSEARCH_TEST_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png")


@pytest.mark.parametrize("width", [1100, 390])
def test_correcting_and_reverting_words(
    width: int, browser: Browser, serve: Callable[..., httpx.Client], own_library: Any
) -> None:
    url = str(serve(own_library).base_url).rstrip("/")
    with page_of(browser, url, viewport={"width": width, "height": 800}) as page:
        open_talk(page, own_library)
        page.locator("[data-i='3']").dblclick()
        field = page.get_by_role("textbox", name="Correct “human”")
        expect(field).to_be_focused()
        picture(page, f"field-{width}")
        field.fill("brown fox")
        page.keyboard.press("Enter")
        expect(page.locator("[data-i='4']")).to_have_text("fox")
        assert words(page)[:7] == ["i", "am", "a", "brown", "fox", "saying", "human"]
        assert page.locator(".corrected").all_inner_texts() == ["brown", "fox"]
        assert page.locator("[data-i='3']").get_attribute("title") == "recognized as “human”"
        expect(page.locator("[data-i='3']")).to_be_focused()
        expect(page.locator("#caption")).not_to_contain_text("a human saying")
        page.keyboard.press("F2")
        picture(page, f"revert-{width}")
        page.keyboard.press("Escape")
        expect(page.locator("[data-i='3']")).to_be_focused()
        assert len(words(page)) == len(own_library.words["talk.wav"]) + 1
        page.reload()
        expect(page.locator(".corrected")).to_have_count(2)
        page.locator("[data-i='3']").dblclick()
        page.get_by_role("button", name="Revert to “human”").click()
        expect(page.locator("[data-i='3']")).to_have_text("human")
        expect(page.locator(".corrected")).to_have_count(0)
        assert words(page)[:5] == ["i", "am", "a", "human", "saying"]


def test_selected_words_are_edited_by_a_button(
    browser: Browser, serve: Callable[..., httpx.Client], own_library: Any
) -> None:
    url = str(serve(own_library).base_url).rstrip("/")
    with page_of(browser, url) as page:
        open_talk(page, own_library)
        page.locator(".stamp").first.focus()
        for key in ("ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight"):
            page.keyboard.press(key)
        page.get_by_role("toolbar", name="Selected words").get_by_role("button", name="Edit").click()
        expect(page.locator(".correction input")).to_be_focused()
        page.keyboard.press("Delete")
        page.keyboard.press("Enter")
        expect(page.locator(".correction")).to_have_count(0)
        expect(page.locator("[data-i='0']")).not_to_have_text("i")
        assert len(words(page)) < len(own_library.words["talk.wav"])


def test_nothing_is_edited_on_a_read_only_server(
    browser: Browser, serve: Callable[..., httpx.Client], own_library: Any
) -> None:
    url = str(serve(own_library, read_only=True).base_url).rstrip("/")
    with page_of(browser, url) as page:
        open_talk(page, own_library)
        page.locator("[data-i='3']").dblclick()
        expect(page.get_by_role("toolbar", name="Selected words")).to_be_visible()
        expect(page.locator(".correction, .edit")).to_have_count(0)

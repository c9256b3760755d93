"""Searches while typing, and the entries they leave in the history."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from page_driver import search
from playwright.sync_api import Page, Request, expect


def queries(requests: list[Request]) -> list[str]:
    return [parse_qs(urlsplit(request.url).query)["q"][0] for request in requests if "/api/search?" in request.url]


def test_words_are_searched_while_they_are_typed(page: Page) -> None:
    page.goto("/")
    expect(page.locator(".recordings li")).to_have_count(6)
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request))
    page.get_by_role("searchbox", name="Spoken words").press_sequentially("human thi", delay=20)
    expect(page.locator(".hits > li")).to_have_count(3)
    expect(page.locator(".notes")).to_contain_text("Press Enter to search for “human thi”")
    expect(page.get_by_role("searchbox", name="Spoken words")).to_be_focused()
    expect(page.get_by_role("searchbox", name="Spoken words")).to_have_value("human thi")
    assert queries(requests)[-1] == "human thi*"
    assert len(queries(requests)) < 5, "not one for each key"


def test_typing_leaves_one_entry_in_the_history(page: Page) -> None:
    search(page, "sun")
    expect(page.locator(".hits > li")).to_have_count(3)
    entries = page.evaluate("history.length")
    box = page.get_by_role("searchbox", name="Spoken words")
    for text, hits in (("ma", 6), ("man", 5), ("man sa", 1)):
        box.fill(text)
        expect(page.locator(".hits > li")).to_have_count(hits)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing found")
    box.fill("man said")
    page.keyboard.press("Enter")
    expect(page.locator(".hits > li")).to_have_count(1)
    assert page.evaluate("history.length") == entries + 2, "man sa, man said"
    page.go_back()
    page.go_back()
    expect(box).to_have_value("sun")
    expect(page.locator(".hits > li")).to_have_count(3)


def test_unfinished_operators_change_nothing(page: Page) -> None:
    search(page, "sun")
    expect(page.locator(".hits > li")).to_have_count(3)
    with page.expect_response("**/api/search?*") as response:
        page.get_by_role("searchbox", name="Spoken words").fill("sun since:")
    assert response.value.ok or response.value.status == 400
    expect(page.get_by_role("alert")).to_have_count(0)

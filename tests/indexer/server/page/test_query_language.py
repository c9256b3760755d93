"""The query language in the search box of the page."""

from __future__ import annotations

from page_driver import search
from playwright.sync_api import Page, expect


def test_operators_in_the_search_box(page: Page) -> None:
    search(page, '"human things" -mist path:talks')
    expect(page.locator(".tally")).to_have_text("Nothing found")
    search(page, '"human things" "sun" path:TALKS')
    expect(page.locator(".hit mark")).to_have_text("human things")
    search(page, "human OR sun foo:bar")
    expect(page.locator(".notes")).to_contain_text("foo: is no operator")
    expect(page.locator(".hit mark").first).to_have_text("human")


def test_help_lists_the_operators_from_the_top(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Help and keys").click()
    help_dialog = page.get_by_role("dialog")
    expect(help_dialog.get_by_role("heading", name="Help")).to_be_in_viewport()
    for operator in ("within:30", "path:podcasts", "since:2024-05", "until:2024-06-01", "voice:left", "storm OR sea"):
        expect(help_dialog.get_by_text(operator, exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(help_dialog).not_to_be_visible()

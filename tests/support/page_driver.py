"""The web page in a browser, driven by Playwright."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

expect.set_options(timeout=20_000)  # milliseconds; test machines may be slow


@contextlib.contextmanager
def page_of(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    """A page of a server, with access to the clipboard.

    At the end the test fails on errors in the console, and on requests to other hosts.

    Args:
        options: of the browser's context, such as ``viewport``.
    """
    options = {"permissions": ["clipboard-read", "clipboard-write"], **options}
    context = browser.new_context(base_url=url, **options)
    page = context.new_page()
    page.set_default_timeout(30_000)
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    page.on(
        "request",
        lambda request: None if request.url.startswith((url, f"blob:{url}")) else problems.append(request.url),
    )
    yield page
    context.close()
    assert problems == []


def seconds(page: Page) -> float:
    """Current time of the audio element."""
    return float(page.evaluate("audio.currentTime"))  # ids of elements are global variables


def wait_until(page: Page, condition: str) -> None:
    """Wait for a condition in JavaScript; ``page.wait_for_function`` needs eval, which the page's policy forbids."""
    for _ in range(300):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never true: {condition}")


def search(page: Page, text: str) -> None:
    """Search for a text from the start page."""
    page.goto("/")
    page.get_by_role("searchbox", name="Spoken words").fill(text)
    page.keyboard.press("Enter")

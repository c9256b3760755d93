"""Transcripts without media, and recordings whose files are gone, in all views."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
from page_driver import page_of
from playwright.sync_api import Browser, Response, expect

from audiosearch.types import Word
from indexer.index import open_index
from indexer.types import NO_MEDIA, Location, Recording

WORDS = [
    Word(text, n / 2, n / 2 + 0.4, 0.9) for n, text in enumerate(["all", "human", "things", "are", "said", "here"])
]
REASONS = {
    "imported": "only a transcript",
    "imported-lost": "only a transcript, whose file is gone",
    "lost": "its file is gone",
}


class Store(NamedTuple):
    store: Path


@pytest.fixture
def address(tmp_path: Path, serve: Any) -> str:
    """URL of a library of one recording of each kind."""
    (tmp_path / "week.ctm").touch()
    with open_index(str(tmp_path / "store.db"), create=True) as index:
        for identity, model, name in (
            ("imported", f"{NO_MEDIA}ctm", "week.ctm/monday"),
            ("imported-lost", f"{NO_MEDIA}vtt", "lost.vtt/lost"),
            ("lost", "model", "lost.wav"),
        ):
            index.add(Recording(identity, (Location(f"{tmp_path}/{name}", 1, 1),), 4.0, model, "2024-05-01"), WORDS)
    return str(serve(Store(tmp_path / "store.db")).base_url)


def test_they_look_like_what_they_are_and_nothing_is_requested_in_vain(browser: Browser, address: str) -> None:
    responses: list[Response] = []
    with page_of(browser, address) as page:
        page.on("response", lambda response: responses.append(response))
        page.goto("/?q=human")
        expect(page.locator(".hits > li")).to_have_count(3)
        assert sorted(page.locator(".silent").all_text_contents()) == sorted(REASONS.values())
        for selector in ("button.hit", ".wave", "a.open"):
            expect(page.locator(selector)).to_have_count(0)
        page.keyboard.press("j")
        page.keyboard.press("o")
        expect(page.locator("article h1")).to_be_visible()
        for identity, reason in REASONS.items():
            page.goto("/")
            page.locator(f"a[href='/r/{identity}']").click()
            expect(page.locator("article .details").first).to_contain_text(reason)
            page.goto(f"/r/{identity}?q=human&t=1")
            expect(page.locator(".match")).to_have_count(1)
            expect(page.locator("article .details").first).to_contain_text(reason)
            expect(page.locator(".wave")).to_have_count(0)
            page.locator("[data-i]").nth(4).click()
            page.keyboard.press("Space")
            page.get_by_role("button", name="Next hit").click()
            expect(page.locator("#player")).to_be_hidden()
        page.wait_for_timeout(200)
    assert [response.url for response in responses if response.status >= 400] == []
    assert not any("/peaks" in response.url or "/audio" in response.url for response in responses)

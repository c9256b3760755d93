"""The list of recordings on the start page."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect


def test_recordings_are_found_and_sorted_and_the_url_keeps_both(page: Page) -> None:
    page.goto("/")
    items = page.locator(".recordings li")
    expect(items).to_have_count(6)
    page.get_by_label("Find", exact=True).type("TALKS ir")
    expect(items).to_have_count(2)
    expect(page.locator(".shown")).to_have_text(re.compile("^2 recordings of “TALKS ir”, "))
    expect(page.get_by_role("status")).to_have_text(re.compile("^2 recordings of"))
    page.get_by_label("Sort").select_option("Longest")
    expect(items.first.locator("a")).to_have_text("first talk")
    expect(page).to_have_url(re.compile(r"/\?name=TALKS\+ir&sort=longest$"))
    page.reload()
    expect(items).to_have_count(2)
    expect(page.get_by_label("Sort")).to_have_value("longest")
    page.get_by_label("Find", exact=True).fill("nothing like it")
    expect(items).to_have_count(0)
    expect(page.locator(".shown")).to_have_text("No path contains “nothing like it”.")
    page.get_by_label("Find", exact=True).fill("")
    expect(items).to_have_count(6)
    expect(page.locator(".shown")).to_be_hidden()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_list_fits_its_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/?name=talks&sort=newest")
    expect(page.locator(".recordings li")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_api_sorts_and_filters(client: httpx.Client, library: Any) -> None:
    def listed(**parameters: str) -> dict[str, Any]:
        response = client.get("/api/recordings", params=parameters)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    durations = [record["duration"] for record in listed(sort="longest")["recordings"]]
    assert durations == sorted(durations, reverse=True)
    assert [record["duration"] for record in listed(sort="longest", reverse="true")["recordings"]] == durations[::-1]
    talks = listed(name="talks", limit="1")
    assert (len(talks["recordings"]), talks["total"]) == (1, 3)
    assert talks["seconds"] == pytest.approx(sum(r["duration"] for r in listed(name="talks")["recordings"]), abs=0.01)
    assert client.get("/api/recordings", params={"sort": "size"}).status_code == 400

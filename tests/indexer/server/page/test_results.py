"""Results: their order, filters, playing and pausing a hit, errors, and what is offered where nothing is found."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from page_driver import page_of, search, wait_until
from playwright.sync_api import Browser, Page, Route, expect

from indexer.index import open_index

PRESSED = ("aria-pressed", "true")
RELEASED = ("aria-pressed", "false")


def test_hits_of_a_recording_are_in_the_order_of_time(browser: Browser, own_library: Any, serve: Any) -> None:
    with open_index(str(own_library.store)) as index:
        (recording,) = index.recordings()
        words = [
            replace(word, confidence=0.5 + number / 100) for number, word in enumerate(own_library.words["talk.wav"])
        ]
        index.add(recording, words)
    with page_of(browser, str(serve(own_library).base_url)) as page:
        search(page, "man OR human")
        expect(page.locator(".hits > li")).to_have_count(4)
        times = page.locator(".hit .at [aria-hidden=true]:not(svg)").all_text_contents()
        assert times == sorted(times)
        assert page.locator(".hit .confidence").first.inner_text() < page.locator(".hit .confidence").last.inner_text()


def test_order_and_days_are_chosen_and_kept_in_the_url(page: Page) -> None:
    search(page, "human")
    expect(page.locator(".hits > li")).to_have_count(7)
    page.get_by_label("Order").select_option(label="recordings by name")
    expect(page).to_have_url(re.compile("order=name"))
    expect(page.locator(".group h2").first).to_contain_text("onerror")
    expect(page.locator(".group h2").last).to_have_text("third")
    page.get_by_label("Changed on this day or earlier").fill("2001-05-31")
    expect(page).to_have_url(re.compile("until=2001-06-01"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing found")
    page.reload()
    expect(page.get_by_label("Changed on this day or earlier")).to_have_value("2001-05-31")
    page.get_by_role("link", name="Of any date").click()
    expect(page.locator(".hits > li")).to_have_count(7)
    expect(page).to_have_url(re.compile("order=name"))


def test_a_hit_is_paused_in_place(page: Page) -> None:
    search(page, "human things")
    first, second = page.locator("button.hit").first, page.locator("button.hit").last
    first.click()
    wait_until(page, "audio.currentTime > 0 && !audio.paused")
    expect(first).to_have_attribute(*PRESSED)
    first.click()
    expect(first).to_have_attribute(*RELEASED)
    assert page.evaluate("audio.paused")
    reached = page.evaluate("audio.currentTime")
    first.click()
    expect(first).to_have_attribute(*PRESSED)
    assert page.evaluate("audio.currentTime") >= reached, "it goes on"
    second.click()
    expect(first).to_have_attribute(*RELEASED)
    expect(second).to_have_attribute(*PRESSED)
    page.locator("#toggle").click()
    expect(second).to_have_attribute(*RELEASED)
    page.locator("#toggle").click()
    expect(second).to_have_attribute(*PRESSED)


def test_suggestions_lead_to_hits(page: Page) -> None:
    search(page, "human sun")
    page.get_by_role("link", name="The same words anywhere in a recording").click()
    expect(page.locator(".hits > li")).not_to_have_count(0)
    expect(page.get_by_role("searchbox", name="Spoken words")).to_have_value('"human" "sun"')


def test_an_empty_library_says_how_to_add_recordings(browser: Browser, own_library: Any, serve: Any) -> None:
    with open_index(str(own_library.store)) as index:
        index.remove(own_library.ids["talk.wav"])
    with page_of(browser, str(serve(own_library).base_url)) as page:
        for address in ("/", "/?q=human"):
            page.goto(address)
            expect(page.get_by_text("No recordings yet")).to_be_visible()
            expect(page.get_by_text("audiosearch index FOLDER")).to_be_visible()


def test_an_error_of_the_network_is_tried_again(browser: Browser, url: str) -> None:
    page = browser.new_page(base_url=url)
    page.goto("/")
    page.route("**/api/search?*", lambda route: route.abort())
    page.get_by_role("searchbox", name="Spoken words").fill("human")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
    expect(page.get_by_role("main")).to_have_attribute("aria-busy", "false")
    page.unroute("**/api/search?*")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".hits > li")).to_have_count(7)
    page.close()


def test_results_that_take_long_have_gray_lines(page: Page) -> None:
    waiting: list[Route] = []
    page.route("**/api/search?*", lambda route: waiting.append(route))
    page.goto("/?q=human")
    expect(page.locator(".skeleton")).to_be_visible()
    expect(page.get_by_role("main")).to_have_attribute("aria-busy", "true")
    waiting[0].continue_()
    expect(page.locator(".hits > li")).to_have_count(7)
    expect(page.locator(".skeleton")).to_have_count(0)
    expect(page.get_by_role("main")).to_have_attribute("aria-busy", "false")


def test_controls_are_within_reach_on_a_phone(browser: Browser, url: str) -> None:
    with page_of(browser, url, viewport={"width": 390, "height": 800}) as page:
        search(page, "human things")
        page.locator("button.hit").first.click()
        for name in ("#speed", "#copy", "#length", "#help-button", "#toggle"):
            expect(page.locator(name)).to_be_in_viewport(ratio=1)
        sizes = page.evaluate(
            "[...document.querySelectorAll('button, a.open, #speed, #path, #order')].filter((e) => e.checkVisibility())"
            ".map((e) => [e.id || e.className, e.offsetWidth, e.offsetHeight])"
        )
        assert [size for size in sizes if min(size[1:]) < 40] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390

"""The page in a real browser: a system Chromium that Playwright drives; none is downloaded."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

REQUIRED = "AUDIOSEARCH_REQUIRE_CHROMIUM"

expect.set_options(timeout=20_000)  # milliseconds; machines that test are busy


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    path = os.environ.get("AUDIOSEARCH_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        if os.environ.get(REQUIRED):
            pytest.fail(f"{REQUIRED} is set, and there is no Chromium")
        pytest.skip("no Chromium: install the package chromium, or set AUDIOSEARCH_TEST_CHROMIUM to its path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--mute-audio"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """A page that may ask nobody but the server, and in whose console there may be no error."""
    context = browser.new_context(base_url=url, permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.set_default_timeout(30_000)
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("dialog", lambda dialog: troubles.append(dialog.message))
    page.on("request", lambda request: None if request.url.startswith(url) else troubles.append(request.url))
    yield page
    context.close()
    assert troubles == []


def seconds(page: Page) -> float:
    """The place that the audio element has reached."""
    return float(page.evaluate("audio.currentTime"))  # elements are known by their ids


def until(page: Page, true: str) -> None:
    """Wait for what an expression says. (Playwright's own way of waiting is what the page's policy forbids: eval.)"""
    for _ in range(300):
        if page.evaluate(true):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never: {true}")


def search(page: Page, text: str) -> None:
    page.goto("/")
    page.get_by_role("searchbox").fill(text)
    page.keyboard.press("Enter")


def test_search_click_and_hear(page: Page) -> None:
    search(page, "human things")
    expect(page.get_by_role("heading", level=1)).to_have_text("2 places in 2 recordings")
    expect(page.get_by_role("status")).to_have_text("2 places in 2 recordings.")
    expect(page.locator(".hit mark")).to_have_text(["human things"] * 2)
    expect(page.locator(".group .wave[data-drawn]")).to_have_count(2)
    line = page.locator(".group", has_text="first talk").locator("li")
    line.get_by_role("button").click()
    until(page, "audio.currentTime > 0.7")
    assert 0.68 <= seconds(page) < 2.5, "from one second before the hit, which is at 1.68"
    expect(line.locator(".now")).to_have_text("human")
    expect(line.locator(".now")).to_have_text("things")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    reached = seconds(page)
    page.wait_for_timeout(200)
    assert seconds(page) == reached


def test_the_marked_word_is_the_one_that_is_said(page: Page, shelf: Any) -> None:
    name = "talks/first talk.wav"
    words = shelf.words[name]
    page.goto(f"/r/{shelf.ids[name]}")
    expect(page.locator("[data-i]")).to_have_count(len(words))
    page.locator("[data-i]").nth(8).click()
    for _ in range(6):
        page.wait_for_timeout(150)
        time, index = page.evaluate(
            "() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => resolve("
            "[audio.currentTime, Number(document.querySelector('.transcript .now').dataset.i)]))))"
        )
        said = max(place for place, word in enumerate(words) if word.start <= time + 0.001)
        assert index in (said, said - 1), (time, index)
    expect(page.locator("#caption b")).to_have_text(re.compile(r"\w+"))
    assert re.search(r"[?&]t=3\.\d", page.url), "the address says where"


def test_a_permalink_opens_at_its_time(page: Page, shelf: Any) -> None:
    name = "talks/first talk.wav"
    word = shelf.words[name][9]
    page.goto(f"/r/{shelf.ids[name]}?t={word.start + 0.05:.2f}")
    expect(page.locator(".transcript .now")).to_have_text(word.text)
    expect(page.locator("#elapsed")).to_have_text(f"0:0{int(word.start)}")
    page.keyboard.press("c")
    expect(page.locator(".toast")).to_contain_text("is copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.endswith(f"/r/{shelf.ids[name]}?t={word.start + 0.05:.1f}")
    page.keyboard.press("Space")
    until(page, f"audio.currentTime > {word.start + 0.1}")


def test_keys(page: Page) -> None:
    page.goto("/")
    expect(page.locator(".recordings li")).to_have_count(6)
    page.keyboard.press("/")
    page.keyboard.type("human")
    page.keyboard.press("Enter")
    expect(page.locator(".hits > li")).to_have_count(7)
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Escape")
    for step, place in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
        page.keyboard.press(step)
        expect(page.locator(".hit").nth(place)).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator(".hits > li").nth(1)).to_have_class(re.compile("sounding"))
    page.keyboard.press("j")
    expect(page.locator(".hits > li").nth(2)).to_have_class(re.compile("sounding"))
    page.keyboard.press("o")
    expect(page.locator("article h1")).to_be_visible()
    expect(page.locator(".found")).not_to_have_count(0)
    expect(page.locator(".place")).to_contain_text("of")
    page.go_back()
    expect(page.locator(".hits > li")).to_have_count(7)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_label("single keys work").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).not_to_be_visible()


def test_a_decoded_recording_is_heard_too(page: Page, shelf: Any) -> None:
    page.goto(f"/r/{shelf.ids['music/fifth.aiff']}?t=2")
    expect(page.locator(".transcript .now")).to_be_visible()
    page.keyboard.press("Space")
    until(page, "audio.currentTime > 2.2")


def test_what_this_browser_does_not_play_is_decoded(page: Page, shelf: Any) -> None:
    page.route(re.compile(r"/audio$"), lambda route: route.fulfill(content_type="audio/ogg", body=b"nothing"))
    page.goto(f"/r/{shelf.ids['talks/third.ogg']}?t=1")
    expect(page.locator(".transcript .now")).to_be_visible()
    page.keyboard.press("Space")
    until(page, "audio.currentTime > 1.2")
    assert page.evaluate("audio.currentSrc").endswith("/audio?as=wav")


def test_hostile_names_are_text(page: Page, shelf: Any) -> None:
    search(page, "hostile name")
    (name,) = [name for name in shelf.ids if "onerror" in name]
    expect(page.locator(".group h2")).to_have_text(name.split("/")[1].removesuffix(".wav"))
    page.locator(".open").click()
    expect(page.locator("article h1")).to_contain_text("<img src=x")
    assert page.locator("main img").count() == 0
    page.goto("/?q=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E")
    expect(page.locator(".sought")).to_contain_text("<img")


def test_who_types_at_once_is_not_interrupted(page: Page) -> None:
    page.add_init_script(
        "const now = fetch, first = new Promise((go) => (window.go = go));"
        "window.fetch = async (...all) => (await first, now(...all));"
    )
    page.goto("/")
    page.get_by_role("searchbox").fill("human things")
    assert page.locator("#path option").count() == 1
    page.evaluate("window.go()")
    expect(page.locator("#path option")).not_to_have_count(1)
    expect(page.get_by_role("searchbox")).to_have_value("human things")


def test_filters_and_nothing_found(page: Page, shelf: Any) -> None:
    search(page, "human")
    expect(page.locator(".hits > li")).to_have_count(7)
    page.get_by_label("Folder").select_option(f"{shelf.folder}/music")
    expect(page.locator(".hits > li")).to_have_count(3)
    assert "path=" in page.url
    page.get_by_label("Confidence").select_option("0.95")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing found")
    page.get_by_role("link", name="Look in all folders").click()
    expect(page.locator(".hits > li")).to_have_count(7)
    search(page, "humen")
    page.get_by_role("link", name="human").click()
    expect(page.locator(".hits > li")).to_have_count(7)


def test_a_recording_that_is_gone_says_so(serve: Any, own_shelf: Any, browser: Browser) -> None:
    address = str(serve(own_shelf).base_url)
    (own_shelf.folder / "talk.wav").unlink()
    page = browser.new_page()
    page.goto(f"{address}/?q=human+things")
    page.locator(".hit").click()
    expect(page.locator(".toast")).to_contain_text("the file no longer exists")
    page.close()


def test_it_can_be_used_without_seeing_it(page: Page, shelf: Any) -> None:
    """Landmarks, headings, names of all that can be pressed, one stop of the Tab key for each."""
    page.goto(f"/r/{shelf.ids['talks/first talk.wav']}?q=human&t=1")
    expect(page.locator(".found")).not_to_have_count(0)
    for role in ("banner", "search", "main", "navigation"):
        expect(page.get_by_role(role)).to_have_count(1)
    expect(page.get_by_role("region", name="Player")).to_be_visible()
    expect(page.get_by_role("slider", name="Place in the recording")).to_have_attribute("aria-valuetext", "1 second")
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    unnamed = page.evaluate(
        "[...document.querySelectorAll('button, a[href], input, select')].filter((one) => one.checkVisibility() && "
        "!(one.ariaLabel || one.textContent.trim() || one.labels?.length)).map((one) => one.outerHTML)"
    )
    assert unnamed == []
    page.locator(".stamp").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.ariaLabel").startswith("am, 0:00, ")
    page.keyboard.press("Enter")
    until(page, "!audio.paused")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_letters_stand_out(browser: Browser, url: str, scheme: Any) -> None:
    """WCAG 2.2: 4.5 to 1 between letters and what is behind them; no scrolling sideways on a phone."""
    page = browser.new_page(color_scheme=scheme, viewport={"width": 360, "height": 640})
    page.goto(f"{url}/?q=human")
    expect(page.locator(".hits > li")).to_have_count(7)
    ratios = page.evaluate(
        """() => {
        const style = getComputedStyle(document.documentElement);
        const light = (name) => {
          const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
          pen.fillStyle = style.getPropertyValue(name).trim();
          pen.fillRect(0, 0, 1, 1);
          const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((c) => c / 255)
            .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const pairs = [["ink", "paper"], ["soft", "paper"], ["soft", "raised"], ["soft", "hover"], ["on-mark", "mark"],
          ["on-accent", "accent"], ["accent", "paper"], ["accent", "hover"]];
        return pairs.map(([one, other]) => [light(`--${one}`), light(`--${other}`)].sort((a, b) => b - a))
          .map(([high, low]) => (high + 0.05) / (low + 0.05));
      }"""
    )
    assert min(ratios) >= 4.5, ratios
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()

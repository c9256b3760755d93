"""The page in Chromium, driven by Playwright; the browser is the one of the system."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from page_driver import search, seconds, wait_until
from playwright.sync_api import Browser, Page, expect

from indexer.index import open_index


def test_search_and_play_a_hit(page: Page) -> None:
    search(page, "human things")
    expect(page.get_by_role("heading", level=1)).to_have_text("2 hits in 2 recordings")
    expect(page.get_by_role("status")).to_have_text("2 hits in 2 recordings.")
    expect(page.locator(".hit mark")).to_have_text(["human things"] * 2)
    expect(page.locator(".group .wave[data-drawn]")).to_have_count(2)
    line = page.locator(".group", has_text="first talk").locator("li")
    line.locator(".hit").click()
    wait_until(page, "audio.currentTime > 0.7")
    assert 0.68 <= seconds(page) < 2.5, "from one second before the hit at 1.68"
    expect(line.locator(".now")).to_have_text("human")
    expect(line.locator(".now")).to_have_text("things")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    reached = seconds(page)
    page.wait_for_timeout(200)
    assert seconds(page) == reached


def test_the_current_word_is_marked(page: Page, library: Any) -> None:
    name = "talks/first talk.wav"
    words = library.words[name]
    page.goto(f"/r/{library.ids[name]}")
    expect(page.locator("[data-i]")).to_have_count(len(words))
    page.locator("[data-i]").nth(8).click()
    for _ in range(6):
        page.wait_for_timeout(150)
        time, index = page.evaluate(
            "() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => resolve("
            "[audio.currentTime, Number(document.querySelector('.transcript .now').dataset.i)]))))"
        )
        current = max(i for i, word in enumerate(words) if word.start <= time + 0.001)
        assert index in (current, current - 1), (time, index)
    expect(page.locator("#caption b")).to_have_text(re.compile(r"\w+"))
    assert re.search(r"[?&]t=3\.\d", page.url), "the URL has the time"


def test_permalink_opens_at_its_time(page: Page, library: Any) -> None:
    name = "talks/first talk.wav"
    word = library.words[name][9]
    page.goto(f"/r/{library.ids[name]}?t={word.start + 0.05:.2f}")
    expect(page.locator(".transcript .now")).to_have_text(word.text)
    expect(page.locator("#elapsed")).to_have_text(f"0:0{int(word.start)}")
    page.keyboard.press("c")
    expect(page.locator(".toast")).to_contain_text("copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.endswith(f"/r/{library.ids[name]}?t={word.start + 0.05:.1f}")
    page.keyboard.press("Space")
    wait_until(page, f"audio.currentTime > {word.start + 0.1}")


def test_keys(page: Page) -> None:
    page.goto("/")
    expect(page.locator(".recordings li")).to_have_count(6)
    page.keyboard.press("/")
    page.keyboard.type("human")
    page.keyboard.press("Enter")
    expect(page.locator(".hits > li")).to_have_count(7)
    expect(page.get_by_role("searchbox", name="Spoken words")).to_be_focused()
    page.keyboard.press("Escape")
    for key, index in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
        page.keyboard.press(key)
        expect(page.locator(".hit").nth(index)).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator(".hits > li").nth(1)).to_have_class(re.compile("is-playing"))
    page.keyboard.press("j")
    expect(page.locator(".hits > li").nth(2)).to_have_class(re.compile("is-playing"))
    page.keyboard.press("o")
    expect(page.locator("article h1")).to_be_visible()
    expect(page.locator(".match")).not_to_have_count(0)
    expect(page.locator(".position")).to_contain_text("of")
    page.go_back()
    expect(page.locator(".hits > li")).to_have_count(7)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_label("use single-letter keys").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).not_to_be_visible()


def test_transcoded_recording_is_played(page: Page, library: Any) -> None:
    page.goto(f"/r/{library.ids['music/fifth.aiff']}?t=2")
    expect(page.locator(".transcript .now")).to_be_visible()
    page.keyboard.press("Space")
    wait_until(page, "audio.currentTime > 2.2")


def test_unplayable_audio_is_replaced_by_wav(page: Page, library: Any) -> None:
    page.route(re.compile(r"/audio$"), lambda route: route.fulfill(content_type="audio/ogg", body=b"nothing"))
    page.goto(f"/r/{library.ids['talks/third.ogg']}?t=1")
    expect(page.locator(".transcript .now")).to_be_visible()
    page.keyboard.press("Space")
    wait_until(page, "audio.currentTime > 1.2")
    assert page.evaluate("audio.currentSrc").endswith("/audio?as=wav")


def test_hostile_names_are_text(page: Page, library: Any) -> None:
    search(page, "hostile name")
    (name,) = [name for name in library.ids if "onerror" in name]
    expect(page.locator(".group h2")).to_have_text(name.split("/")[1].removesuffix(".wav"))
    page.locator("a.open").click()
    expect(page.locator("article h1")).to_contain_text("<img src=x")
    assert page.locator("main img").count() == 0
    page.goto("/?q=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E")
    expect(page.locator(".empty .query")).to_contain_text("<img")


def test_typing_before_the_page_has_loaded_is_kept(page: Page) -> None:
    page.add_init_script(
        "const realFetch = fetch, released = new Promise((resolve) => (window.release = resolve));"
        "window.fetch = async (...parameters) => (await released, realFetch(...parameters));"
    )
    page.goto("/")
    page.get_by_role("searchbox", name="Spoken words").fill("human things")
    assert page.locator("#path option").count() == 1
    page.evaluate("window.release()")
    expect(page.locator("#path option")).not_to_have_count(1)
    expect(page.get_by_role("searchbox", name="Spoken words")).to_have_value("human things")


def test_filters_and_no_hits(page: Page, library: Any) -> None:
    search(page, "human")
    expect(page.locator(".hits > li")).to_have_count(7)
    page.get_by_label("Folder").select_option(f"{library.folder}/music")
    expect(page.locator(".hits > li")).to_have_count(3)
    assert "path=" in page.url
    page.get_by_label("Confidence").select_option("0.95")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing found")
    page.get_by_role("link", name="Clear the filters").click()
    expect(page.locator(".hits > li")).to_have_count(7)
    search(page, "humen")
    page.get_by_role("link", name="human").click()
    expect(page.locator(".hits > li")).to_have_count(7)


def test_missing_file_is_reported(serve: Any, own_library: Any, browser: Browser) -> None:
    server_url = str(serve(own_library).base_url)
    page = browser.new_page()
    page.goto(f"{server_url}/?q=human+things")
    expect(page.locator("button.hit")).to_be_visible()
    (own_library.folder / "talk.wav").unlink()
    page.locator(".hit").click()
    expect(page.locator(".toast")).to_contain_text("the file no longer exists")
    page.close()


def test_accessibility(page: Page, library: Any) -> None:
    """Landmarks, headings, names of all controls, and the transcript by keyboard."""
    page.goto(f"/r/{library.ids['talks/first talk.wav']}?q=human&t=1")
    expect(page.locator(".match")).not_to_have_count(0)
    for role in ("banner", "search", "main", "navigation"):
        expect(page.get_by_role(role)).to_have_count(1)
    expect(page.get_by_role("region", name="Player")).to_be_visible()
    expect(page.get_by_role("slider", name="Position in the recording")).to_have_attribute("aria-valuetext", "1 second")
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    unnamed = page.evaluate(
        "[...document.querySelectorAll('button, a[href], input, select')].filter((control) => control.checkVisibility()"
        " && !(control.ariaLabel || control.textContent.trim() || control.labels?.length))"
        ".map((control) => control.outerHTML)"
    )
    assert unnamed == []
    page.locator(".stamp").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.ariaLabel").startswith("am, 0:00, ")
    page.keyboard.press("Enter")
    wait_until(page, "!audio.paused")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_and_width(browser: Browser, url: str, scheme: Any) -> None:
    """Contrast of 4.5:1 for text (WCAG 2.2), and no horizontal scrolling on a phone."""
    page = browser.new_page(color_scheme=scheme, viewport={"width": 360, "height": 640})
    page.goto(f"{url}/?q=human")
    expect(page.locator(".hits > li")).to_have_count(7)
    ratios = page.evaluate(
        """() => {
        const style = getComputedStyle(document.documentElement);
        const luminance = (name) => {
          const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
          pen.fillStyle = style.getPropertyValue(name).trim();
          pen.fillRect(0, 0, 1, 1);
          const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((c) => c / 255)
            .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const pairs = [["ink", "paper"], ["soft", "paper"], ["soft", "raised"], ["soft", "hover"], ["on-mark", "mark"],
          ["on-accent", "accent"], ["accent", "paper"], ["accent", "hover"]];
        return pairs.map(([text, background]) => [luminance(`--${text}`), luminance(`--${background}`)])
          .map((pair) => pair.sort((a, b) => b - a))
          .map(([high, low]) => (high + 0.05) / (low + 0.05));
      }"""
    )
    assert min(ratios) >= 4.5, ratios
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()


def test_voices_are_named_in_hits_and_transcripts(browser: Browser, own_library: Any, serve: Any) -> None:
    spoken = own_library.words["talk.wav"]
    words = [replace(word, voice="left" if number < 12 else "right") for number, word in enumerate(spoken)]
    with open_index(str(own_library.store)) as index:
        (recording,) = index.recordings()
        index.add(recording, words)
    client = serve(own_library)
    (hit,) = client.get("/api/search", params={"q": "human things"}).json()["hits"]
    assert hit["voice"] == "left"
    with browser.new_context(base_url=str(client.base_url)) as context:
        page = context.new_page()
        search(page, "human things")
        expect(page.locator(".hit .voice")).to_have_text("left")
        page.locator("a.open").click()
        expect(page.locator(".paragraph .voice")).to_have_text(["left", "right"])
        expect(page.locator("[data-i].match")).to_have_text(["human", "things"])

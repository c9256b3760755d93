"""Selected words on the page: playing, quotes with their links, and clips."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import soundfile
from page_driver import page_of, seconds, wait_until
from playwright.sync_api import Browser, Page, expect

from audiosearch.types import Word
from indexer.index import open_index
from indexer.types import NO_MEDIA

NAME = "talks/first talk.wav"


def open_recording(page: Page, library: Any, query: str = "") -> None:
    """Open the recording, and wait for its words."""
    page.goto(f"/r/{library.ids[NAME]}{query}")
    expect(page.locator("[data-i]")).to_have_count(len(library.words[NAME]))


def drag(page: Page, first: int, last: int) -> None:
    """Select words by the mouse, from within the first to within the last."""
    start, end = (page.locator("[data-i]").nth(n).bounding_box() for n in (first, last))
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 2, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] - 2, end["y"] + end["height"] / 2, steps=4)
    page.mouse.up()


def test_a_selection_is_quoted_with_a_link_that_selects_it_again(page: Page, library: Any) -> None:
    open_recording(page, library)
    toolbar = page.get_by_role("toolbar", name="Selected words")
    expect(toolbar).not_to_be_visible()
    drag(page, 5, 8)
    expect(toolbar).to_contain_text("4 words, 2 s")
    assert page.evaluate("audio.paused"), "the selection plays nothing"
    page.get_by_role("button", name="Copy quote").click()
    expect(page.locator(".toast")).to_contain_text("Quote with its link copied")
    words = library.words[NAME][5:9]
    start, end = f"{words[0].start:g}", f"{words[-1].end:g}"
    link = f"/r/{library.ids[NAME]}?t={start}&to={end}"
    text, source, copied = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert text == f"“{' '.join(word.text for word in words)}”"
    assert source == f"— first talk, 0:0{int(words[0].start)}"
    assert copied.endswith(link)
    open_recording(page, library, link.partition(library.ids[NAME])[2])
    expect(page.locator(".quoted")).to_have_text([word.text for word in words])
    expect(toolbar).to_contain_text("4 words")
    page.get_by_role("button", name="Clear the selection").click()
    expect(toolbar).not_to_be_visible()
    expect(page.locator(".quoted")).to_have_count(0)


def test_a_selection_is_played_to_its_end(page: Page, library: Any) -> None:
    open_recording(page, library)
    drag(page, 4, 5)
    toolbar = page.get_by_role("toolbar", name="Selected words")
    toolbar.get_by_role("button", name="Play").click()
    expect(toolbar.get_by_role("button", name="Pause")).to_be_visible()
    wait_until(page, "audio.currentTime > 0.1 && audio.paused")
    end = library.words[NAME][5].end
    assert end <= seconds(page) < end + 0.5
    expect(toolbar.get_by_role("button", name="Play")).to_be_visible()


@pytest.mark.parametrize("form", ["mp3", "flac"])
def test_a_clip_of_the_selection_is_saved(page: Page, library: Any, form: str) -> None:
    open_recording(page, library)
    drag(page, 5, 8)
    page.get_by_label("Format of the clip").select_option(form)
    with page.expect_download() as started:
        page.get_by_role("button", name="Clip").click()
    words = library.words[NAME][5:9]
    assert started.value.suggested_filename.startswith("first-talk_0h00m0")
    assert started.value.suggested_filename.endswith(f"{'-'.join(word.text for word in words)}.{form}")
    length = soundfile.info(started.value.path()).duration
    assert length == pytest.approx(words[-1].end - words[0].start + 0.2, abs=0.1)
    expect(page.locator(".toast")).to_contain_text("Saved as first-talk")


def test_words_are_selected_by_keys(page: Page, library: Any) -> None:
    open_recording(page, library)
    page.locator(".stamp").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    toolbar = page.get_by_role("toolbar", name="Selected words")
    for key, number in (
        ("ArrowRight", "1 word,"),
        ("ArrowRight", "2 words"),
        ("ArrowRight", "3 words"),
        ("ArrowLeft", "2 words"),
    ):
        page.keyboard.press(f"Shift+{key}")
        expect(toolbar).to_contain_text(number)
    expect(page.get_by_role("status")).to_contain_text("2 words, 1 s selected")
    page.keyboard.press("Tab")
    expect(toolbar.get_by_role("button", name="Play")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("copied")
    assert page.evaluate("navigator.clipboard.readText()").startswith("“am a”")
    page.keyboard.press("Escape")
    expect(toolbar).not_to_be_visible()
    assert page.evaluate("document.activeElement.textContent") == "a"


def test_a_selection_stays_when_it_is_scrolled_out_of_sight(serve: Any, own_library: Any, browser: Browser) -> None:
    words = [Word(f"word{n}", n / 2, n / 2 + 0.4, 0.9) for n in range(6000)]
    with open_index(str(own_library.store)) as index:
        (recording,) = index.recordings()
        index.add(replace(recording, duration=3000.0), words)
    with page_of(browser, str(serve(own_library).base_url).rstrip("/")) as page:
        page.goto(f"/r/{recording.id}")
        expect(page.locator('[data-i="450"]')).to_be_attached()
        page.evaluate(
            "getSelection().setBaseAndExtent(document.querySelector('[data-i=\"390\"]').firstChild, 0,"
            " document.querySelector('[data-i=\"449\"]').firstChild, 2)"
        )
        toolbar = page.get_by_role("toolbar", name="Selected words")
        expect(toolbar).to_contain_text("60 words")
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        expect(page.locator('[data-i="5999"]')).to_be_visible()
        page.wait_for_timeout(500)
        expect(toolbar).to_contain_text("60 words")
        toolbar.get_by_role("button", name="Copy quote").click()
        expect(page.locator(".toast")).to_contain_text("copied")
        text = page.evaluate("navigator.clipboard.readText()").partition("\n")[0]
        assert text == f"“{' '.join(f'word{n}' for n in range(390, 450))}”"


def test_errors_of_clips_are_shown(serve: Any, own_library: Any, browser: Browser) -> None:
    url = str(serve(own_library).base_url).rstrip("/")
    context = browser.new_context(base_url=url)
    page = context.new_page()
    page.goto(f"/r/{own_library.ids['talk.wav']}?t=1&to=2")
    expect(page.get_by_role("button", name="Clip")).to_be_visible()
    (own_library.folder / "talk.wav").unlink()
    page.get_by_role("button", name="Clip").click()
    expect(page.locator(".toast")).to_contain_text("the file no longer exists")
    expect(page.get_by_role("button", name="Clip")).to_be_enabled()
    context.close()


def test_transcripts_without_media_are_quoted_but_not_played(serve: Any, own_library: Any, browser: Browser) -> None:
    with open_index(str(own_library.store)) as index:
        (recording,) = index.recordings()
        index.add(replace(recording, model=f"{NO_MEDIA}vtt"), index.words(recording.id))
    url = str(serve(own_library).base_url).rstrip("/")
    context = browser.new_context(base_url=url)
    page = context.new_page()
    page.goto(f"/r/{recording.id}?t=1&to=2")
    toolbar = page.get_by_role("toolbar", name="Selected words")
    expect(toolbar.get_by_role("button", name="Copy quote")).to_be_visible()
    for name in ("Play", "Clip"):
        expect(toolbar.get_by_role("button", name=name)).to_have_count(0)
    context.close()


def test_the_toolbar_fits_a_phone(browser: Browser, url: str, library: Any) -> None:
    with page_of(browser, url, viewport={"width": 360, "height": 640}, has_touch=True) as page:
        page.goto(f"/r/{library.ids[NAME]}?t=1&to=2")
        toolbar = page.get_by_role("toolbar", name="Selected words")
        expect(toolbar).to_be_visible()
        box = toolbar.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        toolbar.get_by_role("button", name="Copy quote").tap()
        expect(page.locator(".toast")).to_contain_text("copied")


def test_quotes_are_copied_without_access_to_the_clipboard(browser: Browser, url: str, library: Any) -> None:
    with page_of(browser, url) as page:
        page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
        page.goto(f"/r/{library.ids[NAME]}?t=1&to=2")
        page.evaluate("document.addEventListener('copy', () => (window.copied = document.activeElement.value))")
        page.get_by_role("button", name="Copy quote").click()
        expect(page.locator(".toast")).to_contain_text("Quote with its link copied")
        assert "— first talk, 0:01" in page.evaluate("window.copied")
        expect(page.locator(".quoted")).not_to_have_count(0)

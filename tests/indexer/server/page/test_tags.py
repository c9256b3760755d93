"""Tags and cover of a recording on its page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from page_driver import page_of
from playwright.sync_api import Browser, expect
from tagged_files import write_tagged

from audiosearch.types import Word
from indexer.index import open_index
from indexer.ingest.crawl import content_id
from indexer.types import Recording

TAGS = {"title": "<b>Storms</b> at sea", "artist": "Anna & Ben", "album": "Talks", "date": "2024-05-31"}


def test_tags_and_cover(browser: Browser, own_library: Any, serve: Any, tmp_path: Path) -> None:
    identity, location = content_id(write_tagged(tmp_path / "episode_12.mp3", TAGS, "mjpeg"))
    with open_index(str(own_library.store)) as index:
        index.add(Recording(identity, (location,), 1.0, "tones", "2024-05-01"), [Word("storms", 0.1, 0.5, 0.9)])
    client = serve(own_library)
    cover = client.get(f"/api/recordings/{identity}/cover")
    assert cover.headers["content-type"] == "image/jpeg"
    assert cover.content.startswith(b"\xff\xd8\xff")
    plain = own_library.ids["talk.wav"]
    assert client.get(f"/api/recordings/{plain}/tags").json() == {"has_cover": False}
    assert client.get(f"/api/recordings/{plain}/cover").status_code == 404
    with page_of(browser, str(client.base_url).rstrip("/"), viewport={"width": 390, "height": 800}) as page:
        page.goto(f"/r/{identity}")
        expect(page.get_by_role("heading", level=1)).to_have_text("<b>Storms</b> at sea")
        expect(page.locator(".tags")).to_have_text("Anna & Ben · Talks · 2024-05-31")
        expect(page.locator(".path")).to_contain_text("episode_12.mp3")
        expect(page).to_have_title("<b>Storms</b> at sea · audiosearch")
        page.wait_for_function("document.querySelector('.cover')?.naturalWidth === 16")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.goto(f"/r/{plain}")
        expect(page.get_by_role("heading", level=1)).to_have_text("talk")
        expect(page.locator("[data-i]").first).to_be_visible()
        expect(page.locator(".cover, .tags")).to_have_count(0)
    location_path = Path(location.path)
    location_path.unlink()
    assert client.get(f"/api/recordings/{identity}/tags").json() == {"has_cover": False}

"""Folders added through a server, and removed recordings."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from indexer.index import open_index


def test_a_folder_is_added_while_searches_go_on(site: Any) -> None:
    folder = site.library.folder / "new"
    site.sound(folder / "one.wav")
    site.sound(folder / "slow.wav")
    (folder / "broken.wav").write_bytes(site.sound(folder / "x.wav").read_bytes() + b"x")
    (folder / "notes.txt").write_text("no sound")
    response = site.add(folder)
    assert site.transcriber.reached.wait(20)
    (job,) = site.client.get("/api/additions").json()["jobs"]
    assert (job["state"], job["stage"], job["added"], job["failed"]) == ("running", "slow.wav", 1, 1)
    assert job["done"] == pytest.approx(2.5)
    assert site.client.get("/api/search", params={"q": "human"}).json()["hits"]
    assert len(site.client.get("/api/search", params={"q": "added words"}).json()["hits"]) == 1
    site.transcriber.released.set()
    job = site.ended(response)
    assert (job["state"], job["added"], job["failed"], job["total"], job["done"]) == ("done", 3, 1, 4.0, 4.0)
    assert job["errors"] == [f"{folder}/broken.wav: is broken."]
    assert len(site.paths()) == 4
    again = site.ended(site.add(folder))
    assert (again["state"], again["added"], again["known"]) == ("done", 0, 3)


def test_the_library_tells_that_changes_are_allowed(site: Any, serve: Any) -> None:
    assert site.client.get("/api/library").json()["changes"] is True
    assert site.client.get("/add").status_code == 200
    plain = serve(site.library)
    assert plain.get("/api/library").json()["changes"] is False
    assert plain.get("/add").status_code == 404
    assert plain.get("/api/additions").status_code == 404
    assert plain.delete(f"/api/recordings/{site.library.ids['talk.wav']}").status_code == 405
    assert plain.get("/api/library").json()["recordings"] == 1


def test_canceled_job_ends_within_a_recording(site: Any) -> None:
    folder = site.library.folder / "new"
    site.sound(folder / "one.wav")
    site.sound(folder / "slow.wav")
    site.sound(folder / "then.wav")
    running, waiting = site.add(folder), site.add(site.library.folder)
    assert site.transcriber.reached.wait(20)
    for response in (waiting, running):
        canceled = site.client.delete(f"/api/additions/{response.json()['id']}")
        assert (canceled.status_code, canceled.json()["state"]) == (200, "canceled")
    assert site.ended(running)["added"] == 1
    assert len(site.paths()) == 2
    assert site.client.delete("/api/additions/0123456789abcdef").status_code == 404


def test_a_fault_ends_its_job_only(site: Any, caplog: pytest.LogCaptureFixture) -> None:
    site.sound(site.library.folder / "first" / "fault.wav")
    site.sound(site.library.folder / "second" / "fine.wav")
    with caplog.at_level(logging.ERROR):
        job = site.ended(site.add(site.library.folder / "first"))
    assert (job["state"], job["errors"]) == ("failed", ["internal error; see the log of the server"])
    assert "a fault of the program" in caplog.text
    assert site.ended(site.add(site.library.folder / "second"))["state"] == "done"


def test_folders_outside_the_library_are_refused(site: Any, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    site.sound(outside / "secret.wav")
    (site.library.folder / "link").symlink_to(outside)
    folder = site.library.folder
    typed = [outside, "/", tmp_path, f"{folder}/../outside", f"{folder}/link", tmp_path / "absent", f"{folder}x"]
    sentences = {site.add(each).json()["error"] for each in typed}
    assert len(sentences) == 1, "they do not tell what exists"
    assert "--add-from" in sentences.pop()
    assert "no such folder" in site.add(folder / "absent").json()["error"]
    for wrong in ("", "relative", "/a\0b", "~/x", "/" + "a" * 5000):
        assert site.add(wrong).status_code == 400, wrong
    for body in (b"", b"[]", b'{"folder": 1}', b'{"folder": "/x", "more": 1}', b"[" * 9000, b"\xff", b"null"):
        refused = site.client.post("/api/additions", content=body, headers={"content-type": "application/json"})
        assert (refused.status_code, "JSON such as" in refused.text) == (400, True), body
    huge = site.client.post("/api/additions", content=b"x" * 20_000, headers={"content-type": "application/json"})
    assert huge.status_code == 413


def test_removal_keeps_files_unless_they_were_uploaded(site: Any) -> None:
    path, identity = site.library.folder / "talk.wav", site.library.ids["talk.wav"]
    refused = site.client.delete(f"/api/recordings/{identity}", params={"file": "delete"})
    assert (refused.status_code, "only files that were uploaded" in refused.json()["error"]) == (400, True)
    assert site.client.delete(f"/api/recordings/{identity}").json() == {"deleted": []}
    assert path.exists()
    assert site.client.get(f"/api/recordings/{identity}").status_code == 404
    assert site.client.delete(f"/api/recordings/{identity}").status_code == 404
    assert site.client.get("/api/library").json()["recordings"] == 0
    source = site.sound(site.library.folder.parent / "source.wav")
    job = site.ended(site.upload("mine.wav", source.read_bytes()))
    (uploaded,) = job["indexed"]
    deleted = site.client.delete(f"/api/recordings/{uploaded}", params={"file": "delete"}).json()["deleted"]
    assert deleted == [str(site.uploads / "mine.wav")]
    assert list(site.uploads.iterdir()) == []
    with open_index(str(site.library.store)) as index:
        assert index.recordings() == []


def test_server_stops_during_a_job(site: Any) -> None:
    """The fixture stops the server while this recording is being transcribed."""
    site.sound(site.library.folder / "new" / "slow.wav")
    site.add(site.library.folder / "new")
    assert site.transcriber.reached.wait(20)


def test_responses_have_the_described_properties(site: Any) -> None:
    document = site.client.get("/api/openapi.json").json()
    schemas = document["components"]["schemas"]
    site.sound(site.library.folder / "new" / "one.wav")
    job = site.ended(site.add(site.library.folder / "new"))
    assert set(job) == set(schemas["Job"]["required"])
    assert job["state"] in schemas["Job"]["properties"]["state"]["enum"]
    assert set(site.client.get("/api/additions").json()) == set(schemas["Additions"]["required"])
    removed = site.client.delete(f"/api/recordings/{job['indexed'][0]}").json()
    assert set(removed) == set(schemas["Removal"]["required"])
    assert {"post", "delete", "get"} == {method for path in document["paths"].values() for method in path} - {"head"}

"""Downloads from a local server: complete and verified, or nothing."""

from __future__ import annotations

import hashlib
import http.server
import io
import re
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from click.testing import CliRunner, Result

from audiosearch.data.manifest import read_manifest

soundfile = pytest.importorskip("soundfile")
pytest.importorskip("av")
pytest.importorskip("torchaudio")


def archive(files: dict[str, bytes], mode: Literal["w:gz", "w:bz2"]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=mode) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return content.getvalue()


def sound(kind: str) -> bytes:
    content = io.BytesIO()
    soundfile.write(content, [0.1, -0.1] * 8000, 8000, format=kind)
    return content.getvalue()


def librispeech() -> bytes:
    folder = "LibriSpeech/dev-clean/84/121/"
    files = {"LibriSpeech/README.TXT": b"read me", folder + "84-121-0000.flac": sound("flac")}
    return archive({**files, folder + "84-121.trans.txt": b"84-121-0000 GO DO YOU HEAR\n"}, "w:gz")


def ljspeech() -> bytes:
    files = {"LJSpeech-1.1/metadata.csv": b"LJ001-0001|In 1984|in nineteen eighty-four\n"}
    return archive({**files, "LJSpeech-1.1/wavs/LJ001-0001.wav": sound("wav")}, "w:bz2")


class Server(http.server.ThreadingHTTPServer):
    """Serves ``answers`` and counts requests."""

    answers: dict[str, bytes]
    requests: list[str]
    cut = False  # close the connection half-way


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        answer = self.server.answers.get(self.path)
        if answer is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer[: len(answer) // 2] if self.server.cut else answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server in place of those of the corpora, with its checksums in place of theirs."""
    from torchaudio.datasets import librispeech as libri
    from torchaudio.datasets import ljspeech as lj

    with Server(("127.0.0.1", 0), Handler) as server:
        server.answers = {"/dev-clean.tar.gz": librispeech(), "/LJSpeech-1.1.tar.bz2": ljspeech()}
        server.requests = []
        for module in (libri, lj):
            fetch = module.download_url_to_file

            def redirected(url: str, path: object, fetch: Any = fetch, **options: object) -> None:
                fetch(
                    f"http://127.0.0.1:{server.server_port}/{url.rpartition('/')[2]}", path, progress=False, **options
                )

            monkeypatch.setattr(module, "download_url_to_file", redirected)
        digests = {path: hashlib.sha256(answer).hexdigest() for path, answer in server.answers.items()}
        address = "http://www.openslr.org/resources/12/dev-clean.tar.gz"
        assert address in libri._CHECKSUMS  # as every set that we offer
        monkeypatch.setitem(libri._CHECKSUMS, address, digests["/dev-clean.tar.gz"])
        monkeypatch.setitem(lj._RELEASE_CONFIGS["release1"], "checksum", digests["/LJSpeech-1.1.tar.bz2"])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def run(folder: Path, name: str) -> Result:
    from cli import main

    return CliRunner().invoke(main, ["manifest", str(folder), "--download", name])


def test_a_corpus_is_downloaded_once_and_becomes_a_manifest(tmp_path: Path, server: Server) -> None:
    folder = tmp_path / "corpora"
    for _ in range(2):
        result = run(folder, "librispeech:dev-clean")
        assert result.exit_code == 0, result.output
        assert result.stdout == f"{folder / 'manifest-dev-clean.jsonl'}\n"
        (utterance,) = read_manifest(folder / "manifest-dev-clean.jsonl")
        assert (utterance.text, utterance.speaker, utterance.duration) == ("go do you hear", "84", 2.0)
        assert utterance.audio == folder / "LibriSpeech/dev-clean/84/121/84-121-0000.flac"
    assert server.requests == ["/dev-clean.tar.gz"]
    assert sorted(path.name for path in folder.iterdir()) == ["LibriSpeech", "manifest-dev-clean.jsonl"]
    assert run(folder, "ljspeech").exit_code == 0
    assert read_manifest(folder / "manifest-ljspeech.jsonl")[0].text == "in nineteen eighty four"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("other content", "the checksum of the download is wrong"),
        ("cut", "the checksum of the download is wrong|download failed"),
        ("missing", "download failed .*Not Found"),
        ("no server", "download failed .*refused"),
        ("no archive", "the archive is damaged"),
    ],
)
def test_a_failed_download_leaves_nothing(
    damage: str, message: str, tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchaudio.datasets import librispeech as libri

    if damage == "other content":
        server.answers["/dev-clean.tar.gz"] += b"more"
    elif damage == "cut":
        server.cut = True
    elif damage == "missing":
        server.answers.clear()
    elif damage == "no server":
        server.shutdown()
        server.server_close()
    else:
        half = server.answers["/dev-clean.tar.gz"] = server.answers["/dev-clean.tar.gz"][:200]
        (address,) = (address for address in libri._CHECKSUMS if address.endswith("/dev-clean.tar.gz"))
        monkeypatch.setitem(libri._CHECKSUMS, address, hashlib.sha256(half).hexdigest())
    folder = tmp_path / "corpora"
    result = run(folder, "librispeech:dev-clean")
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert re.search(message, result.stderr), result.stderr
    assert list(folder.iterdir()) == []


def test_leftovers_of_a_killed_run_are_removed(tmp_path: Path, server: Server) -> None:
    left = tmp_path / ".librispeech-dev-clean.download"
    (left / "LibriSpeech" / "dev-clean").mkdir(parents=True)
    (left / "dev-clean.tar.gz").write_text("half of it")
    assert run(tmp_path, "librispeech:dev-clean").exit_code == 0
    assert not left.exists()
    assert len(read_manifest(tmp_path / "manifest-dev-clean.jsonl")) == 1

"""URLs, credentials and trusted certificates."""

from __future__ import annotations

import hashlib
import shutil
import ssl
import subprocess
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from audiosearch.errors import StoreError
from indexer.elastic.connection import address
from indexer.index import open_index

if TYPE_CHECKING:
    from scripted_server import Script


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:9200",
        "http://localhost:9200/",
        "http://localhost:9200/Library",
        "http://localhost:9200/_all",
        "http://localhost:9200/a,b",
        "http://localhost:9200/a*",
        "http://localhost:9200/a?b=c",
        "http://localhost:port/a",
        "http:///a",
    ],
)
def test_invalid_urls(url: str) -> None:
    with pytest.raises(StoreError, match="URL"):
        open_index(url, create=True)


class Keyring(types.ModuleType):
    """Fake of the package keyring with these passwords; None: there is no keyring on this machine."""

    def __init__(self, passwords: dict[tuple[str, str], str] | None) -> None:
        super().__init__("keyring")
        self.passwords = passwords
        self.errors = types.SimpleNamespace(KeyringError=OSError, NoKeyringError=PermissionError)

    def get_password(self, server: str, user: str) -> str | None:
        if self.passwords is None:
            raise PermissionError
        return self.passwords.get((server, user))


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove credentials of the environment."""
    for name in ("API_KEY", "USER", "PASSWORD", "CA", "FINGERPRINT"):
        monkeypatch.delenv(f"AUDIOSEARCH_ELASTICSEARCH_{name}", raising=False)
    monkeypatch.setitem(sys.modules, "keyring", None)


def test_credentials(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    def authorization(user: str = "") -> str | None:
        open_index(script.url.replace("//", f"//{user}"), create=False).close()
        return script.headers[-1].get("authorization")

    server = script.url.removesuffix("/library")
    assert authorization() is None
    with pytest.raises(StoreError, match=rf"no password of ann for {server}: .* `keyring set {server} ann`"):
        authorization("ann@")
    monkeypatch.setitem(sys.modules, "keyring", Keyring({(server, "ann"): "secret"}))
    assert authorization("ann@") == "Basic YW5uOnNlY3JldA=="
    with pytest.raises(StoreError, match="no password of b:b"):
        authorization("b%3Ab@")
    monkeypatch.setenv("AUDIOSEARCH_ELASTICSEARCH_PASSWORD", "p@ss")
    assert authorization("b%3Ab@") == "Basic YjpiOnBAc3M="
    monkeypatch.setenv("AUDIOSEARCH_ELASTICSEARCH_USER", "ann")
    monkeypatch.setenv("AUDIOSEARCH_ELASTICSEARCH_PASSWORD", "secret")
    assert authorization() == "Basic YW5uOnNlY3JldA=="
    monkeypatch.setenv("AUDIOSEARCH_ELASTICSEARCH_API_KEY", "a2V5")
    assert authorization() == "ApiKey a2V5"


def test_api_key_in_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is sent over https only."""
    monkeypatch.setitem(sys.modules, "keyring", Keyring({("https://[::1]:9200/es", "api-key"): "a2V5"}))
    assert address("https://[::1]:9200/es/library").options == {"api_key": "a2V5"}
    assert address("http://[::1]:9200/es/library").options == {}
    monkeypatch.setitem(sys.modules, "keyring", Keyring(None))
    assert address("https://[::1]:9200/es/library").options == {}


def test_password_in_the_url_is_refused(script: Script) -> None:
    with pytest.raises(StoreError, match=r"contains a password.* set AUDIOSEARCH_ELASTICSEARCH_API_KEY") as error:
        open_index(script.url.replace("//", "//ann:secret@"), create=False)
    assert "secret" not in str(error.value)
    assert script.requests == []


def openssl(folder: Path, *arguments: str) -> None:
    """Run openssl in a folder; skip the test if it is not installed."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("certificates are not tested: there is no openssl on the PATH")
    subprocess.run([program, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with certificates of two authorities of the same name, "real" and "false".

    NAME-ca.pem is the authority's certificate, NAME.pem and NAME.key are those of a server on 127.0.0.1 signed by it,
    and NAME-sent.pem has NAME.pem and the certificate of the real authority.
    """
    folder = tmp_path_factory.mktemp("certificates")
    # Key identifiers would distinguish the two authorities; Python 3.13 demands them.
    authority_key, subject_key = ("none", "none") if sys.version_info < (3, 13) else ("keyid", "hash")
    (folder / "extensions").write_text(
        f"subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier={authority_key}\nsubjectKeyIdentifier={subject_key}\n"
    )
    for name in ("real", "false"):
        new = ["req", "-newkey", "rsa:2048", "-nodes", "-subj"]
        files = ["-keyout", f"{name}-ca.key", "-out", f"{name}-ca.pem"]
        usage = ["-addext", "keyUsage=critical,keyCertSign"]
        openssl(folder, *new, "/CN=authority", "-x509", "-days", "2", *usage, *files)
        openssl(folder, *new, "/CN=node", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        authority = ["-CA", f"{name}-ca.pem", "-CAkey", f"{name}-ca.key", "-CAcreateserial", "-days", "2"]
        openssl(
            folder, "x509", "-req", "-in", f"{name}.csr", *authority, "-extfile", "extensions", "-out", f"{name}.pem"
        )
        chain = (folder / f"{name}.pem").read_text() + (folder / "real-ca.pem").read_text()
        (folder / f"{name}-sent.pem").write_text(chain)
    return folder


def fingerprint(certificate: Path) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest()


def test_trusted_certificates(script: Script, certificates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(chain: str, key: str) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / chain, certificates / key)

        def accept() -> tuple[ssl.SSLSocket, object]:
            connection, client = script.server.socket.accept()
            return context.wrap_socket(connection, server_side=True), client

        monkeypatch.setattr(script.server, "get_request", accept)

    def reach(**variables: str) -> None:
        with monkeypatch.context() as patched:
            for name, value in variables.items():
                patched.setenv(f"AUDIOSEARCH_ELASTICSEARCH_{name}", value)
            open_index(script.url, create=False).close()

    with pytest.raises(StoreError, match="is not an https URL"):
        reach(FINGERPRINT="0" * 64)
    script.url = script.url.replace("http:", "https:")
    authority, own = fingerprint(certificates / "real-ca.pem"), fingerprint(certificates / "real.pem")
    serve("real-sent.pem", "real.key")
    reach(CA=str(certificates / "real-ca.pem"))
    reach(FINGERPRINT=authority)
    reach(FINGERPRINT=own)
    reach(FINGERPRINT=":".join(own[digit : digit + 2] for digit in range(0, 64, 2)).upper())
    for wrong in ({}, {"FINGERPRINT": own[::-1]}, {"CA": str(certificates / "false-ca.pem")}):
        with pytest.raises(StoreError, match="cannot be reached safely"):
            reach(**wrong)
    with pytest.raises(StoreError, match="64 hexadecimal digits"):
        reach(FINGERPRINT="secret")
    with pytest.raises(StoreError, match="no such file"):
        reach(CA="/nowhere")
    # An attacker sends the certificate of the real authority along with one that it did not sign
    requests = len(script.requests)
    serve("false-sent.pem", "false.key")
    with pytest.raises(StoreError, match="cannot be reached safely"):
        reach(FINGERPRINT=authority)
    assert len(script.requests) == requests

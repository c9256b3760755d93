"""Which Elasticsearch index a URL names, as whom one comes there, and how one knows that it is the right server.

A secret never stands on a command line, where every user of the machine can read it; the first of these that is there
is taken:

    AUDIOSEARCH_ELASTICSEARCH_API_KEY
    AUDIOSEARCH_ELASTICSEARCH_USER, or a user in the URL, and AUDIOSEARCH_ELASTICSEARCH_PASSWORD
    that user, and their password in the keyring under the server's URL
    an API key in the keyring under the server's URL and the user KEYRING_USER, for https

The keyring is asked where the package keyring is installed.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from audiosearch.errors import StoreError

PREFIX = "AUDIOSEARCH_ELASTICSEARCH_"
"""What the names of the variables begin with."""

KEYRING_USER = "api-key"
"""Under which an API key lies in the keyring."""

LOGIN = (
    f"set {PREFIX}API_KEY, or {PREFIX}USER and {PREFIX}PASSWORD, or keep the password in the keyring (see "
    "docs/elasticsearch.md)"
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where an index is.

    Args:
        scheme: http or https.
        host: name or address of the server.
        port: of the server.
        prefix: path before the index, empty or with a slash in front.
        name: of the index, or of an alias that stands for it.
        fingerprint: of a certificate to trust, in 64 hexadecimal digits; empty: none in particular.
        options: what the client is to be told of login and certificates; secret.
    """

    scheme: str
    host: str
    port: int
    prefix: str
    name: str
    fingerprint: str = ""
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def server(self) -> str:
        """URL of the server."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.prefix}"

    @property
    def shown(self) -> str:
        """URL of the index, without secrets."""
        return f"{self.server}/{self.name}"


def address(url: str) -> Address:
    """The index at ``http(s)://[user@]host[:port]/name``; raises StoreError."""
    try:
        parts = urlsplit(url)
        port = parts.port or 9200
    except ValueError as error:
        raise StoreError(f"the URL of the index cannot be read: {error}") from error
    prefix, _, name = parts.path.rstrip("/").rpartition("/")
    if not parts.hostname or parts.query or parts.fragment or not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,200}", name):
        raise StoreError(
            "the URL of an Elasticsearch index is like http://localhost:9200/library, with a name in small letters"
        )
    place = Address(parts.scheme, parts.hostname, port, prefix, name)
    if parts.password is not None:
        raise StoreError(f"the URL of {place.shown} has a password in it, which others can read: {LOGIN}")
    fingerprint, authority = _certificates(place)
    options = {**_login(place, unquote(parts.username or "")), **authority}
    return replace(place, fingerprint=fingerprint, options=options)


def _variable(name: str) -> str:
    return os.environ.get(PREFIX + name, "")


def _login(place: Address, user: str) -> dict[str, Any]:
    """Options of the client that say who one is."""
    user = user or _variable("USER")
    if key := _variable("API_KEY"):
        return {"api_key": key}
    if user:
        password = _variable("PASSWORD") or _from_keyring(place.server, user)
        if not password:
            raise StoreError(
                f"there is no password of {user} for {place.server}: set {PREFIX}PASSWORD, or run "
                f"`keyring set {place.server} {user}`"
            )
        return {"basic_auth": (user, password)}
    if place.scheme == "https" and (key := _from_keyring(place.server, KEYRING_USER)):
        return {"api_key": key}
    return {}


def _from_keyring(server: str, user: str) -> str:
    """What the keyring has for a user of a server; nothing where there is none, or no keyring."""
    try:
        keyring = importlib.import_module("keyring")
    except ModuleNotFoundError:
        return ""
    try:
        return keyring.get_password(server, user) or ""
    except keyring.errors.NoKeyringError:
        return ""
    except keyring.errors.KeyringError as error:
        raise StoreError(f"the keyring does not give the password of {user} for {server}: {error}") from error


def _certificates(place: Address) -> tuple[str, dict[str, Any]]:
    """The fingerprint of a certificate to trust, and options of the client that say whose signature to trust."""
    fingerprint, authority = _variable("FINGERPRINT").replace(":", "").lower(), _variable("CA")
    if (fingerprint or authority) and place.scheme != "https":
        raise StoreError(f"{place.shown} is no https address: {PREFIX}FINGERPRINT and {PREFIX}CA would check nothing")
    if fingerprint:
        if not re.fullmatch(r"[0-9a-f]{64}", fingerprint):
            raise StoreError(f"{PREFIX}FINGERPRINT must be the SHA-256 of a certificate, 64 hexadecimal digits")
        return fingerprint, {}
    if not authority:
        return "", {}
    path = Path(authority).expanduser()
    if not path.is_file():
        raise StoreError(f"{authority}: there is no such file; {PREFIX}CA names the certificate of an authority")
    return "", {"ca_certs": str(path)}


# Trust by fingerprint. The client library compares the fingerprint with every certificate that the server sends, and
# nothing else: whoever has the authority's certificate, which is public, could send it along with one of their own. So
# here the certificate of that fingerprint becomes the one that is trusted, and the rest is checked as always, the host
# name too.


def pinned(host: str, port: int, fingerprint: str, seconds: float) -> ssl.SSLContext:
    """What trusts the certificate of this fingerprint, and those that it signed.

    Args:
        host: server, which is asked for its certificates.
        port: of the server.
        fingerprint: SHA-256, as 64 hexadecimal digits in small letters.
        seconds: how long its answer may take.

    Raises:
        StoreError: the server sends no such certificate.
        OSError: it cannot be reached.
    """
    sent = _sent(host, port, seconds)
    for certificate in sent:
        if hashlib.sha256(certificate).hexdigest() == fingerprint:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # it need not be an authority
            context.load_verify_locations(cadata=certificate)
            return context
    fingerprints = ", ".join(hashlib.sha256(certificate).hexdigest() for certificate in sent)
    raise StoreError(
        f"https://{host}:{port} cannot be reached safely: its certificates have the fingerprints {fingerprints}, of "
        f"which none is {fingerprint}"
    )


def _sent(host: str, port: int, seconds: float) -> list[bytes]:
    """The certificates that a server sends, its own first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is said to the server yet
    with (
        socket.create_connection((host, port), timeout=seconds) as connection,
        context.wrap_socket(connection, server_hostname=host) as secured,
    ):
        inner: Any = getattr(secured, "_sslobj")  # noqa: B009 - before Python 3.13 there is no other way to the chain
        return [certificate.public_bytes(_DER) for certificate in inner.get_unverified_chain()]


_DER = 2
"""The value of ``_ssl.ENCODING_DER``."""

"""URL, credentials and trusted certificates of an Elasticsearch index.

Secrets are not accepted on the command line, which every user of the machine can read. The first of these credentials
that exists is used:

    AUDIOSEARCH_ELASTICSEARCH_API_KEY
    AUDIOSEARCH_ELASTICSEARCH_USER, or the user in the URL, with AUDIOSEARCH_ELASTICSEARCH_PASSWORD
    that user with the password in the keyring under the URL of the server
    for https, an API key in the keyring under the URL of the server and the user name KEYRING_USER

The keyring is read if the package keyring is installed.
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

from audiosearch.errors import StoreError, reason_of

PREFIX = "AUDIOSEARCH_ELASTICSEARCH_"
"""Prefix of the environment variables."""

KEYRING_USER = "api-key"
"""User name of an API key in the keyring."""

LOGIN = (
    f"set {PREFIX}API_KEY, or {PREFIX}USER and {PREFIX}PASSWORD, or store the password in the keyring (see "
    "docs/elasticsearch.md)"
)


@dataclass(frozen=True, slots=True)
class Address:
    """Location of an index, with the options to connect to it.

    Args:
        scheme: http or https.
        host: name or address of the server.
        port: of the server.
        prefix: path before the name, empty or beginning with a slash.
        name: of the index or of its alias.
        fingerprint: SHA-256 of a certificate to trust, 64 hexadecimal digits; empty: the usual authorities.
        options: arguments of the client for login and certificates; secret.
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


_EXAMPLE = "like http://localhost:9200/library, with a name in small letters"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,200}")


def _is_host(name: str) -> bool:
    """True for the name or address of a host, which may have letters of any script, in its encoding for DNS."""
    try:
        return bool(re.fullmatch(r"[a-z0-9._:%-]*[a-z0-9.]", name.encode("idna").decode()))
    except UnicodeError:
        return False


def address(url: str) -> Address:
    """Address of ``http(s)://[user@]host[:port]/name``; StoreError for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port or 9200
    except ValueError as error:
        raise StoreError(f"the URL of the index cannot be read ({error}): {_EXAMPLE}") from error
    prefix, _, name = parts.path.rstrip("/").rpartition("/")
    host = parts.hostname or ""
    if not _is_host(host) or parts.query or parts.fragment or not _NAME.fullmatch(name):
        raise StoreError(f"the URL of an Elasticsearch index is {_EXAMPLE}")
    index = Address(parts.scheme, host, port, prefix, name)
    if parts.password is not None:
        raise StoreError(f"the URL of {index.shown} contains a password, which other users can read: {LOGIN}")
    fingerprint, authority = _certificates(index)
    options = {**_login(index, unquote(parts.username or "")), **authority}
    return replace(index, fingerprint=fingerprint, options=options)


def _variable(name: str) -> str:
    return os.environ.get(PREFIX + name, "")


def _login(index: Address, user: str) -> dict[str, Any]:
    """Credentials as options of the client."""
    user = user or _variable("USER")
    if key := _variable("API_KEY"):
        return {"api_key": key}
    if user:
        password = _variable("PASSWORD") or _from_keyring(index.server, user)
        if not password:
            raise StoreError(
                f"there is no password of {user} for {index.server}: set {PREFIX}PASSWORD, or run "
                f"`keyring set {index.server} {user}`"
            )
        return {"basic_auth": (user, password)}
    if index.scheme == "https" and (key := _from_keyring(index.server, KEYRING_USER)):
        return {"api_key": key}
    return {}


def _from_keyring(server: str, user: str) -> str:
    """Password of a user of a server in the keyring; empty if there is none, or no keyring."""
    try:
        keyring = importlib.import_module("keyring")
    except ModuleNotFoundError:
        return ""
    try:
        return keyring.get_password(server, user) or ""
    except keyring.errors.NoKeyringError:
        return ""
    except keyring.errors.KeyringError as error:
        raise StoreError(
            f"the keyring cannot be read for the password of {user} for {server}: {reason_of(error)}"
        ) from error


def _certificates(index: Address) -> tuple[str, dict[str, Any]]:
    """Fingerprint of the certificate to trust, and the authority to trust as options of the client."""
    fingerprint, authority = _variable("FINGERPRINT").replace(":", "").lower(), _variable("CA")
    if (fingerprint or authority) and index.scheme != "https":
        raise StoreError(f"{index.shown} is not an https URL: {PREFIX}FINGERPRINT and {PREFIX}CA would have no effect")
    if fingerprint:
        if not re.fullmatch(r"[0-9a-f]{64}", fingerprint):
            raise StoreError(f"{PREFIX}FINGERPRINT must be the SHA-256 of a certificate, 64 hexadecimal digits")
        return fingerprint, {}
    if not authority:
        return "", {}
    path = Path(authority).expanduser()
    if not path.is_file():
        raise StoreError(f"{authority}: no such file; {PREFIX}CA is the path of an authority's certificate")
    return "", {"ca_certs": str(path)}


# Trust by fingerprint. The client library only compares the fingerprint with each certificate that the server sends. An
# attacker could send the authority's certificate, which is public, along with another one. Here the certificate of the
# fingerprint becomes the trust anchor, and the chain and the host name are verified as usual.


def pinned(host: str, port: int, fingerprint: str, timeout_s: float) -> ssl.SSLContext:
    """TLS context that trusts the certificate of a fingerprint and the certificates signed by it.

    Args:
        host: server, of which the certificates are read.
        port: of the server.
        fingerprint: SHA-256, 64 hexadecimal digits in lower case.
        timeout_s: of the connection.

    Raises:
        StoreError: the server sends no such certificate.
        OSError: the server cannot be reached.
    """
    certificates = _server_certificates(host, port, timeout_s)
    for certificate in certificates:
        if hashlib.sha256(certificate).hexdigest() == fingerprint:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the certificate need not be an authority's
            context.load_verify_locations(cadata=certificate)
            return context
    fingerprints = ", ".join(hashlib.sha256(certificate).hexdigest() for certificate in certificates)
    raise StoreError(
        f"https://{host}:{port} cannot be reached safely: its certificates have the fingerprints {fingerprints}, of "
        f"which none is {fingerprint}"
    )


def _server_certificates(host: str, port: int, timeout_s: float) -> list[bytes]:
    """Certificates that a server sends, its own first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is sent to the server yet
    with (
        socket.create_connection((host, port), timeout=timeout_s) as connection,
        context.wrap_socket(connection, server_hostname=host) as secured,
    ):
        inner: Any = getattr(secured, "_sslobj")  # noqa: B009 - no public access to the chain before Python 3.13
        return [certificate.public_bytes(_DER) for certificate in inner.get_unverified_chain()]


_DER = 2
"""Value of ``_ssl.ENCODING_DER``."""

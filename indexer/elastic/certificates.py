"""Trust in a server by the fingerprint of its certificate, or of the authority that signed it.

The client library compares the fingerprint with every certificate that the server sends, and nothing else: whoever has
the authority's certificate, which is public, could send it along with one of their own. So here the certificate of that
fingerprint becomes the one that is trusted, and the rest is checked as always, the host name too.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
from typing import Any

from audiosearch.errors import StoreError


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

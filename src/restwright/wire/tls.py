"""What a failure of TLS means.

With TLS 1.3 a client ends the handshake, and sends its request, before the server has looked at its certificate.  A
server that refuses it says so by an alert (RFC 8446, 6.2), and closes the connection, in the place of an answer.  If
the request comes after that, the connection is reset: then the sending fails, and the alert waits to be received.
"""

from __future__ import annotations

import re
from typing import Final

from restwright.errors import BrokenAnswer, CertificateError, ConnectTimeout, TlsError
from restwright.wire.call import Call

# What OpenSSL says of a certificate that does not hold, in an alert of the server too (RFC 8446, 6.2), or of a file.
_CERTIFICATE: Final = re.compile(
    r"\[(?:SSL|X509): \w*(?:CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|KEY_VALUES)\w*\]|\[(?:SSL|X509)\] PEM lib"
)
# And of what is no TLS; since OpenSSL 3.2 it is the latter.
_NO_TLS: Final = re.compile(r"\[SSL: WRONG_VERSION_NUMBER\]|\[SSL(?:: RECORD_LAYER_FAILURE)?\] record layer failure")
_ALERT: Final = re.compile(r"b['\"]\\x15\\x03")  # its first bytes, as the engines show them (RFC 8446, 5.1)
_VAGUE: Final = re.compile(r"EOF occurred|_ALERT_HANDSHAKE_FAILURE")  # the latter with TLS 1.2
_MAYBE: Final = "; this may be how a server refuses a client certificate, or wants one"


def is_about_certificate(text: str) -> bool:
    """Does an engine's message say that a certificate does not hold?"""
    return _CERTIFICATE.search(text) is not None


def tls_error(text: str, call: Call, *, is_fresh: bool) -> TlsError:
    """The error for a failure of TLS, on a connection by which nothing has come yet or on another."""
    if is_about_certificate(text):
        if "_ALERT_" in text:
            is_wanted = call.cert is None or "CERTIFICATE_REQUIRED" in text
            text = f"the server {'wants a' if is_wanted else 'does not accept the'} client certificate: {text}"
        return CertificateError(text, request=call.prepared)
    if _NO_TLS.search(text):
        text = f"the server does not speak TLS at this port: {text}"
    elif is_fresh and _VAGUE.search(text):
        text += _MAYBE
    return TlsError(text, request=call.prepared)


def broken_answer(text: str, call: Call, *, is_fresh: bool = False) -> BrokenAnswer:
    """The error for an answer that broke off, or did not even begin, or is not HTTP."""
    if call.url.startswith("https:"):
        text += _MAYBE if is_fresh else ""
    elif _ALERT.search(text):
        text = f"the server speaks TLS at this port, for https: {text}"
    return BrokenAnswer(text, request=call.prepared)


def connect_timeout(call: Call, *, in_handshake: bool) -> ConnectTimeout:
    """The error for a connection that did not open in time."""
    text = f"no connection within {call.connect_timeout} s"
    if in_handshake:
        text += ": the handshake of TLS did not end; does the server speak TLS at this port?"
    return ConnectTimeout(text, request=call.prepared)

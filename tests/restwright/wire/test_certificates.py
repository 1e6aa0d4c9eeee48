"""What both engines say of certificates that do not hold, and of TLS that fails otherwise."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading

import pytest
import requests

from restwright import AsyncClient, Request, SyncClient, retry
from restwright.errors import CertificateError, TlsError
from restwright.operation import Operations, operation
from restwright.plan import fetch
from restwright.testing import Reply, serve
from restwright.wire.call import is_about_certificate


class Asking(Operations):
    @operation
    def ask(self):
        return (yield from fetch(Request("GET", "/x")))


class Sync(SyncClient, Asking):
    pass


class Async(AsyncClient, Asking):
    pass


@pytest.fixture(params=["blocking", "awaited"])
def ask(request, certificates):
    """Sends a request that may be repeated twice, with the authority of the run or another one."""

    def settings(verify, pair):
        session = requests.Session()
        session.verify, session.cert = verify or certificates.authority, pair and (pair.cert, pair.key)
        return {"session": session, "timeout": (5, 5), "policy": retry(3, delay_first=0.0)}

    def blocking(url, *, verify=None, pair=None):
        with Sync(url, Asking(), **settings(verify, pair)) as client:
            return client.ask()

    async def awaited(url, *, verify=None, pair=None):
        async with Async(url, Asking(), **settings(verify, pair)) as client:
            return await client.ask()

    return blocking if request.param == "blocking" else lambda url, **how: asyncio.run(awaited(url, **how))


def test_a_server_of_another_authority_is_asked_once(ask, certificates):
    with serve([Reply()], tls=certificates.server_context()) as server:
        with pytest.raises(CertificateError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            ask(server.url, verify=certificates.stranger_authority)
        assert isinstance(caught.value, requests.exceptions.SSLError)
        assert caught.value.attempts == server.connections == 1
        assert ask(server.url).status_code == 200


def test_a_server_of_another_name_is_asked_once(ask, certificates):
    with serve([Reply()], host="127.0.0.2", tls=certificates.server_context()) as server:
        with pytest.raises(CertificateError, match=r"mismatch|not valid for"):
            ask(server.url)
        assert server.connections == 1


@pytest.mark.parametrize("who", ["nobody", "stranger"])
def test_who_is_not_let_in_by_the_handshake_of_tls_1_2_asks_once(ask, certificates, who):
    context = certificates.mutual_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # of 1.3, the handshake of the client ends before
    with serve([Reply()], tls=context) as server:
        if who == "stranger":
            with pytest.raises(CertificateError, match="UNKNOWN_CA"):
                ask(server.url, pair=certificates.stranger)
            assert server.connections == 1
        else:
            with pytest.raises(TlsError):
                ask(server.url)
        assert server.requests == []


@pytest.mark.parametrize("who", ["nobody", "stranger"])
def test_who_is_not_let_in_by_tls_1_3_gets_a_connection_error(ask, certificates, who):
    with serve([Reply()], tls=certificates.mutual_context()) as server:
        with pytest.raises(requests.ConnectionError):
            ask(server.url, pair=None if who == "nobody" else certificates.stranger)
        assert server.requests == []
        assert ask(server.url, pair=certificates.client).status_code == 200


def test_what_is_no_tls_is_asked_again(ask):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            for _ in range(3):
                with listener.accept()[0] as client:
                    client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    client.recv(1000)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(TlsError) as caught:
            ask(f"https://127.0.0.1:{listener.getsockname()[1]}")
        thread.join()
    assert not isinstance(caught.value, CertificateError)
    assert caught.value.attempts == 3


@pytest.mark.parametrize(
    "text",
    [
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1006)",
        "[Errno 1] [SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required (_ssl.c:2580)",
        "[SSL: SSLV3_ALERT_BAD_CERTIFICATE] sslv3 alert bad certificate",
        "[SSL: SSLV3_ALERT_CERTIFICATE_EXPIRED] sslv3 alert certificate expired",
        "[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca (_ssl.c:2580)",
        "[SSL: TLSV1_ALERT_ACCESS_DENIED] tlsv1 alert access denied",
        "[X509: KEY_VALUES_MISMATCH] key values mismatch (_ssl.c:3926)",
        "[X509: NO_CERTIFICATE_OR_CRL_FOUND] no certificate or crl found (_ssl.c:4154)",
        "[SSL] PEM lib (_ssl.c:3905)",
    ],
)
def test_texts_that_are_about_certificates(text):
    assert is_about_certificate(text)


@pytest.mark.parametrize(
    "text",
    [
        "EOF occurred in violation of protocol (_ssl.c:2427)",
        "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)",
        "[SSL: TLSV1_ALERT_INTERNAL_ERROR] tlsv1 alert internal error",
        "Cannot connect to host certificate.unknown_ca.example:443 ssl:default [Connection refused]",
        "GET https://host/[CERTIFICATE]: [Errno 104] Connection reset by peer",
    ],
)
def test_texts_that_are_not(text):
    assert not is_about_certificate(text)

"""What both engines say of certificates that do not hold, of TLS that fails otherwise, and of what is no TLS."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
import time

import pytest
import requests

from restwright import AsyncClient, Request, SyncClient, retry
from restwright.errors import BrokenAnswer, CertificateError, ConnectTimeout, TlsError
from restwright.operation import Operations, operation
from restwright.plan import fetch
from restwright.testing import Reply, faults, serve
from restwright.wire.tls import is_about_certificate


class Asking(Operations):
    @operation
    def ask(self, content=None):
        return (yield from fetch(Request("GET" if content is None else "PUT", "/x", content=content)))


class Sync(SyncClient, Asking):
    pass


class Async(AsyncClient, Asking):
    pass


class Late:
    """Content whose second half comes when the server has long closed the connection."""

    length = 200_000

    def chunks(self):
        yield b"x" * 100_000
        time.sleep(0.1)
        yield b"x" * 100_000


def content_of(kind):
    return {"none": None, "small": b"x" * 200, "large": b"x" * (1 << 20), "late": Late()}[kind]


@pytest.fixture(params=["blocking", "awaited"])
def ask(request, certificates):
    """Sends requests that may be repeated twice, with the authority of the run or another one."""

    def settings(verify=None, pair=None, connect=5):
        session = requests.Session()
        session.verify, session.cert = verify or certificates.authority, pair and (pair.cert, pair.key)
        return {"session": session, "timeout": (connect, 5), "policy": retry(3, delay_first=0.0)}

    def blocking(url, *contents, **how):
        with Sync(url, Asking(), **settings(**how)) as client:
            return [client.ask(content) for content in contents or [None]][-1]

    async def awaited(url, *contents, **how):
        async with Async(url, Asking(), **settings(**how)) as client:
            return [await client.ask(content) for content in contents or [None]][-1]

    return blocking if request.param == "blocking" else lambda *of, **how: asyncio.run(awaited(*of, **how))


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


@pytest.mark.parametrize("kind", ["none", "small", "large", "late"])
@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("nobody", "the server wants a client certificate: .*CERTIFICATE_REQUIRED"),
        ("stranger", "the server does not accept the client certificate: .*UNKNOWN_CA"),
    ],
)
def test_who_is_not_let_in_by_tls_1_3_asks_once(ask, certificates, who, words, kind):
    """The server's alert comes in the place of an answer, or waits behind a reset connection."""
    with serve([Reply()], tls=certificates.mutual_context()) as server:
        with pytest.raises(CertificateError, match=words) as caught:
            ask(server.url, content_of(kind), pair=None if who == "nobody" else certificates.stranger)
        assert caught.value.attempts == server.connections == 1
        assert server.requests == []
        assert ask(server.url, pair=certificates.client).status_code == 200


MAYBE = "this may be how a server refuses a client certificate, or wants one"


def test_what_is_reset_without_an_alert_may_be_refused(ask, certificates):
    with serve([faults.reset_before()] * 3, tls=certificates.server_context()) as server:
        with pytest.raises(BrokenAnswer, match=MAYBE) as caught:
            ask(server.url)
        assert caught.value.attempts == server.connections == 3


def test_what_has_been_answered_on_the_same_connection_has_not_been_refused(ask, certificates):
    with serve([Reply(), *[faults.reset_before()] * 3], tls=certificates.server_context()) as server:
        with pytest.raises(BrokenAnswer) as caught:
            ask(server.url, None, b"x")
        assert MAYBE in str(caught.value)  # the last attempt has a connection of its own
        assert server.connections == 3
    with serve([Reply(), faults.reset_within_body()], tls=certificates.server_context()) as server:
        with pytest.raises(requests.ConnectionError) as caught:
            ask(server.url, None, None)
        assert MAYBE not in str(caught.value)


def test_without_tls_nobody_speaks_of_certificates(ask):
    with serve([faults.reset_before()] * 3) as server, pytest.raises(BrokenAnswer) as caught:
        ask(server.url)
    assert "certificate" not in str(caught.value)


@contextlib.contextmanager
def playing(play):
    """A server of three connections, on each of which this is played after the first bytes have come."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            for _ in range(3):
                with listener.accept()[0] as client, contextlib.suppress(ConnectionError):
                    client.recv(1000)
                    play(client)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join(10)
        assert not thread.is_alive()


def test_what_is_no_tls_is_told_and_asked_again(ask):
    def play(client):
        client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        client.recv(1000)

    with (
        playing(play) as address,
        pytest.raises(TlsError, match="the server does not speak TLS at this port") as caught,
    ):
        ask(f"https://{address}")
    assert not isinstance(caught.value, CertificateError)
    assert "object at" not in str(caught.value)
    assert caught.value.attempts == 3


def test_a_server_that_waits_for_a_line_has_not_ended_the_handshake(ask):
    with playing(lambda client: client.recv(1000)) as address, pytest.raises(ConnectTimeout) as caught:
        ask(f"https://{address}", connect=0.2)
    assert "no connection within 0.2 s: the handshake of TLS did not end; does the server speak" in str(caught.value)
    assert caught.value.attempts == 3


def test_a_tunnel_that_does_not_open_is_no_handshake(ask, monkeypatch):
    with playing(lambda client: client.recv(1000)) as address:
        monkeypatch.setenv("https_proxy", f"http://{address}")
        with pytest.raises(ConnectTimeout) as caught:
            ask("https://api.example", connect=0.2)
    assert "no connection within 0.2 s" in str(caught.value)
    assert "handshake" not in str(caught.value)


def test_a_handshake_in_a_tunnel_is_told(ask, monkeypatch):
    def play(client):
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        client.recv(1000)  # the beginning of the handshake
        client.recv(1000)

    with playing(play) as address:
        monkeypatch.setenv("https_proxy", f"http://{address}")
        with pytest.raises(ConnectTimeout, match="the handshake of TLS did not end"):
            ask("https://api.example", connect=0.2)


def test_an_alert_for_plain_http_tells_of_tls(ask):
    alert = b"\x15\x03\x01\x00\x02\x02\x46"  # protocol_version (RFC 8446, 6)
    with playing(lambda client: client.sendall(alert)) as address, pytest.raises(BrokenAnswer) as caught:
        ask(f"http://{address}")
    assert "the server speaks TLS at this port, for https" in str(caught.value)
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

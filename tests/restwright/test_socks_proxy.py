"""Proxies of SOCKS, in both modes: a real one lets through, refuses, or is not there."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import pytest
import requests
from tests.restwright.socks_server import socks_server

from restwright import AsyncClient, Request, SyncClient
from restwright.errors import CertificateError, ConnectTimeout, ProxyError
from restwright.operation import Operations, operation
from restwright.plan import exchange
from restwright.testing import Reply, serve


class Asking(Operations):
    @operation
    def ask(self, content=None):
        return (yield Request("GET" if content is None else "PUT", "/x", content=content))


class Sync(SyncClient, Asking):
    pass


class Async(AsyncClient, Asking):
    pass


@pytest.fixture(params=["blocking", "awaited"])
def ask(request, certificates):
    """Asks so often by way of a proxy."""

    def settings(proxy, verify, timeout):
        session = requests.Session()
        session.verify = verify or certificates.authority
        session.proxies = {"http": proxy, "https": proxy}
        return {"session": session, "timeout": timeout, "policy": exchange}

    def blocking(url, proxy, *contents, verify=None, timeout=30):
        with Sync(url, Asking(), **settings(proxy, verify, timeout)) as client:
            return [client.ask(content) for content in contents or [None]]

    async def awaited(url, proxy, *contents, verify=None, timeout=30):  # noqa: ASYNC109  # of the client
        async with Async(url, Asking(), **settings(proxy, verify, timeout)) as client:
            return [await client.ask(content) for content in contents or [None]]

    return blocking if request.param == "blocking" else lambda *of, **how: asyncio.run(awaited(*of, **how))


@pytest.fixture(params=["http", "https"])
def server(request, certificates):
    with serve(
        lambda request: Reply(text="here"), tls=certificates.server_context() if request.param == "https" else None
    ) as server:
        yield server


def test_all_goes_through_the_proxy_over_one_connection(ask, server):
    with socks_server() as proxy:
        answers = ask(server.url, f"socks5://{proxy.authority}", None, b"x" * 1_000_000, None)
        assert [answer.text for answer in answers] == ["here"] * 3
        assert proxy.asked == [server.url.partition("://")[2]]
        assert proxy.users == []
    assert server.connections == 1
    assert len(server.requests[1].body) == 1_000_000
    assert server.requests[0].target == "/x"


def test_the_proxy_is_told_user_and_password_and_the_server_is_not(ask, server):
    with socks_server("s3cr3t") as proxy:
        (answer,) = ask(server.url, f"socks5://me:s3cr3t@{proxy.authority}")
        assert answer.text == "here"
        assert proxy.users == ["me"]
    assert not any("s3cr3t" in value for value in server.requests[0].headers.values())


def test_names_are_looked_up_by_the_proxy(ask, server, certificates):
    port = server.url.rpartition(":")[2]
    with socks_server() as proxy:
        (answer,) = ask(
            f"http{'s' * server.url.startswith('https')}://localhost:{port}", f"socks5h://{proxy.authority}"
        )
        assert answer.text == "here"
        assert proxy.asked == [f"localhost:{port}"]


def test_a_wrong_password_is_told_without_it(ask, server):
    with socks_server("s3cr3t") as proxy, pytest.raises(ProxyError) as caught:
        ask(server.url, f"socks5://me:wr0ng@{proxy.authority}")
    assert "authentication failed" in str(caught.value)
    assert "wr0ng" not in f"{caught.value!r} {caught.value}"
    assert server.connections == 0


def test_what_the_proxy_refuses_is_told(ask, server):
    with socks_server() as proxy:
        proxy.reply = 2
        with pytest.raises(ProxyError, match="not allowed by ruleset"):
            ask(server.url, f"socks5://{proxy.authority}")


@pytest.mark.parametrize("scheme", ["socks", "socks9"])
def test_a_kind_of_socks_that_there_is_not_is_told(ask, scheme):
    with pytest.raises(requests.exceptions.InvalidSchema, match=f"proxies: {scheme}://.* socks4, ") as caught:
        ask("http://127.0.0.1:1", f"{scheme}://me:s3cr3t@127.0.0.1:2")
    assert "s3cr3t" not in str(caught.value)


def test_without_pysocks_what_to_install_is_told(ask, monkeypatch):
    def missing(*_, **__):
        raise requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")  # as requests has it then

    monkeypatch.setattr("requests.adapters.SOCKSProxyManager", missing)
    with pytest.raises(requests.exceptions.InvalidSchema, match=r"proxies: socks5://.*pip install 'requests\[socks\]'"):
        ask("http://127.0.0.1:1", "socks5://127.0.0.1:2")


def test_much_content_that_is_taken_slowly_is_sent(ask):
    """Each piece has the read timeout to be taken in, and not all of them together."""
    size = 12_000_000

    def read_slowly(listener):
        with listener.accept()[0] as client:
            left = size  # and the header section, which may stay where it is
            while left > 0 and (data := client.recv(1 << 17)):
                left -= len(data)
                time.sleep(0.01)
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener, socks_server() as proxy:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 17)
        thread = threading.Thread(target=read_slowly, args=(listener,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        (answer,) = ask(url, f"socks5://{proxy.authority}", b"x" * size, timeout=(5, 0.8))
        assert answer.status_code == 200
        thread.join()


def test_a_proxy_that_is_not_there_is_told(ask, server):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(ProxyError, match=r"no connection by way of the proxy: .*refused"):
        ask(server.url, f"socks5://127.0.0.1:{port}")


def test_a_proxy_that_is_silent_runs_out_of_time(ask, server):
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ConnectTimeout):
        ask(server.url, f"socks5://127.0.0.1:{silent.getsockname()[1]}", timeout=0.3)


def test_the_certificate_of_the_server_is_looked_at(ask, certificates):
    with (
        serve([Reply()], tls=certificates.server_context()) as server,
        socks_server() as proxy,
        pytest.raises(CertificateError),
    ):
        ask(server.url, f"socks5://{proxy.authority}", verify=certificates.stranger_authority)

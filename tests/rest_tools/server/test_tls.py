"""A server that speaks TLS itself, to clients that know nothing of it but its authority."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import time

import pytest
import requests

from rest_tools.server import RestHandler, RestHandlerSetup, RestServer

TLS_PROGRAM = """
import ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("{}", "{}")
server_of(ssl_options=context).run("127.0.0.1", 0, processes=2, drain=2)
"""


class Fruits(RestHandler):
    def get(self):
        certificate = self.request.get_ssl_certificate() or {}
        self.write({"protocol": self.request.protocol, "subject": str(certificate.get("subject"))})

    def post(self):
        self.finish(self.request.body)


def server_of(context, **settings):
    server = RestServer(ssl_options=context, **settings)
    server.add_route("/fruits", Fruits, RestHandlerSetup())
    return server


def url_of(server):
    return f"https://127.0.0.1:{server.port}/fruits"


def test_a_connection_is_kept_and_the_handler_knows_that_it_is_tls(serving, certificates):
    server = server_of(certificates.server_context())
    trust = ssl.create_default_context(cafile=certificates.authority)
    with serving(server):
        client = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=30, context=trust)
        client.connect()
        connection = client.sock
        for _ in range(3):
            client.request("GET", "/fruits")
            assert json.load(client.getresponse())["protocol"] == "https"
        assert client.sock is connection
        client.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_whoever_does_not_know_the_authority_is_not_answered(serving, certificates, host):
    server = server_of(certificates.server_context())
    with serving(server):
        url = url_of(server).replace("127.0.0.1", host)
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(url, timeout=30)
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(url, verify=certificates.stranger_authority, timeout=30)
        assert requests.get(url, verify=certificates.authority, timeout=30).ok


def test_large_bodies_go_both_ways(serving, certificates):
    body = bytes(range(256)) * 20_000
    server = server_of(certificates.server_context())
    with serving(server):
        answer = requests.post(url_of(server), body, verify=certificates.authority, timeout=10)
    assert answer.content == body


def test_mutual_tls_lets_in_whom_the_authority_has_signed(serving, certificates):
    server = server_of(certificates.mutual_context())
    known, stranger = certificates.client, certificates.stranger
    with serving(server):
        answer = requests.get(url_of(server), verify=certificates.authority, cert=(known.cert, known.key), timeout=30)
        assert "client" in answer.json()["subject"]
        for cert in (None, (stranger.cert, stranger.key)):
            with pytest.raises(requests.ConnectionError):
                requests.get(url_of(server), verify=certificates.authority, cert=cert, timeout=30)
        assert requests.get(url_of(server), verify=certificates.authority, cert=(known.cert, known.key), timeout=30).ok


def test_what_is_no_tls_is_closed(serving, certificates):
    server = server_of(certificates.server_context())
    with serving(server):
        with socket.create_connection(("127.0.0.1", server.port), 30) as client:
            client.sendall(b"GET /fruits HTTP/1.1\r\nHost: x\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                assert b"HTTP" not in client.recv(1000)
        assert requests.get(url_of(server), verify=certificates.authority, timeout=30).ok


def test_a_handshake_has_the_time_of_a_header(serving, certificates):
    server = server_of(certificates.server_context(), header_timeout=0.3)
    with serving(server), socket.create_connection(("127.0.0.1", server.port), 30) as client:
        begin = time.monotonic()
        assert client.recv(1000) == b""
        assert 0.3 <= time.monotonic() - begin < 20


def test_a_slow_header_is_told_within_tls(serving, certificates):
    server = server_of(certificates.server_context(), header_timeout=3)
    trust = ssl.create_default_context(cafile=certificates.authority)
    with (
        serving(server),
        socket.create_connection(("127.0.0.1", server.port), 30) as plain,
        trust.wrap_socket(plain, server_hostname="127.0.0.1") as client,
    ):
        client.sendall(b"GET /fruits HTTP/1.1\r\nHost: x\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_a_stop_drains_idle_connections(loop, serving, certificates):
    server = server_of(certificates.server_context())
    trust = ssl.create_default_context(cafile=certificates.authority)
    with serving(server):
        client = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=30, context=trust)
        client.request("GET", "/fruits")
        assert client.getresponse().read()
        time.sleep(1.1)  # until it is quiet
        begin = time.monotonic()
        loop.do(server.stop(drain=35))
        assert time.monotonic() - begin < 20
        client.close()


def test_several_processes_speak_it_too(program, certificates):
    source = TLS_PROGRAM.format(certificates.server.cert, certificates.server.key)
    with program(source) as one:
        answer = requests.get(f"https://127.0.0.1:{one.port}/who", verify=certificates.authority, timeout=10)
        assert answer.json()["pid"]
        one.process.terminate()
        assert one.ends() == 0


@pytest.mark.parametrize("options", [{"certfile": "x"}, ssl.create_default_context()], ids=["a dict", "for clients"])
def test_a_context_that_is_not_for_servers_is_refused_at_the_start(options):
    with pytest.raises(TypeError, match=r"ssl_options must be an ssl.SSLContext for servers"):
        server_of(options).startup(port=0)

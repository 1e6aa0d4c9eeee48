"""TLS: who needs no token."""

from __future__ import annotations

import contextlib
import socket

import pytest
import requests

from restwright.sandbox.sequoia import sequoia_service

PATHS = ("/data/contents?owner=testmock", "/descriptor/raw", "/business/x")


@pytest.fixture(scope="module")
def running():
    services = {}

    def give(tls):
        if tls not in services:
            services[tls] = sequoia_service(tls=tls, sample=False)
        services[tls].reset()
        return services[tls]

    yield give
    for one in services.values():
        one.close()


def ask(sequoia, path, *, has_certificate, token=None):
    made = sequoia.certificates
    return requests.get(
        sequoia.locations["metadata"] + path,
        verify=made.authority,
        cert=(made.client.cert, made.client.key) if has_certificate else None,
        headers={"Authorization": f"Bearer {token}"} if token else {},
        timeout=30,
    ).status_code


@pytest.mark.parametrize("path", PATHS)
def test_a_certificate_stands_in_the_place_of_a_token(running, path):
    for tls in ("mutual", "optional"):
        assert ask(running(tls), path, has_certificate=True) == 200
        assert ask(running(tls), path, has_certificate=True, token="wrong") == 200


@pytest.mark.parametrize("path", PATHS)
def test_who_shows_none_needs_a_token(running, path):
    for tls in ("on", "optional"):
        sequoia = running(tls)
        assert ask(sequoia, path, has_certificate=False) == 401
        assert ask(sequoia, path, has_certificate=False, token=sequoia.token()) == 200
    assert ask(running("on"), path, has_certificate=True) == 401  # nobody looks at it


def test_all_locations_are_https_and_demand_it(running):
    sequoia = running("mutual")
    own = sequoia.certificates.client
    trust = {"verify": sequoia.certificates.authority, "timeout": 5}
    services = requests.get(sequoia.registry_url, cert=(own.cert, own.key), **trust).json()["services"]
    assert {one["name"]: one["location"] for one in services} == sequoia.locations
    for url in (sequoia.url, *sequoia.locations.values()):
        assert url.startswith("https://127.0.0.1:")
        assert requests.get(url, cert=(own.cert, own.key), **trust).status_code == 404
        with pytest.raises(requests.ConnectionError):
            requests.get(url, **trust)


def test_it_plays_dead_and_lives_again_with_tls(running):
    sequoia = running("mutual")
    sequoia.behave("metadata", dead=True)
    with pytest.raises(requests.ConnectionError, match="refused"):
        ask(sequoia, PATHS[0], has_certificate=True)
    sequoia.behave_well()
    assert ask(sequoia, PATHS[0], has_certificate=True) == 200


def test_who_speaks_no_tls_is_not_answered(running):
    port = int(running("on").locations["metadata"].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), 5) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            answer = plain.recv(100)
        assert not answer.startswith(b"HTTP/")
    assert running("on").requests == []

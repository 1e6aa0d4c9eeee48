"""Two-way TLS: who is let in, who is believed, and where the client's certificate is shown."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests_mock
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from tests.sequoia.asking import add, names

from restwright.errors import CertificateError
from restwright.sandbox.certificates import Certificates
from restwright.sandbox.sequoia import sequoia_service
from restwright.testing import Reply, serve
from sequoia import error
from sequoia.auth import AuthFactory, AuthType
from sequoia.client import AsyncClient, Client


class Parts:
    """A registry and a service, each a server of its own."""

    def __init__(self, serving):
        self.registry = serving(lambda request: Reply(json={"services": self.services()}))
        self.service = serving(lambda request: self.reply or Reply(json={"meta": {}, "contents": [{"ref": "o:c1"}]}))
        self.reply = None

    def services(self):
        return [{"name": "metadata", "owner": "root", "location": self.service.url, "title": "t"}]

    @property
    def asked(self):
        return len(self.registry.requests), len(self.service.requests)

    @property
    def connections(self):
        return self.registry.connections, self.service.connections


@pytest.fixture
def parts():
    """Makes a registry and a service, whose contexts of TLS are given."""
    with ExitStack() as stack:

        def make(*contexts):
            contexts = iter(contexts)
            return Parts(lambda app: stack.enter_context(serve(app, tls=next(contexts))))

        yield make


@pytest.fixture
def asking_parts(serve_asking):
    """Those that ask for a certificate and go on without."""
    with ExitStack() as stack:
        yield Parts(lambda app: stack.enter_context(serve_asking(app)))


@pytest.fixture
def mutual(certificates):
    def settings(parts, **changes):
        own = certificates.client
        return {
            "registry_url": f"{parts.registry.url}/services/testmock",
            "auth_type": AuthType.MUTUAL,
            "client_cert": own.cert,
            "client_key": own.key,
            "server_cert": certificates.authority,
            **changes,
        }

    return settings


def read(client):
    return client.metadata.contents.read("o", "o:c1")


@pytest.fixture(params=["blocking", "awaited"])
def ask(request):
    """What a call of a client gives that has these settings."""

    def blocking(settings, call=read):
        with Client(**settings) as client:
            return call(client)

    async def awaited(settings, call):
        async with AsyncClient(**settings) as client:
            return await call(client)

    if request.param == "blocking":
        return blocking
    return lambda settings, call=read: asyncio.run(awaited(settings, call))


# ------------------------------------------------------------------------------------------------ who is let in


def test_the_right_certificate_opens_the_registry_and_the_services(ask, parts, mutual, certificates):
    both = parts(certificates.mutual_context(), certificates.mutual_context())
    assert ask(mutual(both)).resources == [{"ref": "o:c1"}]
    assert both.asked == (1, 1)
    assert all("Authorization" not in request.headers for request in both.registry.requests + both.service.requests)


def test_without_a_certificate_nothing_opens(ask, parts, mutual, certificates, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificates.authority)
    both = parts(certificates.mutual_context(), certificates.mutual_context())
    with pytest.raises(error.ConnectionError) as caught:
        ask(mutual(both, auth_type=AuthType.NO_AUTH))
    assert isinstance(caught.value.cause, CertificateError)
    assert both.asked == (0, 0)


@pytest.mark.parametrize("door", ["registry", "service"])
def test_a_stranger_is_not_let_in(ask, parts, mutual, certificates, door):
    """The server's alert comes after the handshake (TLS 1.3), and maybe when the connection has been reset."""
    open_, closed = certificates.server_context(), certificates.mutual_context()
    both = parts(*((closed, closed) if door == "registry" else (open_, closed)))
    stranger = certificates.stranger
    with pytest.raises(error.ConnectionError, match="does not accept the client certificate") as caught:
        ask(mutual(both, client_cert=stranger.cert, client_key=stranger.key))
    assert isinstance(caught.value.cause, CertificateError)
    assert both.asked == ((0, 0) if door == "registry" else (1, 0))
    assert both.connections == ((1, 0) if door == "registry" else (1, 1))


@pytest.mark.parametrize("door", ["registry", "service"])
def test_a_server_of_another_authority_is_not_believed_and_asked_once(ask, parts, mutual, certificates, door):
    with Certificates() as others:
        contexts = certificates.mutual_context(), others.server_context()
        both = parts(*(reversed(contexts) if door == "registry" else contexts))
        with pytest.raises(error.ConnectionError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            ask(mutual(both))
    assert isinstance(caught.value.cause, CertificateError)
    assert both.asked == ((0, 0) if door == "registry" else (1, 0))
    assert both.connections == ((1, 0) if door == "registry" else (1, 1))


def test_a_failure_of_the_service_is_repeated_as_ever(ask, parts, mutual, certificates):
    both = parts(certificates.mutual_context(), certificates.mutual_context())
    both.reply = Reply(503)
    with pytest.raises(error.HttpError):
        ask(mutual(both, backoff_strategy={"interval": 0, "max_tries": 3}))
    assert both.asked == (1, 3)


# ------------------------------------------------------------------------------------------------ files


@pytest.fixture
def wrong_file(tmp_path, certificates):
    """Paths of files that are not what is wanted, by what they are."""
    garbled, empty, encrypted = (tmp_path / f"{name}.pem" for name in ("garbled", "empty", "encrypted"))
    garbled.write_text("-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n")
    empty.touch()
    key = load_pem_private_key(Path(certificates.client.key).read_bytes(), None)
    encryption = BestAvailableEncryption(b"s3cr3t")
    encrypted.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    return {
        "missing": tmp_path / "nowhere.pem",
        "folder": tmp_path,
        "garbled": garbled,
        "empty": empty,
        "encrypted": encrypted,
        "of another": certificates.stranger.key,
        "a key": certificates.client.key,
        "a certificate": certificates.client.cert,
    }


@pytest.mark.parametrize(
    ("name", "what", "kind", "words"),
    [
        *(
            (name, "missing", FileNotFoundError, "there is no file")
            for name in ("client_cert", "client_key", "server_cert")
        ),
        *((name, "folder", IsADirectoryError, "cannot be read") for name in ("client_cert", "client_key")),
        *(
            (name, what, ValueError, "has no certificate in PEM")
            for name in ("client_cert", "server_cert")
            for what in ("garbled", "empty", "a key")
        ),
        *(
            ("client_key", what, ValueError, "has no private key in PEM without a password")
            for what in ("garbled", "empty", "encrypted", "a certificate")
        ),
        ("client_key", "of another", ValueError, "is not the key of client_cert"),
        *(
            (name, None, ValueError, "is missing: MUTUAL needs")
            for name in ("client_cert", "client_key", "server_cert")
        ),
    ],
)
@pytest.mark.parametrize("make", [Client, AsyncClient])
def test_a_wrong_file_is_told_by_the_name_of_its_argument(
    parts, mutual, certificates, wrong_file, make, name, what, kind, words
):
    both = parts(certificates.mutual_context(), certificates.mutual_context())
    path = None if what is None else str(wrong_file[what])
    with pytest.raises(kind, match=f"{name}.* {words}") as caught:
        make(**mutual(both, **{name: path}))
    assert path is None or path in str(caught.value)
    assert both.connections == (0, 0)


def test_nobody_is_asked_for_a_password_at_the_terminal(wrong_file, certificates):
    arguments = (certificates.client.cert, str(wrong_file["encrypted"]), certificates.authority)
    code = f"from sequoia.certificates import check_certificates; check_certificates{arguments}"
    tried = subprocess.run(
        [sys.executable, "-c", code], input="s3cr3t\n", capture_output=True, text=True, check=False, timeout=200
    )
    assert "ValueError: client_key" in tried.stderr
    assert "pass phrase" not in tried.stderr + tried.stdout


def test_the_factory_looks_at_no_file():
    auth = AuthFactory.create(auth_type=AuthType.MUTUAL, client_cert="a.pem", client_key="a.key", server_cert="ca.pem")
    assert (auth.session.cert, auth.session.verify) == (("a.pem", "a.key"), "ca.pem")
    with pytest.raises(FileNotFoundError, match=r"client_cert: there is no file 'a\.pem'"):
        auth.check()


# ------------------------------------------------------------------------------------------------ where it is shown


def test_it_is_not_shown_where_a_service_redirects_to(ask, asking_parts, mutual, serve_asking):
    with serve_asking(lambda request: Reply(json={"contents": [2]})) as other:
        asking_parts.reply = Reply(302, headers={"Location": f"{other.url}/elsewhere"})
        assert ask(mutual(asking_parts)).resources == [2]
        assert (asking_parts.registry.shown, asking_parts.service.shown, other.shown) == ([True], [True], [False])


def test_a_raw_request_shows_it_to_what_the_registry_names_and_to_the_registry(ask, asking_parts, mutual, serve_asking):
    with serve_asking(lambda request: Reply(json={})) as other:
        settings = mutual(asking_parts)
        assert ask(settings, lambda client: client._http.get(f"{other.url}/raw")).status == 200
        assert ask(settings, lambda client: client._http.get(f"{asking_parts.service.url}/raw")).status == 200
        assert ask(settings, lambda client: client._http.get(settings["registry_url"])).status == 200
        assert other.shown == [False]
        assert asking_parts.service.shown == [True]
        assert asking_parts.registry.shown == [True] * 4


def test_it_is_not_shown_where_an_adapter_of_ones_own_redirects_to(ask, asking_parts, mutual, certificates):
    adapter = requests_mock.Adapter()
    services = [{"name": "metadata", "owner": "o", "location": "mock://metadata", "title": "t"}]
    adapter.register_uri("GET", "mock://registry", json={"services": services})
    away = {"Location": f"{asking_parts.service.url}/elsewhere"}
    adapter.register_uri("GET", "mock://metadata/data/contents/o:c1", status_code=302, headers=away)
    settings = {**mutual(asking_parts), "registry_url": "mock://registry", "adapters": [("mock://", adapter)]}
    assert ask(settings).resources == [{"ref": "o:c1"}]
    assert asking_parts.service.shown == [False]
    assert [request.cert for request in adapter.request_history] == [
        (settings["client_cert"], settings["client_key"])
    ] * 2


def test_a_refreshed_registry_tells_where_it_is_shown(asking_parts, mutual, serve_asking):
    with serve_asking(lambda request: Reply(json={})) as other, Client(**mutual(asking_parts)) as client:
        client._http.get(f"{other.url}/raw")
        asking_parts.services = lambda: [{"name": "new", "owner": "root", "location": other.url, "title": "t"}]
        client._registry.refresh()
        client._http.get(f"{other.url}/raw")
        client._http.get(f"{asking_parts.service.url}/raw")
        assert (other.shown, asking_parts.service.shown) == ([False, True], [False])


# ------------------------------------------------------------------------------------------------ on the sandbox


@pytest.fixture(scope="module")
def closed_server():
    with sequoia_service(tls="mutual", sample=False) as running:
        yield running


@pytest.fixture
def closed(closed_server):
    """Services that demand a certificate, and what a client of theirs is given."""
    closed_server.reset()
    add(closed_server, "contents", *({"name": f"c{number}"} for number in range(3)))
    made = closed_server.certificates
    settings = {
        "registry_url": closed_server.registry_url,
        "auth_type": AuthType.MUTUAL,
        "client_cert": made.client.cert,
        "client_key": made.client.key,
        "server_cert": made.authority,
        "backoff_strategy": {"interval": 0, "max_tries": 3},
    }
    return closed_server, settings


def test_the_sandbox_lets_in_who_has_its_certificate_and_wants_no_token(ask, closed):
    sequoia, settings = closed
    assert ask(settings, lambda client: client.metadata.contents.read("o", "o:c1")).resources[0]["name"] == "c1"
    stored = ask(settings, lambda client: client.metadata.contents.store("o", {"name": "c9"}))
    document = stored.resources[0]
    change = {**document, "title": "t"}
    with pytest.raises(error.NotMatchingVersion):
        ask(settings, lambda client: client.metadata.contents.update("o", change, "o:c9", "another"))
    assert [one.endpoint for one in sequoia.requests] == ["registry", "metadata/contents"] * 3
    assert all("authorization" not in one.headers for one in sequoia.requests)


def test_the_sandbox_gives_pages_to_who_has_its_certificate_and_fails_as_ever(closed):
    sequoia, settings = closed
    with Client(**settings) as client:
        browser = client.metadata.contents.browse("o", query_string="continue=true&perPage=1")
        sequoia.behave("metadata/contents", status=503, times=1)
        sequoia.behave("metadata/contents", reset=True, times=1)
        assert names(browser) == [["c0"], ["c1"], ["c2"]]
    assert sequoia.count("metadata/contents") == 5


def test_where_a_certificate_is_optional_it_stands_in_the_place_of_a_token(ask, closed):
    _, settings = closed
    with sequoia_service(tls="optional", sample=False) as sequoia:
        add(sequoia, "contents", {"name": "c1"})
        made = sequoia.certificates
        files = {"client_cert": made.client.cert, "client_key": made.client.key, "server_cert": made.authority}
        assert ask({**settings, **files, "registry_url": sequoia.registry_url}).resources[0]["name"] == "c1"
        assert [one.headers.get("authorization") for one in sequoia.requests] == [None, None]


@pytest.mark.parametrize("wrong", ["no certificate", "a stranger's"])
def test_the_sandbox_lets_in_nobody_else(ask, closed, monkeypatch, wrong):
    sequoia, settings = closed
    stranger = sequoia.certificates.stranger
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", sequoia.certificates.authority)
    changes = {
        "no certificate": {"auth_type": AuthType.BYO_TOKEN, "byo_token": sequoia.token()},
        "a stranger's": {"client_cert": stranger.cert, "client_key": stranger.key},
    }
    with pytest.raises(error.ConnectionError):
        ask({**settings, **changes[wrong]})
    assert sequoia.requests == []


def test_the_sandbox_is_not_believed_by_another_authority(ask, closed):
    sequoia, settings = closed
    with pytest.raises(error.ConnectionError, match="CERTIFICATE_VERIFY_FAILED") as caught:
        ask({**settings, "server_cert": sequoia.certificates.stranger_authority})
    assert isinstance(caught.value.cause, CertificateError)
    assert sequoia.requests == []

"""Certificates in the hands of a server and of clients that know nothing but files."""

from __future__ import annotations

import doctest
import socket
import ssl
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests

from restwright.sandbox import certificates as module
from restwright.sandbox.certificates import Certificates
from restwright.testing.serve import Reply, serve


def shake_hands(certificates, address, name):
    """What the client learns of a server at this address that it believes to have this name."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as listener:

        def accept():
            with certificates.server_context().wrap_socket(listener.accept()[0], server_side=True) as server:
                server.recv(1)

        thread = threading.Thread(target=accept)
        thread.start()
        trust = ssl.create_default_context(cafile=certificates.authority)
        with (
            socket.create_connection(listener.getsockname()[:2], 5) as plain,
            trust.wrap_socket(plain, server_hostname=name) as client,
        ):
            client.sendall(b"x")
            found = client.getpeercert()
        thread.join()
    return found


def test_the_example_in_the_docstring():
    outcome = doctest.testmod(module)
    assert outcome.attempted > 0
    assert outcome.failed == 0


@pytest.mark.parametrize(("address", "name"), [("127.0.0.1", "127.0.0.1"), ("127.0.0.1", "localhost"), ("::1", "::1")])
def test_a_server_is_known_by_all_names_of_loopback(certificates, address, name):
    names = [value.lower() for _, value in shake_hands(certificates, address, name)["subjectAltName"]]
    assert {"127.0.0.1", "localhost"} < set(names)


def test_a_server_is_no_other_one(certificates):
    with serve([Reply()], tls=certificates.server_context()) as server:
        assert requests.get(server.url, verify=certificates.authority, timeout=30).ok
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(server.url, verify=certificates.stranger_authority, timeout=30)


def test_a_server_is_not_known_by_another_name(certificates):
    with (
        serve([Reply()], host="127.0.0.2", tls=certificates.server_context()) as server,
        pytest.raises(requests.exceptions.SSLError, match="mismatch"),
    ):
        requests.get(server.url, verify=certificates.authority, timeout=30)


@pytest.mark.parametrize("who", ["nobody", "stranger", "server of another run"])
def test_mutual_tls_lets_in_the_client_and_nobody_else(certificates, who):
    with serve([Reply()], tls=certificates.mutual_context()) as server, Certificates() as other:
        known, strangers = (
            certificates.client,
            {"stranger": certificates.stranger, "server of another run": other.server},
        )
        pair = strangers.get(who)
        with pytest.raises(requests.ConnectionError):
            requests.get(server.url, verify=certificates.authority, cert=pair and (pair.cert, pair.key), timeout=30)
        assert requests.get(server.url, verify=certificates.authority, cert=(known.cert, known.key), timeout=30).ok
        assert len(server.requests) == 1


def test_files_are_for_their_owner_and_gone_at_the_end():
    with Certificates() as made:
        folder = Path(made.authority).parent
        files = list(folder.iterdir())
        assert len(files) == 8
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert repr(made) == f"<Certificates of {made.authority}>"
    assert not folder.exists()
    made.close()


def test_its_absence_names_the_extra():
    code = "import sys; sys.modules['trustme'] = None\nimport restwright.sandbox.certificates"
    failed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=200)
    assert "ImportError: to have certificates made: pip install 'restwright[sandbox]'" in failed.stderr

"""All services speak TLS, with certificates that live as long as they do."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import requests
from cryptography.x509 import SubjectAlternativeName, load_pem_x509_certificate
from tests.restwright.sandbox.commands import running

from keystone_client import KeystoneClient
from restwright.sandbox import identity_provider
from restwright.sandbox.keystone import keystone_service
from restwright.sandbox.sequoia import sequoia_service
from restwright.sandbox.tls import Tls

SERVICES = {"identity": identity_provider, "keystone": keystone_service, "sequoia": sequoia_service}
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
PATHS = {"identity": "/jwks", "keystone": "/version/", "sequoia": "/services/testmock"}


@pytest.fixture(params=SERVICES)
def name(request):
    return request.param


def start(name, **options):
    return SERVICES[name](**({} if name == "identity" else {"sample": False}), **options)


def get(service, name, pair=None, **options):
    trust = {"verify": service.certificates.authority, "timeout": 5, **options}
    return requests.get(service.url + PATHS[name], cert=pair and (pair.cert, pair.key), **trust)


def test_it_speaks_tls_and_its_certificates_are_gone_at_the_end(name):
    with start(name, tls="on", control=True) as service:
        assert service.url.startswith("https://127.0.0.1:")
        assert service.control_url.startswith("http://127.0.0.1:")
        assert get(service, name).ok
        with pytest.raises(requests.exceptions.SSLError):
            get(service, name, verify=service.certificates.stranger_authority)
        folder = Path(service.certificates.authority).parent
        assert folder.exists()
    assert not folder.exists()


def test_mutual_tls_lets_in_the_client_alone(name):
    with start(name, tls="mutual") as service:
        assert get(service, name, service.certificates.client).ok
        for pair in (None, service.certificates.stranger):
            with pytest.raises(requests.ConnectionError):
                get(service, name, pair)
        assert len(service.requests) == 1


def test_a_certificate_may_be_optional_but_not_a_strangers(name):
    with start(name, tls="optional") as service:
        assert get(service, name, service.certificates.client).ok
        assert get(service, name).ok
        with pytest.raises(requests.ConnectionError):
            get(service, name, service.certificates.stranger)


@pytest.mark.parametrize("era", ["session", "jwt"])
def test_the_client_of_keystone_logs_in_and_writes(era):
    """In the session era the service looks at the referer then."""
    with start("keystone", tls="on", era=era) as service:
        account = service.settings.staff
        with KeystoneClient(service.url, verify_ssl=service.certificates.authority) as client:
            client.login(account.username, account.password)
            made = client.create_cluster(name="atlas")
            assert [one["name"] for one in client.retrieve_cluster()] == ["atlas"] == [made["name"]]


def test_unless_told_so_it_speaks_none(name):
    with start(name) as service:
        assert service.url.startswith("http:")
        assert (service.certificates, service.tls.files(), service.tls.rows()) == (None, None, [])


def test_its_certificate_is_for_the_names_that_are_told_and_for_where_it_listens(name):
    with start(name, tls="on", address="127.0.0.2", tls_names=("*.sandbox.example",)) as service:
        assert get(service, name).ok
        port = service.url.rpartition(":")[2]
        command = ["openssl", "s_client", "-connect", f"127.0.0.2:{port}", "-CAfile", service.certificates.authority]
        for host, told in (("a.sandbox.example", "OK"), ("sandbox.example", "hostname mismatch")):
            asked = [*command, "-verify_hostname", host]
            shown = subprocess.run(asked, input="", capture_output=True, text=True, timeout=200, check=False)
            assert told in next(line for line in shown.stdout.splitlines() if "Verif" in line)


def test_services_may_share_certificates_which_outlive_them(name, certificates):
    with start(name, tls="on", certificates=certificates) as service:
        assert service.certificates is certificates
        assert get(service, name).ok
    assert Path(certificates.authority).exists()


def test_what_it_cannot_be_is_told(name, certificates):
    with pytest.raises(ValueError, match="certificates are for TLS, but tls is 'off'"):
        start(name, certificates=certificates)
    with pytest.raises(ValueError, match="tls has to be one of off, on, optional, mutual, got 'yes'"):
        start(name, tls="yes")
    with pytest.raises(TypeError, match=r"tls_names has to be a list or tuple of names, got 'a\.example'"):
        start(name, tls="on", tls_names="a.example")
    with pytest.raises(ValueError, match=r"names has to be names of hosts, got .*'a b'"):
        start(name, tls="on", tls_names=("a b",))


def names_of(tls):
    tls.context()
    certificate = load_pem_x509_certificate(Path(tls.certificates.server.cert).read_bytes())
    tls.close()
    named = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    return {str(one.value) for one in named}


def test_that_it_listens_at_all_addresses_is_no_name():
    assert names_of(Tls("on", "0.0.0.0", ("a.example", "192.0.2.1"))) == {*LOOPBACK, "a.example", "192.0.2.1"}
    assert names_of(Tls("on", "localhost", ())) == LOOPBACK


@pytest.mark.parametrize("name", SERVICES)
def test_the_command_tells_where_its_certificates_are(name):
    with running(name, "--port", "0", "--json", "--tls", "mutual", "--tls-name", "sandbox.example") as process:
        told = json.loads(process.stdout.readline())
        files, own = told["certificates"], told["certificates"]["client"]
        assert set(files) == {"authority", "client", "stranger", "stranger_authority"}
        answer = requests.get(
            told["url"] + PATHS[name], verify=files["authority"], cert=(own["cert"], own["key"]), timeout=5
        )
        assert answer.ok
        process.terminate()
        rest, talk = process.communicate(timeout=200)
    assert (process.returncode, rest) == (0, "")
    rows = [line.split() for line in talk.splitlines()]
    assert ["authority", "cert:", files["authority"]] in rows
    assert ["client", "cert:", own["cert"], "key:", own["key"]] in rows
    assert not Path(files["authority"]).parent.exists()

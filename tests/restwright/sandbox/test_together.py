"""All services at once: in a program, and as `python -m restwright.sandbox`."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from tests.restwright.sandbox.commands import PROGRAM, refused, running

from restwright.sandbox import sandbox
from restwright.sandbox.services import SERVICES, command_of


def is_listening(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(re.findall(r":(\d+)", url)[0]))) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_start_tell_where_they_are_and_stop(number):
    with running("--free-ports", "--json", "--control") as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told.keys() == {*SERVICES, "missing"}
        assert told["missing"] == {}
        controls = [told[name]["control"] for name in SERVICES if name != "kinto"]
        assert all(requests.get(f"{url}/requests", timeout=30).ok for url in controls)
        urls = [told[name]["url"] for name in SERVICES] + controls
        assert len(set(urls)) == len(urls)
        begin = time.monotonic()
        os.killpg(process.pid, number)
        rest, talk = process.communicate(timeout=200)
        assert time.monotonic() - begin < 40
    assert (process.returncode, rest) == (0, "")
    assert "Traceback" not in talk
    assert talk.startswith("This is for tests only.")
    assert all(url in talk for url in urls)
    assert not any(is_listening(url) for url in urls)


def test_a_signal_while_they_start_stops_them_too():
    program = (
        "from restwright.sandbox import __main__, together\n"
        "command_of = together.command_of\n"
        "together.command_of = lambda name: print(name, flush=True) or command_of(name)\n"
        "raise SystemExit(__main__.main())"
    )
    with running("--free-ports", program=[sys.executable, "-c", program]) as process:
        assert process.stdout is not None
        assert "kinto\n" in process.stdout  # which takes longest, and is the last one
        time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        said, talk = process.communicate(timeout=200)
    assert (process.returncode, said, talk) == (0, "", "")


def test_the_logins_that_are_told_are_those_that_work():
    with running("--free-ports", "--json") as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        kinto, keystone, identity = told["kinto"], told["keystone"], told["identity"]
        user, password = next(iter(kinto["users"].items()))
        root = requests.get(f"{kinto['url']}/", auth=(user, password), timeout=30).json()
        assert root["user"]["id"] == f"account:{user}"
        user, password = next(iter(keystone["users"].items()))
        account = {"username": user, "password": password}
        assert requests.post(f"{keystone['url']}/authentication/login/", json=account, timeout=30).ok
        auth = "service", identity["clients"]["service"]
        assert requests.post(f"{identity['url']}/token", {"grant_type": "client_credentials"}, auth=auth, timeout=30).ok


def test_what_is_not_installed_is_named_and_the_rest_starts():
    program = (
        "import sys; sys.modules |= dict.fromkeys(['sqlalchemy', 'kinto_attachment'])\n"
        "from restwright.sandbox.__main__ import main; sys.exit(main())"
    )
    with running("--free-ports", "--json", program=[sys.executable, "-c", program]) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert requests.get(told["identity"]["url"] + "/.well-known/openid-configuration", timeout=30).ok
        process.terminate()
        talk = process.communicate(timeout=200)[1]
    assert "restwright[sandbox]" in told["missing"]["keystone"]
    assert "restwright[kinto]" in told["missing"]["kinto"]
    assert re.search(
        r"^keystone: .*\n  missing +to run a Keystone: pip install 'restwright\[sandbox\]'", talk, re.MULTILINE
    )


def test_a_port_in_use_names_the_service_and_what_to_do():
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", 8780)):  # or somebody else has it
        assert (
            "identity cannot listen on 127.0.0.1 port 8780: the port is in use; --free-ports takes free ones"
            in refused()
        )


def test_those_that_run_already_are_stopped_when_one_cannot_start(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as free, socket.create_server(("127.0.0.1", 0)) as taken:
        ports = {"identity": free.getsockname()[1], "keystone": taken.getsockname()[1]}
        free.close()
        monkeypatch.setattr(
            "restwright.sandbox.together.command_of", lambda name: replace(command_of(name), port=ports[name])
        )
        with (
            pytest.raises(OSError, match=rf"keystone cannot listen on 127\.0\.0\.1 port {ports['keystone']}: the port"),
            sandbox("identity", "keystone", usual_ports=True),
        ):
            pass
        assert not is_listening(f"http://127.0.0.1:{ports['identity']}")


def test_a_service_with_several_ports_names_them(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(
            "restwright.sandbox.together.command_of", lambda name: replace(command_of(name), port=port - 2)
        )
        with (
            pytest.raises(OSError, match=rf"sequoia cannot .* ports {port - 2} to {port + 2}: one of them is in use"),
            sandbox("sequoia", usual_ports=True),
        ):
            pass


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["identiy"], "there is no service 'identiy'; there are identity, keystone, "),
        (["--json", "identity"], "SERVICE comes first: python -m restwright.sandbox identity"),
        (["--address", "192.0.2.1"], "can be reached from other machines, which needs --expose"),
        (["--address", "192.0.2.1", "--expose"], "identity cannot listen on 192.0.2.1 port 8780"),
        (["--address", "0.0.0.0", "--expose"], "by which one do others reach this machine?"),
        (["--free-ports", "--database", "mysql://x"], "keystone: "),
        (["--tls", "yes"], "argument --tls: invalid choice: 'yes'"),
        (["--tls", "on", "--tls-name", "a b"], "names has to be names of hosts, got"),
        (["--port", "0"], "--port is no option of all services at once"),
    ],
)
def test_misuse_is_told(arguments, words):
    assert words in refused(*arguments)


def test_help_names_all_services():
    told = subprocess.run([*PROGRAM, "--help"], capture_output=True, text=True, check=True, timeout=200).stdout
    assert all(re.search(rf"^  {name} +{text}$", told, re.MULTILINE) for name, text in SERVICES.items())


def test_a_program_has_those_that_it_names():
    with sandbox("keystone", "identity") as services:
        assert services.keystone.version == "0.10.7"
        assert list(services.started) == ["identity", "keystone"]
        assert services.identity.url in repr(services)
        with pytest.raises(AttributeError, match="kinto was not asked for"):
            _ = services.kinto


def test_a_program_that_misspells_a_service_is_told():
    with pytest.raises(ValueError, match="there is no service 'kino'; there are identity, keystone, "), sandbox("kino"):
        pass


def test_asking_for_what_is_not_installed_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "kinto_attachment", None)
    with sandbox("kinto") as services, pytest.raises(ImportError, match=r"pip install 'restwright\[kinto\]'"):
        _ = services.kinto


def test_kinto_takes_tokens_of_the_provider_beside_it():
    with sandbox("identity", "kinto") as services:
        token = services.identity.issue("bob", client="restwright", scope="openid email")["access_token"]
        root = requests.get(f"{services.kinto.url}/", headers={"Authorization": f"Bearer {token}"}, timeout=30).json()
        assert root["user"]["id"] == "openid:bob@example.com"


@pytest.fixture(scope="module")
def encrypted():
    with sandbox(tls="on", tls_names=("sandbox.example",), control=True) as services:
        yield services


def test_all_but_kinto_speak_tls_with_one_authority(encrypted):
    asked = [
        f"{encrypted.identity.url}/jwks",
        f"{encrypted.keystone.url}/version/",
        encrypted.sequoia.registry_url,
    ]
    assert all(url.startswith("https:") for url in asked)
    trust = {"verify": encrypted.certificates.authority, "timeout": 5}
    assert [requests.get(url, **trust).status_code for url in asked] == [200] * 3
    assert encrypted.kinto.url.startswith("http:")


def test_kinto_takes_tokens_of_a_provider_that_speaks_tls(encrypted):
    token = encrypted.identity.issue("bob", client="restwright", scope="openid email")["access_token"]
    root = requests.get(f"{encrypted.kinto.url}/", headers={"Authorization": f"Bearer {token}"}, timeout=30).json()
    assert root["user"]["id"] == "openid:bob@example.com"


def test_certificates_are_gone_at_the_end_and_not_before():
    with sandbox("identity", tls="optional") as services:
        services.identity.close()
        assert Path(services.certificates.authority).exists()
    assert not Path(services.certificates.authority).exists()


def test_without_tls_there_are_no_certificates():
    with sandbox("identity") as services:
        assert services.certificates is None


def test_kinto_takes_no_tokens_of_a_provider_that_lets_it_not_in():
    with sandbox("identity", "kinto", tls="mutual") as services:
        providers = requests.get(f"{services.kinto.url}/", timeout=30).json()["capabilities"]
        assert "openid" not in providers
        assert services.identity.requests == []


def test_the_command_tells_how_they_speak_and_whom_to_trust():
    with running("--free-ports", "--json", "--tls", "on", "--tls-name", "sandbox.example") as process:
        told = json.loads(process.stdout.readline())
        files = [told[name]["certificates"] for name in ("identity", "keystone", "sequoia")]
        assert files[0] == files[1] == files[2]
        assert told["kinto"]["certificates"] is None
        url = f"{told['keystone']['url']}/version/"
        assert requests.get(url, verify=files[0]["authority"], timeout=30).ok
        process.terminate()
        rest, talk = process.communicate(timeout=200)
    assert (process.returncode, rest) == (0, "")
    assert talk.count(files[0]["authority"]) == 1
    assert "certificates of all but Kinto, which speaks plain HTTP\n  authority" in talk
    assert not Path(files[0]["authority"]).exists()


def test_records_of_all_services_can_be_kept_in_one_database(tmp_path):
    url = f"sqlite:///{tmp_path / 'all.db'}"
    with sandbox("keystone", "sequoia", database=url) as services:
        assert services.keystone.database == services.sequoia.database == url
        token = services.keystone.token(services.keystone.settings.staff)
        services.sequoia.load("metadata", "contents", [{"name": "kept"}])
    with sandbox("keystone", "sequoia", database=url) as services:
        assert services.keystone.token(services.keystone.settings.staff) == token
        content = f"{services.sequoia.locations['metadata']}/data/contents/testmock:kept?owner=testmock"
        headers = {"Authorization": f"Bearer {services.sequoia.token()}"}
        assert requests.get(content, headers=headers, timeout=30).json()["contents"][0]["name"] == "kept"

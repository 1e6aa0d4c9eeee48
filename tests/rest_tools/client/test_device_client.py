"""Logins with another device, at the OpenID provider of the sandbox; the person is a thread that reads the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import logging
import re
import stat
import sys
import threading
import time

import pytest
import requests
from tests.timing import running_time

from rest_tools.client import (
    AsyncDeviceGrantAuth,
    AsyncSavedDeviceGrantAuth,
    DeviceGrantAuth,
    OpenIDRestClient,
    SavedDeviceGrantAuth,
    device_client,
)
from rest_tools.client.device_client import (
    CommonDeviceGrant,
    _load_token_from_file,
    _print_qrcode,
    _save_token_to_file,
)
from rest_tools.utils.pkce import PKCEMixin
from restwright.errors import LoginError, TokenStoreError
from restwright.testing import Reply, serve

CODE = re.compile(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b")


class Terminal(io.StringIO):
    encoding = "utf-8"


@pytest.fixture
def person(identity):
    """`with person(...) as terminal`: somebody looks at the terminal, and enters the code that is shown there."""
    identity.adjust(device_interval=1)

    @contextlib.contextmanager
    def watching(*, allows=True):
        terminal, is_over = Terminal(), threading.Event()

        def watch():
            while not is_over.wait(0.02):
                found = CODE.search(terminal.getvalue())
                if found:
                    identity.allow_device(found[0]) if allows else identity.deny_device(found[0])
                    return

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            with contextlib.redirect_stdout(terminal):
                yield terminal
        finally:
            is_over.set()
            thread.join()

    return watching


def _blocking(kind, *args, **kwargs):
    return kind(*args, **kwargs)


TWINS = {DeviceGrantAuth: AsyncDeviceGrantAuth, SavedDeviceGrantAuth: AsyncSavedDeviceGrantAuth}


def _awaited(kind, *args, **kwargs):
    return asyncio.run(TWINS[kind](*args, **kwargs))


@pytest.fixture(params=[_blocking, _awaited], ids=["blocking", "awaited"])
def log_in(request):
    return request.param


def test_a_login_gives_a_client_that_asks_no_more(log_in, person, identity, service, ask):
    """The contract's 15th defect: three token requests, and the discovery twice, where one does."""
    with person() as terminal:
        client = log_in(DeviceGrantAuth, service.url, identity.url, "app", scopes=["read"])
    assert type(client) is OpenIDRestClient
    assert client.logger.name == "DeviceGrantAuth"
    assert "http://" in terminal.getvalue()
    assert ask(client, "GET", "/x")["token"] == client.access_token
    assert identity.count("discovery") == 1
    assert identity.count("token", status=200) == 1
    assert client.refresh_token
    client.close()


def test_what_the_provider_is_asked(log_in, person, identity, service):
    with person():
        log_in(DeviceGrantAuth, service.url, identity.url, "app", scopes=["read", "write"]).close()
    begin, poll = (identity.requests[n] for n in (1, -1))
    assert begin.endpoint == "device_authorization"
    form = dict(begin.form)
    assert len(form.pop("code_challenge")) == 43
    assert form == {"client_id": "app", "scope": "offline_access read write", "code_challenge_method": "S256"}
    form = dict(poll.form)
    assert len(form.pop("code_verifier")) == 86
    assert form.pop("device_code")
    assert form == {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": "app"}


def test_a_client_with_a_secret_needs_no_pkce(person, identity, service):
    with person():
        DeviceGrantAuth(service.url, identity.url, "web", "web-secret").close()
    begin, poll = (identity.requests[n] for n in (1, -1))
    assert dict(begin.form) == {"client_id": "web", "scope": "offline_access"}
    assert begin.headers["authorization"].startswith("Basic ")
    assert poll.headers["authorization"].startswith("Basic ")
    assert "code_verifier" not in poll.form


def test_settings_reach_the_client(person, identity, service):
    seen = []
    with person():
        client = DeviceGrantAuth(
            service.url,
            identity.url,
            "app",
            timeout=7,
            retries=2,
            logger=logging.getLogger("mine"),
            update_func=lambda *tokens: seen.append(tokens),
        )
    assert (client.timeout, client.retries, client.logger.name) == (7, 2, "mine")
    client._openid_token()
    assert seen == [(client.access_token, client.refresh_token)]
    client.close()


def test_who_says_no_is_not_logged_in(log_in, person, identity, service):
    with (
        person(allows=False),
        pytest.raises(RuntimeError, match=r"^Device authorization failed: access_denied") as raised,
    ):
        log_in(DeviceGrantAuth, service.url, identity.url, "app")
    assert isinstance(raised.value, LoginError)


def test_nor_is_who_takes_too_long(log_in, identity, service, capsys):
    """The contract's 17th defect: the code's lifetime was ignored."""
    identity.adjust(device_interval=1, lifetime_device=2)
    started = time.perf_counter()
    with pytest.raises(RuntimeError, match=r"Device authorization failed: expired_token|not entered within 2"):
        log_in(DeviceGrantAuth, service.url, identity.url, "app")
    assert time.perf_counter() - started < 30


def test_a_provider_that_is_gone_for_a_moment_does_not_end_the_login(person, identity, service):
    with person():
        identity.behave("token", drop=True, times=1)
        DeviceGrantAuth(service.url, identity.url, "app").close()
    assert identity.count("token") >= 2


def test_a_login_that_is_awaited_does_not_hold_up_the_event_loop(person, identity, service):
    ticks = []

    async def main():
        login = asyncio.create_task(AsyncDeviceGrantAuth(service.url, identity.url, "app"))
        while not login.done():
            ticks.append(clock())
            await asyncio.sleep(0.01)
        async with await login as client:
            assert await client.request("GET", "/x")

    with person(), running_time() as clock:
        asyncio.run(main())
    assert max(later - sooner for sooner, later in itertools.pairwise(ticks)) < 0.5  # of a second between two polls


def test_a_provider_without_device_logins_is_told(log_in, service):
    document = {"jwks_uri": "", "token_endpoint": "http://127.0.0.1:1/token"}
    with serve([Reply(json=document)]) as server, pytest.raises(RuntimeError, match="not supported by server"):
        log_in(DeviceGrantAuth, service.url, server.url, "app")


def test_what_is_no_provider_is_told(log_in, service, tmp_path):
    with serve([Reply(404)]) as server:
        with pytest.raises(RuntimeError, match=r"^Device grant not supported by server: .* no OpenID discovery"):
            log_in(DeviceGrantAuth, service.url, server.url, "app")
        with pytest.raises(RuntimeError, match=r"^Device grant not supported by server: .* no OpenID discovery"):
            log_in(SavedDeviceGrantAuth, service.url, server.url, tmp_path / "token", "app")


def test_the_login_by_itself_gives_the_refresh_token(person, identity):
    grant = CommonDeviceGrant()
    assert isinstance(grant, PKCEMixin)
    urls = f"{identity.url}/device_authorization", f"{identity.url}/token"
    with person():
        token = grant.perform_device_grant(logging.getLogger("mine"), *urls, "app", scopes=["read"])
    assert identity.count("discovery") == 0
    client = OpenIDRestClient("http://h", identity.url, token, "app")
    assert client.access_token
    client.close()


# Saved logins.


@pytest.fixture
def file(tmp_path):
    return tmp_path / "token"


def test_a_login_is_saved_and_the_next_run_needs_none(log_in, person, identity, service, file):
    """The contract's 16th defect: without rotation nothing was ever saved."""
    identity.behave(rotate_refresh_tokens=False)
    with person():
        first = log_in(SavedDeviceGrantAuth, service.url, identity.url, str(file), "app")
    assert file.read_text() == first.refresh_token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert first.logger.name == "SavedDeviceGrantAuth"
    second = log_in(SavedDeviceGrantAuth, service.url, identity.url, str(file), "app")
    assert second.request_seq("GET", "/x")["token"]
    assert identity.count("device_authorization") == 1
    assert identity.count("token", grant_type="refresh_token") == 1
    first.close()
    second.close()


def test_rotated_tokens_are_saved_as_they_come(log_in, identity, service, file):
    token = identity.issue("alice", client="app", scope="offline_access")["refresh_token"]
    file.write_text(f"{token}\n")
    file.chmod(0o644)
    seen = []
    client = log_in(
        SavedDeviceGrantAuth,
        service.url,
        identity.url,
        str(file),
        "app",
        update_func=lambda access, refresh: seen.append(refresh),
    )
    assert file.read_text() == client.refresh_token != token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    client._openid_token()
    assert file.read_text() == client.refresh_token
    assert seen[-1] == client.refresh_token
    client.close()


def test_a_token_that_counts_no_more_leads_to_a_login(log_in, person, identity, service, file):
    file.write_text("no-such-token")
    with person():
        client = log_in(SavedDeviceGrantAuth, service.url, identity.url, str(file), "app")
    assert file.read_text() == client.refresh_token
    client.close()


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_so_does_an_empty_file(person, identity, service, file, content):
    file.write_text(content)
    with person():
        SavedDeviceGrantAuth(service.url, identity.url, str(file), "app").close()
    assert file.read_text()


def test_a_provider_that_is_out_of_order_does_not(log_in, identity, service, file, capsys):
    """The contract's 16th defect, too: any failure of the network started a login."""
    token = identity.issue("alice", client="app")["refresh_token"]
    file.write_text(token)
    identity.behave("token", status=500)
    with pytest.raises(requests.RequestException, match="Token request failed"):
        log_in(SavedDeviceGrantAuth, service.url, identity.url, str(file), "app", timeout=30)
    assert identity.count("device_authorization") == 0
    assert file.read_text() == token


def test_two_programs_share_a_file(identity, service, file):
    """The second finds what the first got; the refresh token of the first counts no more."""
    file.write_text(identity.issue("alice", client="app", scope="offline_access")["refresh_token"])
    first = SavedDeviceGrantAuth(service.url, identity.url, str(file), "app")
    second = SavedDeviceGrantAuth(service.url, identity.url, str(file), "app")
    assert first.refresh_token != second.refresh_token == file.read_text()
    service.refused.add(first.access_token)
    assert first.request_seq("GET", "/x")["token"] == first.access_token not in service.refused
    assert file.read_text() == first.refresh_token
    assert identity.count("device_authorization") == 0
    first.close()
    second.close()


def test_the_path_is_relative_to_the_working_directory(identity, service, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").write_text(identity.issue("alice", client="app")["refresh_token"])
    SavedDeviceGrantAuth(service.url, identity.url, "token", "app").close()


def test_a_file_that_cannot_be_read_is_told(identity, service, tmp_path):
    with pytest.raises(TokenStoreError, match="cannot be read"):
        SavedDeviceGrantAuth(service.url, identity.url, str(tmp_path), "app")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(TokenStoreError, match="cannot be read"):
        SavedDeviceGrantAuth(service.url, identity.url, str(tmp_path / "binary"), "app")


def test_a_test_may_put_others_in_the_place_of_the_functions_of_the_file(log_in, identity, service, file, monkeypatch):
    token, saved = identity.issue("alice", client="app", scope="offline_access")["refresh_token"], []
    monkeypatch.setattr(device_client, "_load_token_from_file", lambda path: token)
    monkeypatch.setattr(device_client, "_save_token_to_file", lambda *args: saved.append(args))
    client = log_in(SavedDeviceGrantAuth, service.url, identity.url, str(file), "app")
    assert saved == [(file, client.refresh_token)]
    client.close()


def test_the_functions_of_the_file(tmp_path):
    path = tmp_path / "token"
    assert _load_token_from_file(path) is None
    _save_token_to_file(path, "t0ken")
    assert _load_token_from_file(path) == "t0ken"
    assert [each.name for each in tmp_path.iterdir()] == ["token"]
    with pytest.raises(TokenStoreError, match="cannot be written"):
        _save_token_to_file(tmp_path / "missing" / "token", "t0ken")


# What the person sees.

REQ = {"verification_uri": "https://idp.example/device", "user_code": "WDJB-MJHT"}


def test_the_prompt_has_a_box_and_a_qr_code_side_by_side(capsys):
    _print_qrcode({**REQ, "verification_uri_complete": "https://idp.example/device?user_code=WDJB-MJHT"})
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[0].startswith("+---")
    assert any("https://idp.example/device" in line and "\u2588" in line for line in lines)
    assert any("WDJB-MJHT" in line for line in lines)


def test_a_wide_box_has_it_below(capsys):
    _print_qrcode({**REQ, "verification_uri": "https://idp.example/" + "x" * 80})
    lines = capsys.readouterr().out.strip().splitlines()
    assert not any("https://idp.example/" in line and "\u2588" in line for line in lines)
    assert "\u2588" in lines[-1] or "\u2580" in lines[-1]


def test_a_terminal_that_cannot_draw_has_the_box_alone(monkeypatch):
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    _print_qrcode(REQ)
    out.seek(0)
    text = out.read()
    assert "WDJB-MJHT" in text
    assert text.isascii()


def test_what_a_provider_sends_is_no_command_to_the_terminal(capsys):
    _print_qrcode({"verification_uri": "https://idp.example/\x1b[2J", "user_code": "W\x07\n"})
    assert not set("\x1b\x07") & set(capsys.readouterr().out)

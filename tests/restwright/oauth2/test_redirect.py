from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from tests.timing import PATIENCE, until

from restwright.errors import LoginError
from restwright.oauth2.redirect import RedirectReceiver


def listening(*arguments):
    receiver = RedirectReceiver(*arguments)
    receiver.listen()
    return receiver


@pytest.fixture
def receiver():
    receiver = listening()
    yield receiver
    receiver.conclude("over")


@pytest.fixture
def browser():
    with ThreadPoolExecutor(4) as pool:
        yield lambda url: pool.submit(requests.get, url, timeout=30)


def test_a_free_port_of_the_loopback_address_is_taken(receiver):
    assert receiver.redirect_uri.startswith("http://127.0.0.1:")
    assert receiver.redirect_uri.endswith("/callback")
    other = listening("http://[::1]/")
    assert other.redirect_uri.startswith("http://[::1]:")
    other.conclude(None)


def test_the_port_and_path_that_are_registered_are_taken():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    receiver = listening(f"http://localhost:{port}/back/here")
    assert receiver.redirect_uri == f"http://localhost:{port}/back/here"
    with pytest.raises(LoginError, match=f"cannot listen at http://127.0.0.1:{port}/ for the browser: Address already"):
        listening(f"http://127.0.0.1:{port}/")
    receiver.conclude(None)


@pytest.mark.parametrize(
    "uri",
    [
        "https://127.0.0.1/callback",
        "http://example.org/callback",
        "http://127.0.0.1.example.org/callback",
        "http://0.0.0.0/callback",
        "http://127.0.0.1/callback?a=b",
        "http://127.0.0.1/callback#a",
        "http://127.0.0.1:port/callback",
        "app:/callback",
        "",
    ],
)
def test_it_listens_nowhere_else(uri):
    with pytest.raises(LoginError, match="redirect_uri"):
        RedirectReceiver(uri)


def test_the_browser_is_told_how_it_ended(receiver, browser):
    page = browser(f"{receiver.redirect_uri}?code=1&state=2")
    assert receiver.query.result(PATIENCE) == "code=1&state=2"
    assert not page.done()
    receiver.conclude(None)
    assert page.result().status_code == 200
    assert "<h1>Login successful</h1>" in page.result().text


def test_a_failure_is_told_as_text(receiver, browser):
    page = browser(f"{receiver.redirect_uri}?error=access_denied")
    receiver.query.result(PATIENCE)
    receiver.conclude("the provider said <no>")
    assert page.result().status_code == 400
    assert "<h1>Login failed</h1><p>the provider said &lt;no&gt;</p>" in page.result().text


def test_the_first_redirect_counts_and_all_are_told(receiver, browser):
    taken, take = [], receiver.take
    receiver.take = lambda target, handler: taken.append(target) or take(target, handler)
    first = browser(f"{receiver.redirect_uri}?code=1")
    receiver.query.result(PATIENCE)
    second = browser(f"{receiver.redirect_uri}?code=2")
    until(lambda: len(taken) == 2)
    receiver.conclude(None)
    assert receiver.query.result() == "code=1"
    assert first.result().status_code == second.result().status_code == 200


def test_what_else_a_browser_asks_for_is_not_there(receiver, browser):
    root = receiver.redirect_uri.removesuffix("/callback")
    for path in ("/favicon.ico", "/", "/callback/x", "/callbacks"):
        assert browser(root + path).result().status_code == 404
    assert not receiver.query.done()


def test_a_post_is_not_understood(receiver):
    assert requests.post(receiver.redirect_uri, data="code=1", timeout=30).status_code == 501
    assert not receiver.query.done()


def test_a_browser_that_nobody_tells_is_not_kept_for_ever(receiver, browser, monkeypatch):
    monkeypatch.setattr("restwright.oauth2.redirect._SHOWN_WITHIN", 0.05)
    page = browser(f"{receiver.redirect_uri}?code=1").result()
    assert "look at the program that began it" in page.text


def test_a_login_that_was_given_up_before_it_listens_does_not_listen():
    receiver = RedirectReceiver()
    receiver.conclude("The program gave it up.")
    receiver.listen()
    with pytest.raises(requests.ConnectionError):
        requests.get(receiver.redirect_uri, timeout=30)


def test_concluding_does_not_block_and_may_be_done_twice(receiver, monkeypatch):
    """It would never come back: only after it is the listener closed."""
    close, may_close = receiver._listener.close, threading.Event()
    monkeypatch.setattr(receiver._listener, "close", lambda: may_close.wait(PATIENCE) and close())
    receiver.conclude("no")
    receiver.conclude(None)
    port = int(receiver.redirect_uri.split(":")[2].split("/")[0])

    def is_closed():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port))

    assert not is_closed()
    may_close.set()
    until(is_closed)

"""Where a client may have the browser sent back to."""

from __future__ import annotations

import pytest

from restwright.sandbox.identity import Client


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1/cb",
        "http://127.0.0.1:1/cb",
        "http://127.0.0.1:65535/cb",
        "http://[::1]:8000/cb",
        "http://localhost:8000/cb?x=1",
        "https://app.example/cb",
        "com.example.app:/cb",
    ],
)
def test_registered_uris_match_on_loopback_with_any_port(uri):
    registered = (
        "http://127.0.0.1/cb",
        "http://[::1]/cb",
        "http://localhost/cb?x=1",
        "https://app.example/cb",
        "com.example.app:/cb",
    )
    assert Client("c", redirect_uris=registered).allows_redirect(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "http://127.0.0.1/cb/",
        "http://127.0.0.1/CB",
        "http://127.0.0.1:8000/cb?x=1",
        "https://127.0.0.1:8000/cb",
        "http://127.0.0.2/cb",
        "http://localhost/cb",
        "http://127.0.0.1:80:80/cb",
        "http://127.0.0.1:99999/cb",
        "http://user@127.0.0.1:8000/cb",
        "http://127.0.0.1:8000@evil.example/cb",
        "http://127.0.0.1.evil.example:8000/cb",
        "https://app.example:8443/cb",
        "https://app.example/cb#fragment",
        "https://app.example./cb",
        "//app.example/cb",
    ],
)
def test_all_others_do_not(uri):
    assert not Client("c", redirect_uris=("http://127.0.0.1/cb", "https://app.example/cb")).allows_redirect(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "/callback",
        "app.example/cb",
        "https://app.example/cb#x",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "https://app.example/a b",
        "https://app.example/\r\nSet-Cookie:x",
        "https://",
        "https:///cb",
        "https://a;script-src *",
        "https://a;b/cb",
        "https://user@app.example/cb",
    ],
)
def test_some_cannot_be_registered(uri):
    with pytest.raises(ValueError, match="redirect URIs"):
        Client("c", redirect_uris=(uri,))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"grant_types": ("password",)}, "grant_types has 'password'"),
        ({"grant_types": ("client_credentials",)}, "only for clients with a secret"),
        ({"scopes": ("a b",)}, "scopes has 'a b'"),
        ({"logout_uris": ("x",)}, "redirect URIs must be absolute"),
    ],
)
def test_a_client_that_cannot_be_is_an_error(options, words):
    with pytest.raises(ValueError, match=words):
        Client("c", **options)
    with pytest.raises(ValueError, match="needs an id"):
        Client("")

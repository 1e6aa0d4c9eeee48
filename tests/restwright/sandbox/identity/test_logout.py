"""Logout that a client begins (OpenID Connect RP-Initiated Logout)."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

CALLBACK = "http://127.0.0.1:49152/callback"


@pytest.fixture
def logged_in(wire, browser):
    """The tokens of alice, who is logged in in the browser."""
    browser.open(wire.authorize_url(scope="openid"))
    browser.log_in()
    return wire.exchange(browser.back()["code"]).json()


def is_logged_in(wire, browser):
    return browser.open(wire.authorize_url(prompt="none")).headers["Location"].find("code=") > 0


def logout(wire, browser, **parameters):
    return browser.open(f"{wire.url}/logout?{urlencode(parameters)}")


def test_with_an_id_token_the_person_is_not_asked(wire, browser, logged_in):
    page = logout(wire, browser, id_token_hint=logged_in["id_token"])
    assert "You are logged out" in page.text
    assert not is_logged_in(wire, browser)


def test_the_browser_goes_back_to_a_registered_address(wire, browser, logged_in):
    hint = {"id_token_hint": logged_in["id_token"]}
    page = logout(wire, browser, **hint, post_logout_redirect_uri=CALLBACK, state="x y")
    assert (page.status_code, page.headers["Location"]) == (303, f"{CALLBACK}?state=x+y")


@pytest.mark.parametrize(
    "parameters",
    [
        {"post_logout_redirect_uri": "https://evil.example/"},
        {"post_logout_redirect_uri": "https://evil.example/", "client_id": "app"},
        {"post_logout_redirect_uri": CALLBACK},
        {"post_logout_redirect_uri": CALLBACK, "client_id": "nobody"},
        {"post_logout_redirect_uri": CALLBACK, "client_id": "web", "with_hint": "of app"},
    ],
)
def test_the_browser_goes_nowhere_else(wire, browser, logged_in, parameters):
    if parameters.pop("with_hint", None):
        parameters["id_token_hint"] = logged_in["id_token"]
    page = logout(wire, browser, **parameters)
    assert (page.status_code, "did not register" in page.text) == (400, True)
    assert is_logged_in(wire, browser)


@pytest.mark.parametrize("hint", ["", "nonsense", "of bob"])
def test_without_an_id_token_of_the_person_it_is_asked(wire, browser, identity, logged_in, hint):
    """Or any site could log people out."""
    if hint == "of bob":
        hint = identity.issue("bob", scope="openid")["id_token"]
    page = logout(wire, browser, id_token_hint=hint)
    assert "Log out?" in page.text
    assert "still logged in" in browser.press("stay").text
    assert is_logged_in(wire, browser)
    logout(wire, browser, client_id="app", post_logout_redirect_uri=CALLBACK)
    assert browser.press("logout").headers["Location"] == CALLBACK
    assert not is_logged_in(wire, browser)


def test_an_id_token_that_has_expired_will_do(wire, browser, identity, logged_in):
    identity.behave(clock_skew=301)
    assert "You are logged out" in logout(wire, browser, id_token_hint=logged_in["id_token"]).text


def test_who_is_not_logged_in_is_told_so(wire, browser):
    assert "You are logged out" in logout(wire, browser).text


def test_a_request_may_come_as_a_form(wire, browser, logged_in):
    form = {"id_token_hint": logged_in["id_token"]}
    answer = browser.session.post(f"{wire.url}/logout", form, timeout=30, allow_redirects=False)
    assert answer.status_code == 303
    assert "You are logged out" in browser.open(wire.url + answer.headers["Location"]).text

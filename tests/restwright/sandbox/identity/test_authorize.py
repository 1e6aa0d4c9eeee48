"""The authorization endpoint, and its login page, with a browser that knows no mercy either."""

from __future__ import annotations

import html
import time

import pytest
import requests

from restwright.sandbox import identity_provider

WEB = ("web", "web-secret")
NO_PKCE = {"code_challenge": None, "code_challenge_method": None}


def test_a_login_leads_back_with_a_code_the_state_and_the_issuer(wire, browser, identity):
    page = browser.open(wire.authorize_url())
    assert page.status_code == 200
    assert "Sample app" in page.text
    browser.log_in()
    back = browser.back()
    assert back.keys() == {"code", "state", "iss"}
    assert (back["state"], back["iss"]) == ("a state", identity.issuer)
    tokens = wire.exchange(back["code"]).json()
    assert wire.userinfo(tokens["access_token"]).json()["preferred_username"] == "alice"


@pytest.mark.parametrize("state", [None, "a&b=c #d+e%26", "\u00fc\u4e16"])
def test_the_state_comes_back_as_it_was(wire, browser, state):
    browser.open(wire.authorize_url(state=state))
    browser.log_in()
    assert browser.back().get("state") == state


def test_who_is_logged_in_is_not_asked_again(wire, browser):
    browser.open(wire.authorize_url())
    first = browser.log_in()
    cookies = first.headers["Set-Cookie"]
    assert "HttpOnly" in cookies
    assert "SameSite=Lax" in cookies
    browser.open(wire.authorize_url())
    assert "code" in browser.back()
    browser.open(wire.authorize_url(prompt="none"))
    assert "code" in browser.back()


def test_a_login_ends_with_its_lifetime_and_with_a_new_one(wire, browser, identity):
    browser.open(wire.authorize_url())
    browser.log_in()
    identity.behave(clock_skew=3601)
    assert browser.open(wire.authorize_url()).status_code == 200
    browser.log_in("bob", "builder")
    browser.open(wire.authorize_url(prompt="consent"))
    assert "<strong>bob</strong>" in browser.page.text


@pytest.mark.parametrize("prompt", ["login", "select_account", "login consent"])
def test_the_client_may_want_a_new_login(wire, browser, prompt):
    browser.open(wire.authorize_url())
    browser.log_in()
    assert "Log in" in browser.open(wire.authorize_url(prompt=prompt)).text
    browser.log_in("bob", "builder")
    tokens = wire.exchange(browser.back()["code"]).json()
    assert wire.userinfo(tokens["access_token"]).json()["preferred_username"] == "bob"


def test_the_client_may_want_a_login_of_late(wire, browser, identity):
    browser.open(wire.authorize_url())
    browser.log_in()
    identity.behave(clock_skew=100)
    browser.open(wire.authorize_url(max_age="120"))
    assert "code" in browser.back()
    assert "Log in" in browser.open(wire.authorize_url(max_age="60")).text


def test_the_client_may_want_a_consent(wire, browser):
    browser.open(wire.authorize_url())
    browser.log_in()
    page = browser.open(wire.authorize_url(prompt="consent"))
    assert "You are logged in as <strong>alice</strong>" in page.text
    browser.press("allow")
    assert "code" in browser.back()
    browser.open(wire.authorize_url(prompt="consent"))
    browser.press("cancel")
    assert browser.back()["error"] == "access_denied"
    browser.open(wire.authorize_url(prompt="consent"))
    assert "User name" in browser.press("switch").text


def test_a_consent_button_is_no_login(wire, browser):
    browser.open(wire.authorize_url(prompt="login"))
    assert "User name" in browser.press("allow").text


def test_without_a_login_prompt_none_is_refused(wire, browser):
    browser.open(wire.authorize_url(prompt="none"))
    assert browser.back()["error"] == "login_required"


def test_the_person_can_cancel(wire, browser, identity):
    browser.open(wire.authorize_url())
    browser.press("cancel")
    back = browser.back()
    assert (back["error"], back["error_description"]) == ("access_denied", "the user said no")
    assert (back["state"], back["iss"]) == ("a state", identity.issuer)


@pytest.mark.parametrize("name", ["alice", "nobody", "ALICE", ""])
def test_a_wrong_password_is_told_without_telling_which_names_there_are(wire, browser, name):
    browser.open(wire.authorize_url())
    page = browser.log_in(name, "wrong")
    assert page.status_code == 400
    assert "Wrong name or password" in page.text
    assert f'value="{name}"' in page.text
    assert "wrong" not in page.text.replace("Wrong", "")


def test_passwords_cannot_be_guessed_at_will(wire, browser, identity):
    browser.open(wire.authorize_url())
    for _ in range(10):
        assert browser.log_in("alice", "guess").status_code == 400
    form = browser.page
    too_many = browser.log_in()
    assert (too_many.status_code, "Wait a minute" in too_many.text) == (429, True)
    browser.page = form
    assert browser.log_in("bob", "builder").status_code == 303  # others are let in
    identity.behave(clock_skew=61)
    browser.open(wire.authorize_url(prompt="login"))
    assert browser.log_in().status_code == 303


def test_a_form_that_is_not_ours_is_refused(wire, browser):
    form = {"username": "alice", "password": "wonderland"}
    stranger = requests.post(wire.authorize_url(), {"action": "login", **form}, timeout=30, allow_redirects=False)
    assert (stranger.status_code, "too old, or not ours" in stranger.text) == (403, True)
    browser.open(wire.authorize_url())
    wrong = browser.press("login", **form, _xsrf="2|abcdef00|00|0")
    assert wrong.status_code == 403
    assert "Location" not in wrong.headers


def test_a_request_may_come_as_a_form(wire, browser):
    """OpenID Connect Core, 3.1.2.1."""
    url, _, query = wire.authorize_url().partition("?")
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = requests.post(url, query, headers=kind, timeout=30, allow_redirects=False)
    assert answer.status_code == 303
    browser.open(wire.url + answer.headers["Location"])
    browser.log_in()
    assert "code" in browser.back()


@pytest.mark.parametrize(
    ("parameters", "error", "words"),
    [
        ({"response_type": None}, "invalid_request", "response_type is missing"),
        ({"response_type": "token"}, "unsupported_response_type", "must be code"),
        ({"response_type": "code id_token"}, "unsupported_response_type", "must be code"),
        ({"response_mode": "fragment"}, "invalid_request", "response_mode"),
        (NO_PKCE, "invalid_request", "public clients need PKCE"),
        ({"code_challenge_method": "plain"}, "invalid_request", "must be S256"),
        ({"code_challenge_method": None}, "invalid_request", "must be S256"),
        ({"code_challenge": "short"}, "invalid_request", "43 characters"),
        ({"scope": "admin"}, "invalid_scope", "may not ask"),
        ({"prompt": "dance"}, "invalid_request", "prompt must be"),
        ({"prompt": "none login"}, "invalid_request", "prompt must be"),
        ({"max_age": "soon"}, "invalid_request", "max_age"),
        ({"max_age": "-1"}, "invalid_request", "max_age"),
        ({"request": "jwt"}, "request_not_supported", "not supported"),
        ({"request_uri": "https://a.example"}, "request_uri_not_supported", "not supported"),
    ],
)
def test_a_request_that_is_not_in_order_is_told_to_the_client(wire, browser, identity, parameters, error, words):
    browser.open(wire.authorize_url(**parameters))
    back = browser.back()
    assert back["error"] == error
    assert words in back["error_description"]
    assert (back["state"], back["iss"]) == ("a state", identity.issuer)


def test_a_client_without_the_grant_is_refused(wire, browser, identity):
    identity.add_client("other", secret="s", redirect_uris=("http://127.0.0.1/callback",), grant_types=())
    browser.open(wire.authorize_url("other"))
    assert browser.back()["error"] == "unauthorized_client"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"client_id": None}, "client_id is missing or wrong"),
        ({"client_id": "nobody"}, "client_id is missing or wrong"),
        ({"redirect_uri": None}, "redirect_uri is missing"),
        ({"redirect_uri": "http://127.0.0.1/other"}, "did not register"),
        ({"redirect_uri": "https://evil.example/callback"}, "did not register"),
        ({"redirect_uri": "http://127.0.0.1:49152/callback?more"}, "did not register"),
    ],
)
def test_where_the_way_back_is_not_safe_the_person_is_told(wire, browser, parameters, words):
    page = browser.open(wire.authorize_url(**{"client_id": "app", **parameters}))
    assert page.status_code == 400
    assert words in page.text
    assert "Location" not in page.headers
    with pytest.raises(ValueError, match=words):
        wire.identity.authorize(wire.authorize_url(**{"client_id": "app", **parameters}))


def test_a_parameter_that_comes_twice_is_told_to_the_person(wire, browser):
    page = browser.open(wire.authorize_url() + "&state=b")
    assert (page.status_code, "state is given more than once" in page.text) == (400, True)
    with pytest.raises(ValueError, match="state is given more than once"):
        wire.identity.authorize(wire.authorize_url() + "&state=b")


def test_what_is_shown_is_escaped(wire, browser, identity):
    nasty = '"><script>alert(1)</script>'
    identity.add_client("nasty", name=nasty, redirect_uris=("http://127.0.0.1/callback",))
    page = browser.open(wire.authorize_url("nasty", scope="openid", login_hint=nasty))
    assert nasty not in page.text
    assert page.text.count(html.escape(nasty)) == 2
    assert nasty not in browser.log_in(nasty, "x").text


def test_pages_may_do_nothing_but_send_their_form(wire, browser, identity):
    headers = browser.open(wire.authorize_url()).headers
    assert "form-action" not in headers["Content-Security-Policy"]  # a client may send the browser on, to anywhere
    headers = browser.open(f"{identity.url}/device").headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "form-action": "'self'",
    }
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "<script" not in browser.page.text


def test_the_form_may_lead_to_an_app(wire, browser, identity):
    identity.add_client("mobile", redirect_uris=("com.example.app:/callback",))
    browser.open(wire.authorize_url("mobile", redirect_uri="com.example.app:/callback", scope="openid"))
    assert browser.log_in().headers["Location"].startswith("com.example.app:/callback?code=")


def test_the_same_without_a_browser(wire, identity):
    assert wire.exchange(wire.code()).status_code == 200
    assert "error=access_denied" in identity.authorize(wire.authorize_url(), user=None)
    assert "error=invalid_scope" in identity.authorize(wire.authorize_url(scope="admin"))
    with pytest.raises(ValueError, match="no user 'nobody', but alice, bob"):
        identity.authorize(wire.authorize_url(), user="nobody")


def test_two_providers_on_one_host_keep_their_logins_apart(wire, browser):
    """Cookies do not know ports."""
    with identity_provider() as other:
        browser.open(wire.authorize_url())
        browser.log_in()
        there = wire.authorize_url().replace(wire.url, other.url)
        assert "User name" in browser.open(there).text
        browser.log_in("bob", "builder")
        browser.open(wire.authorize_url(prompt="consent"))
        assert "<strong>alice</strong>" in browser.page.text


def test_the_time_of_the_login_is_in_the_tokens(wire, browser, identity):
    browser.open(wire.authorize_url())
    browser.log_in()
    identity.behave(clock_skew=200)
    browser.open(wire.authorize_url())
    tokens = wire.exchange(browser.back()["code"]).json()
    about = wire.post("/introspect", {"token": tokens["access_token"]}, WEB).json()
    assert about["iat"] - about["auth_time"] >= 200
    assert abs(about["auth_time"] - time.time()) < 10

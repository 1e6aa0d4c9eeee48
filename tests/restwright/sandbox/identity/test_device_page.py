"""The page where people type the code that a device shows."""

from __future__ import annotations

import pytest
import requests

from restwright.sandbox import identity_provider


def test_a_person_connects_a_device(wire, browser):
    device = wire.device(scope="openid profile read")
    browser.open(device["verification_uri"])
    browser.press("check", user_code=device["user_code"])
    browser.open(wire.url + browser.page.headers["Location"])
    assert "to connect Sample app" in browser.page.text
    browser.log_in()
    browser.open(wire.url + browser.page.headers["Location"])
    assert device["user_code"] in browser.page.text
    assert "<li>read</li>" in browser.page.text
    assert "Go back to your device" in browser.press("allow").text
    tokens = wire.poll(device["device_code"]).json()
    assert wire.userinfo(tokens["access_token"]).json()["preferred_username"] == "alice"


def test_a_person_refuses_a_device(wire, browser, refused):
    device = wire.device()
    browser.open(device["verification_uri_complete"])
    browser.log_in()
    browser.open(device["verification_uri_complete"])
    assert "was refused" in browser.press("deny").text
    refused(wire.poll(device["device_code"]), "access_denied", "said no")


@pytest.mark.parametrize(
    "form", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code[:3]} {code[3:]}. "]
)
def test_a_code_may_be_typed_in_many_ways(wire, browser, form):
    device = wire.device()
    browser.open(device["verification_uri"])
    page = browser.press("check", user_code=form(device["user_code"]))
    assert page.headers["Location"] == f"/device?user_code={device['user_code']}"


def test_a_code_has_no_vowels_and_no_digits(wire):
    codes = "".join(wire.device()["user_code"] for _ in range(20)).replace("-", "")
    assert len(codes) == 160
    assert set(codes) <= set("BCDFGHJKLMNPQRSTVWXZ")


def test_a_wrong_code_can_be_typed_again(wire, browser):
    device = wire.device()
    browser.open(device["verification_uri"])
    page = browser.press("check", user_code="<WRONG>")
    assert (page.status_code, "There is no such code" in page.text) == (400, True)
    assert 'value="&lt;WRONG&gt;"' in page.text
    assert browser.press("check", user_code=device["user_code"]).status_code == 303


def test_codes_cannot_be_guessed_at_will(wire, browser, identity):
    device = wire.device()
    browser.open(device["verification_uri"])
    for number in range(10):
        assert browser.press("check", user_code=f"WRONG{number}").status_code == 400
    assert browser.press("check", user_code=device["user_code"]).status_code == 429
    assert requests.get(device["verification_uri_complete"], timeout=30).status_code == 429
    identity.behave(clock_skew=61)
    assert browser.press("check", user_code=device["user_code"]).status_code == 303


def test_a_code_that_is_over_is_told_apart(wire, browser, identity):
    used, late = wire.device(), wire.device()
    identity.allow_device(used["user_code"])
    assert "no such code" in browser.open(used["verification_uri_complete"]).text
    identity.behave(clock_skew=601)
    page = browser.open(late["verification_uri_complete"])
    assert (page.status_code, "has expired" in page.text) == (400, True)


def test_somebody_else_can_take_over(wire, browser):
    device = wire.device()
    browser.open(device["verification_uri_complete"])
    browser.log_in()
    browser.open(device["verification_uri_complete"])
    assert "User name" in browser.press("switch").text
    browser.log_in("bob", "builder")
    assert "<strong>bob</strong>" in browser.open(device["verification_uri_complete"]).text


def test_a_login_that_is_wrong_or_cancelled_connects_nothing(wire, browser, refused):
    device = wire.device()
    browser.open(device["verification_uri_complete"])
    page = browser.log_in("alice", "wrong")
    assert (page.status_code, "Wrong name or password" in page.text) == (400, True)
    assert "Nothing was connected" in browser.press("cancel").text
    refused(wire.poll(device["device_code"]), "authorization_pending", "not answered")


def test_a_button_without_a_login_connects_nothing(wire, browser, refused):
    device = wire.device()
    browser.open(device["verification_uri_complete"])
    assert "User name" in browser.press("allow").text
    refused(wire.poll(device["device_code"]), "authorization_pending", "not answered")


def test_a_form_of_another_site_connects_nothing(wire, browser, refused):
    device = wire.device()
    browser.open(device["verification_uri_complete"])
    browser.log_in()
    for form in ({"action": "allow"}, {"user_code": device["user_code"]}):
        answer = browser.session.post(device["verification_uri_complete"], form, timeout=30, allow_redirects=False)
        assert answer.status_code in (403, 303)
    refused(wire.poll(device["device_code"]), "authorization_pending", "not answered")
    assert "<strong>alice</strong>" in browser.open(device["verification_uri_complete"]).text  # nor is she logged out


def test_pages_work_behind_a_proxy_with_a_path():
    with identity_provider(issuer="https://login.example/realm/") as idp:
        assert idp.issuer == "https://login.example/realm"
        assert idp.metadata["token_endpoint"] == "https://login.example/realm/token"
        page = requests.get(f"{idp.url}/device", timeout=30)
        assert 'action="/realm/device"' in page.text
        assert 'href="/realm/style.css"' in page.text


@pytest.mark.parametrize("issuer", ["login.example", "ftp://login.example", "https://login.example?x", "https://"])
def test_an_issuer_that_cannot_be_is_an_error(issuer):
    with pytest.raises(ValueError, match="issuer must be a URL"):
        identity_provider(issuer=issuer)

"""The session era: cookies, CSRF tokens, keys."""

from __future__ import annotations

import pytest
import requests

from restwright.testing import FakeClock

LOGIN = "authentication/login/"
ADMIN = {"username": "admin", "password": "admin-secret"}


def cookie_lines(answer: requests.Response) -> dict[str, str]:
    lines = answer.raw.headers.getlist("Set-Cookie")
    return {line.partition("=")[0]: line for line in lines}


def test_a_log_in_tells_the_user_and_sets_two_cookies(nobody):
    answer = nobody.post(LOGIN, ADMIN)
    assert answer.status_code == 200
    assert list(answer.json()) == [
        *["id", "display_name", "abbreviation", "_membership", "is_superuser", "username", "first_name", "last_name"],
        *["email", "department", "role", "is_active", "is_staff", "is_ldap_user", "date_joined", "last_login"],
        *["groups", "user_permissions", "_history"],
    ]
    assert (answer.json()["display_name"], answer.json()["abbreviation"]) == ("Alex Admin", "AA")
    assert answer.json()["last_login"] is not None
    cookies = cookie_lines(answer)
    assert set(cookies["sessionid"].split("; ")[1:]) == {"HttpOnly", "Max-Age=1209600", "Path=/", "SameSite=Lax"}
    assert set(cookies["csrftoken"].split("; ")[1:]) == {"Max-Age=31449600", "Path=/", "SameSite=Lax"}
    assert len(nobody.session.cookies["csrftoken"]) == 32
    assert nobody.get("authentication/whoami/").json()["username"] == "admin"


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({**ADMIN, "password": "wrong"}, {"non_field_errors": ["Unable to log in with provided credentials."]}),
        ({**ADMIN, "username": "ghost"}, {"non_field_errors": ["Unable to log in with provided credentials."]}),
        ({"username": "admin"}, {"password": ["This field is required."]}),
        (
            {"username": "", "password": None},
            {"username": ["This field may not be blank."]} | {"password": ["This field may not be null."]},
        ),
        ({"username": ["a"], "password": "p"}, {"username": ["Not a valid string."]}),
    ],
)
def test_a_log_in_that_fails_is_400_without_cookies(nobody, body, errors):
    answer = nobody.post(LOGIN, body)
    assert (answer.status_code, answer.json()) == (400, errors)
    assert not nobody.session.cookies


def test_who_is_not_active_cannot_log_in_and_is_logged_out(keystone, staff, log_in):
    carol = log_in(keystone, "carol")
    staff.patch(f"users/users/{carol.id}/", {"is_active": False})
    assert carol.get("authentication/whoami/").status_code == 401
    assert log_in(keystone, "nobody").log_in("carol", "correct horse").status_code == 400


def test_a_log_out_ends_the_session_and_leaves_the_csrf_cookie(staff):
    session = staff.session.cookies["sessionid"]
    answer = staff.post("authentication/logout/")
    assert (answer.status_code, answer.content) == (200, b"")
    assert "Max-Age=0" in cookie_lines(answer)["sessionid"]
    assert list(staff.session.cookies.keys()) == ["csrftoken"]
    assert staff.post("authentication/logout/").status_code == 401
    again = requests.get(f"{staff.url}/authentication/whoami/", cookies={"sessionid": session}, timeout=30)
    assert again.status_code == 401


@pytest.mark.parametrize("path", ["authentication/whoami/", "version/"])
def test_a_stale_cookie_is_cleared(keystone, path):
    answer = requests.get(f"{keystone.url}/{path}", cookies={"sessionid": "stale"}, timeout=30)
    assert "Max-Age=0" in cookie_lines(answer)["sessionid"]
    if path != "version/":
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Token")
        assert answer.json() == {"detail": "Authentication credentials were not provided."}


def test_a_session_ends_with_time(services, log_in):
    clock = FakeClock(1e9)
    staff = log_in(services(clock=clock, session_age=100.0))
    session = staff.session.cookies["sessionid"]
    clock.sleep(99)
    assert staff.get("authentication/whoami/").status_code == 200
    clock.sleep(1)
    headers = {"Cookie": f"sessionid={session}"}
    assert staff.send("GET", "authentication/whoami/", headers=headers).status_code == 401


def test_a_second_log_in_needs_the_csrf_token_and_switches(keystone, staff):
    before = dict(staff.session.cookies)
    user = {"username": "user", "password": "user-secret"}
    refused = staff.session.post(f"{staff.url}/{LOGIN}", json=user, timeout=30)
    assert (refused.status_code, refused.json()) == (403, {"detail": "CSRF Failed: CSRF token missing."})
    assert staff.get("authentication/whoami/").json()["username"] == "admin"
    assert staff.post(LOGIN, user).status_code == 200
    assert staff.get("authentication/whoami/").json()["username"] == "user"
    after = dict(staff.session.cookies)
    assert before["csrftoken"] != after["csrftoken"]
    old = requests.get(f"{staff.url}/authentication/whoami/", cookies=before, timeout=30)
    assert old.status_code == 401


def test_a_wrong_log_in_over_a_session_leaves_it(staff):
    assert staff.post(LOGIN, {**ADMIN, "password": "wrong"}).status_code == 400
    assert staff.get("authentication/whoami/").json()["username"] == "admin"


HTTPS = {"X-Forwarded-Proto": "https"}
OURS = "https://127.0.0.1"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"X-CSRFToken": None}, "CSRF token missing."),
        ({"X-CSRFToken": "x"}, "CSRF token from the 'X-Csrftoken' HTTP header has incorrect length."),
        ({"X-CSRFToken": "x" * 32}, "CSRF token from the 'X-Csrftoken' HTTP header incorrect."),
        (
            {"Origin": "http://evil.example"},
            "Origin checking failed - http://evil.example does not match any trusted origins.",
        ),
        ({"Origin": "null"}, "Origin checking failed - null does not match any trusted origins."),
        (HTTPS, "Referer checking failed - no Referer."),
        ({**HTTPS, "Referer": "elsewhere"}, "Referer checking failed - Referer is malformed."),
        (
            {**HTTPS, "Referer": "http://127.0.0.1/"},
            "Referer checking failed - Referer is insecure while host is secure.",
        ),
        (
            {**HTTPS, "Referer": "https://evil.example/x"},
            "Referer checking failed - https://evil.example/x does not match any trusted origins.",
        ),
    ],
)
def test_a_write_that_may_come_from_another_site_is_refused(staff, headers, reason):
    answer = staff.post("allocations/clusters/", {"name": "c"}, headers=headers)
    assert (answer.status_code, answer.json()) == (403, {"detail": f"CSRF Failed: {reason}"})
    assert staff.send("GET", "allocations/clusters/", headers=headers).status_code == 200


def test_without_the_csrf_cookie_no_write_passes(staff):
    token = staff.session.cookies["csrftoken"]
    headers = {"Cookie": f"sessionid={staff.session.cookies['sessionid']}", "X-CSRFToken": token}
    staff.session.cookies.clear()
    answer = staff.post("allocations/clusters/", {"name": "c"}, headers=headers)
    assert answer.json() == {"detail": "CSRF Failed: CSRF cookie not set."}


def test_a_write_from_our_own_pages_or_trusted_ones_passes(services, log_in):
    staff = log_in(services(trusted_origins=("https://friend.example",)))
    host = staff.url.removeprefix("http://")
    for number, headers in enumerate(
        [
            {"Origin": staff.url},
            {"Origin": "https://friend.example"},
            {**HTTPS, "Referer": f"https://{host}/page"},
            {**HTTPS, "Referer": "https://friend.example/page"},
        ]
    ):
        answer = staff.post("allocations/clusters/", {"name": f"c{number}"}, headers=headers)
        assert answer.status_code == 201, answer.text


def test_a_key_needs_no_csrf_token(keystone, nobody):
    headers = {"Authorization": f"Token {keystone.token(keystone.settings.staff)}", "Origin": "http://evil.example"}
    assert nobody.post("allocations/clusters/", {"name": "c"}, headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        ("Token nonsense", "Invalid token."),
        ("Token", "Invalid token header. No credentials provided."),
        ("Token a b", "Invalid token header. Token string should not contain spaces."),
        ("Bearer x", "Authentication credentials were not provided."),
    ],
)
def test_a_wrong_key_is_401(nobody, header, detail):
    answer = nobody.send("GET", "authentication/whoami/", headers={"Authorization": header})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Token")
    assert answer.json() == {"detail": detail}


def test_accounts_without_a_key_have_none(keystone, old_keystone):
    from restwright.sandbox.keystone import Account

    with pytest.raises(LookupError, match="'carol' has no key"):
        keystone.token(Account("carol", "x"))
    with pytest.raises(LookupError, match="'admin' has no key"):
        old_keystone.token(old_keystone.settings.staff)

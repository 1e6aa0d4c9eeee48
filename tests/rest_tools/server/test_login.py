"""The login handler between a browser (a `requests.Session`) and a provider, all on sockets."""

from __future__ import annotations

import base64
import hashlib
import inspect
import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.timing import PATIENCE, until
from tornado.auth import OAuth2Mixin
from tornado.web import HTTPError

from rest_tools.server import (
    KeycloakUsernameMixin,
    OpenIDCookieHandlerMixin,
    OpenIDLoginHandler,
    RestHandler,
    RestHandlerSetup,
    RestServer,
    authenticated,
)
from rest_tools.utils import OpenIDAuth
from rest_tools.utils.pkce import PKCEMixin
from restwright.testing import Reply, serve

KEY, OTHER_KEY = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
CODE = "the-code-of-the-provider"


class Provider:
    """Strict: it checks client, code, redirect URI and PKCE; `answer` and `claims` may be changed."""

    def __init__(self):
        self.answer, self.claims, self.id_key = {}, {}, KEY
        self.token_reply = None
        self.is_down = False
        self.asked = {}
        self.kid = "k1"
        self.gate, self.key_gate = threading.Event(), threading.Event()  # closed, they keep answers back
        self.open()
        self.server = serve(self.reply)
        self.url = self.server.url

    def open(self):
        self.gate.set()
        self.key_gate.set()

    def reply(self, request):
        if self.is_down:
            return Reply(503)
        path = request.path
        if path == "/.well-known/openid-configuration":
            names = {"token_endpoint": "token", "jwks_uri": "certs", "authorization_endpoint": "auth"}
            names |= {"userinfo_endpoint": "userinfo", "end_session_endpoint": "logout"}
            return Reply(json={"issuer": self.url} | {name: f"{self.url}/{at}" for name, at in names.items()})
        if path == "/certs":
            self.key_gate.wait(PATIENCE)
            jwk = jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
            return Reply(json={"keys": [{"kid": self.kid, "use": "sig", **jwk}]})
        if path == "/userinfo":
            assert request.headers["Authorization"].startswith("Bearer ey")
            return Reply(json={"sub": "joe", "preferred_username": "Joe"})
        assert (request.method, path) == ("POST", "/token")
        self.gate.wait(PATIENCE)
        return self.token_reply or self.exchange(request)

    def exchange(self, request):
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        assert form["grant_type"] == "authorization_code"
        assert form["redirect_uri"] == self.asked["redirect_uri"]
        if form["code"] != CODE:
            return Reply(400, json={"error": "invalid_grant"})
        if "code_challenge" in self.asked:
            assert "Authorization" not in request.headers
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == self.asked["code_challenge"]
        else:
            expected = base64.b64encode(b"client:its secret").decode()
            assert request.headers["Authorization"] == f"Basic {expected}"
        id_token = self.token(self.id_key, aud="client", nonce=self.asked["nonce"], **self.claims)
        answer = {"access_token": self.token(KEY), "id_token": id_token, "refresh_token": "r1", "expires_in": 300}
        answer |= self.answer
        return Reply(json={name: value for name, value in answer.items() if value is not None})

    def token(self, key, **claims):
        now = time.time()
        claims = {"iss": self.url, "sub": "joe", "iat": now, "exp": now + 300, **claims}
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": self.kid})


class Who(OpenIDCookieHandlerMixin, RestHandler):
    @authenticated
    async def get(self):
        refresh = self.auth_refresh_token and self.auth_refresh_token.decode()
        self.write({"user": self.current_user, "key": self.auth_key, "refresh": refresh, "sub": self.auth_data["sub"]})

    def delete(self):
        self.clear_tokens()

    def check_xsrf_cookie(self):
        pass


class Me(KeycloakUsernameMixin, OpenIDCookieHandlerMixin, RestHandler):
    @authenticated
    def get(self):
        self.write({"user": self.current_user})


class Site:
    """The service and a browser that uses it."""

    def __init__(self, server, url, provider):
        self.server, self.url, self.provider = server, url, provider
        self.browser = requests.Session()
        self.set_login_url(f"{url}/login")

    def set_login_url(self, login_url):
        self.server.http_server.request_callback.settings["login_url"] = login_url

    def get(self, target):
        return self.browser.get(self.url + target, allow_redirects=False, timeout=10)

    def begin(self, query="next=/who"):
        answer = self.get(f"/login?{query}")
        assert answer.status_code == 302, answer.text
        asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
        self.provider.asked = asked
        return asked

    def end(self, asked, **members):
        state = json.loads(base64.b64decode(asked["state"])) | members
        return self.come_back(base64.b64encode(json.dumps(state).encode()).decode())

    def come_back(self, state, code=CODE):
        query = requests.compat.urlencode({"code": code, "state": state})
        return self.get(f"/login?{query}")

    def login(self, query="next=/who"):
        return self.come_back(self.begin(query)["state"])


@pytest.fixture
def provider():
    provider = Provider()
    with provider.server:
        yield provider
        provider.open()


@pytest.fixture
def site(serving, provider, request):
    """With `@pytest.mark.parametrize("site", [{...}], indirect=True)`: keyword arguments of the login's route."""
    options = dict(getattr(request, "param", {}))
    handler = options.pop("handler", OpenIDLoginHandler)
    auth = OpenIDAuth(provider.url, audience=options.pop("audience", None), least_interval=0)
    setup = {**RestHandlerSetup(), "auth": options.pop("auth", auth), "debug": options.pop("debug", False)}
    options = {"oauth_client_id": "client", "oauth_client_secret": None} | options
    server = RestServer(cookie_secret="0b" * 32)
    server.add_route("/login", handler, {**setup, **options})
    server.add_route("/who", Who, setup)
    server.add_route("/me", Me, setup)
    with serving(server) as url:
        site = Site(server, url, provider)
        with site.browser:
            yield site


def secret(**options):
    options = {"oauth_client_secret": "its secret", **options}
    return pytest.mark.parametrize("site", [options], indirect=True)


def configured(**options):
    return pytest.mark.parametrize("site", [options], indirect=True)


def error(answer, status):
    assert answer.status_code == status, answer.text
    assert not any(name.startswith("access_token") for name in answer.cookies.get_dict())
    return answer.json()["error"]


def test_a_login_from_end_to_end(site):
    assert site.get("/who").status_code == 403
    asked = site.begin("next=/who%3Fa=1&state=mine")
    assert asked["response_type"] == "code"
    assert asked["client_id"] == "client"
    assert asked["redirect_uri"] == f"{site.url}/login"
    assert asked["code_challenge_method"] == "S256"
    assert set(asked["scope"].split()) == {"openid", "profile", "groups"}
    state = json.loads(base64.b64decode(asked["state"]))
    assert (state["redirect"], state["state"]) == ("/who?a=1", "mine")
    assert {"xsrf", "code_challenge"} <= state.keys()
    answer = site.come_back(asked["state"])
    assert (answer.status_code, answer.headers["Location"]) == (302, "/who?a=1&state=mine")
    who = site.get("/who").json()
    assert (who["user"], who["sub"], who["refresh"]) == ("joe", "joe", "r1")
    assert jwt.decode(who["key"], options={"verify_signature": False})["sub"] == "joe"


@secret(oauth_client_scope="email openid")
def test_a_client_with_a_secret(site):
    asked = site.begin()
    assert "code_challenge" not in asked
    assert set(asked["scope"].split()) == {"openid", "profile", "email", "offline_access"}
    assert site.come_back(asked["state"]).status_code == 302
    assert site.get("/who").json()["user"] == "joe"


def test_without_an_id_token_the_provider_is_asked_who_it_is(site, provider):
    provider.answer = {"id_token": None}
    assert site.login().status_code == 302
    assert provider.server.requests[-1].path == "/userinfo"


@configured(debug=True)
def test_in_debug_there_need_be_no_return(site):
    answer = site.login("x=1")
    assert answer.json()["id_token"]["sub"] == "joe"
    assert answer.json()["refresh_token"] == "r1"


def lifetimes(answer):
    now = time.time()
    return {cookie.name: round((cookie.expires - now) / 60) for cookie in answer.cookies if cookie.value}


@pytest.mark.parametrize(
    ("fields", "minutes"),
    [
        ({"refresh_expires_in": 7200}, {"access_token": 5, "refresh_token": 120, "user_info": 120}),
        ({"expires_in": 0}, {"access_token": 30, "refresh_token": 1440, "user_info": 1440}),
        ({"refresh_token": None, "expires_in": None}, {"access_token": 30, "user_info": 30}),
    ],
)
def test_cookies_live_as_long_as_what_is_in_them(site, provider, fields, minutes):
    provider.answer = fields
    assert lifetimes(site.login()) == minutes


@pytest.mark.parametrize("login_url", ["http://fruits.example/login", "https://fruits.example/login"])
def test_flags_of_cookies(site, login_url):
    asked = site.begin()
    site.set_login_url(login_url)
    site.provider.asked["redirect_uri"] = login_url
    for answer in (site.come_back(asked["state"]), site.get("/login?next=/who")):
        fields = [line for line in answer.raw.headers.getlist("Set-Cookie") if not line.startswith("_xsrf")]
        assert fields
        for line in fields:
            assert "HttpOnly" in line
            assert "SameSite=Lax" in line
            assert ("; Secure" in line) == login_url.startswith("https:")
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_token_too_large_for_one_cookie(site, provider):
    provider.answer = {"access_token": provider.token(KEY, groups=["group"] * 1500)}
    assert site.login().status_code == 302
    assert {"access_token", "access_token.1"} <= site.browser.cookies.get_dict().keys()
    assert all(len(cookie.name) + len(cookie.value) < 4000 for cookie in site.browser.cookies)
    assert site.get("/who").json()["key"] == provider.answer["access_token"]
    provider.answer = {}
    site.login()  # a smaller one leaves nothing of the larger
    assert "access_token.1" not in site.browser.cookies
    assert site.get("/who").json()["user"] == "joe"


def test_a_token_too_large_for_all_cookies(site, provider):
    provider.answer = {"access_token": provider.token(KEY, groups=["group"] * 9000)}
    assert error(site.login(), 500) == "Error in OpenIDLoginHandler"


def test_users_of_keycloak(site, provider):
    provider.answer = {"access_token": provider.token(KEY, preferred_username="Joe")}
    site.login()
    assert site.get("/me").json() == {"user": "Joe"}


def test_parameters_are_in_the_order_of_the_contract():
    names = ["access_token", "access_token_exp", "refresh_token", "refresh_token_exp", "user_info", "user_info_exp"]
    assert list(inspect.signature(OpenIDCookieHandlerMixin.store_tokens).parameters) == ["self", *names]
    names = ["redirect_uri", "code", "state"]
    assert list(inspect.signature(OpenIDLoginHandler.get_authenticated_user).parameters) == ["self", *names]
    assert issubclass(OpenIDLoginHandler, OAuth2Mixin)
    assert issubclass(OpenIDLoginHandler, PKCEMixin)


def test_tokens_are_cleared(site, provider):
    provider.answer = {"access_token": provider.token(KEY, groups=["group"] * 1500)}
    site.login()
    assert site.browser.delete(f"{site.url}/who", timeout=10).status_code == 200
    assert not {name for name in site.browser.cookies.get_dict() if name.startswith(("access", "refresh", "user"))}
    assert site.get("/who").status_code == 403


@pytest.mark.parametrize("change", [lambda value: value[:-4] + "0000", lambda _: "9~x", lambda _: "x"])
def test_a_cookie_that_is_not_ours(site, change):
    site.login()
    value = site.browser.cookies["access_token"]
    cookies = {"access_token": value}
    assert requests.get(f"{site.url}/who", cookies=cookies, timeout=10).status_code == 200
    cookies = {"access_token": change(value)}
    assert requests.get(f"{site.url}/who", cookies=cookies, timeout=10).status_code == 403


def test_a_bearer_token_is_not_for_cookie_handlers(site, provider):
    headers = {"Authorization": "Bearer " + provider.token(KEY)}
    assert requests.get(f"{site.url}/who", headers=headers, timeout=10).status_code == 403


@pytest.mark.parametrize(
    "target",
    [
        *("//evil.example/x", "https://evil.example", "/\\evil.example", "/%09/evil.example", "javascript:alert(1)"),
        *("http:evil.example", "https://127.0.0.1@evil.example", "http://127.0.0.1:1/x", "evil.example", "%20//x"),
        "http://[::1",
    ],
)
def test_no_open_redirect(site, target):
    assert error(site.get(f"/login?next={target}"), 400) == "redirect is not allowed"
    answer = site.end(site.begin(), redirect=requests.compat.unquote(target))
    assert error(answer, 400) == "redirect is not allowed"
    assert all(request.path != "/token" for request in site.provider.server.requests)


@configured(oauth_return_origins=["https://app.example"])
def test_returns_that_are_allowed(site):
    assert site.login("next=https://app.example:443/x").headers["Location"] == "https://app.example:443/x"
    assert site.login(f"redirect={site.url}/x").headers["Location"] == f"{site.url}/x"
    assert error(site.get("/login?next=http://app.example/x"), 400) == "redirect is not allowed"


def test_what_is_missing(site):
    assert error(site.get("/login"), 400) == "Bad Request"
    assert error(site.get("/login?code=x"), 400) == "Bad Request"
    assert error(site.get("/login?error=access_denied&error_description=not+you"), 400) == "not you"
    assert error(site.get("/login?error=access_denied"), 400) == "unknown oauth2 error"
    assert error(site.end(site.begin(), redirect=None), 400) == "missing redirect"
    assert error(site.end(site.begin(), code_challenge=None), 400) == "missing PKCE code challenge"


@pytest.mark.parametrize("state", ["", "!", "bm8=", "W10=", "e30=", "\u00e4", base64.b64encode(b"[" * 9000).decode()])
def test_a_state_that_is_none(site, state):
    site.begin()
    assert error(site.come_back(state), 400) == "state is not one of ours"


def test_a_state_of_another_browser(site):
    asked = site.begin()
    site.browser.cookies.clear()
    assert error(site.come_back(asked["state"]), 403) == "XSRF cookie does not match state argument"
    site.begin()
    assert error(site.come_back(asked["state"]), 403) == "XSRF cookie does not match state argument"
    assert error(site.end(asked, xsrf="garbage"), 403) == "XSRF cookie does not match state argument"


def test_an_attempt_is_good_for_one_return(site):
    asked = site.begin()
    assert site.come_back(asked["state"]).status_code == 302
    assert error(site.come_back(asked["state"]), 400) == "this login was not begun here, or is over"
    asked = site.begin()
    assert error(site.end(asked, attempt="../x"), 400) == "this login was not begun here, or is over"


def test_a_challenge_of_another_attempt(site):
    asked, other = site.begin(), site.begin()
    answer = site.end(asked, code_challenge=other["code_challenge"])
    assert error(answer, 400) == "this login was not begun here, or is over"


def test_an_attempt_that_failed_is_over_too(site):
    asked = site.begin()
    assert error(site.come_back(asked["state"], "wrong"), 502)
    assert error(site.come_back(asked["state"]), 400) == "this login was not begun here, or is over"


def test_two_tabs_do_not_disturb_each_other(site):
    first, second = site.begin(), site.begin()
    assert site.come_back(second["state"]).status_code == 302
    site.provider.asked = first
    assert site.come_back(first["state"]).status_code == 302


@pytest.mark.parametrize(
    "break_it",
    [
        lambda provider: setattr(provider, "token_reply", Reply(500)),
        lambda provider: setattr(provider, "token_reply", Reply(200, text="no json")),
        lambda provider: setattr(provider, "token_reply", Reply(200, json=["x"])),
        lambda provider: setattr(provider, "token_reply", Reply(302, headers={"Location": "/elsewhere"})),
        lambda provider: provider.answer.update(access_token=None),
        lambda provider: provider.answer.update(access_token="x"),
        lambda provider: provider.answer.update(id_token={"sub": "x"}),
        lambda provider: setattr(provider, "id_key", OTHER_KEY),
        lambda provider: provider.claims.update(exp=1),
        lambda provider: provider.claims.update(iss="https://evil.example"),
    ],
)
def test_a_provider_that_does_not_answer_well(site, provider, break_it):
    break_it(provider)
    assert error(site.login(), 502) == "the OpenID provider did not answer as expected"
    assert all(request.path != "/elsewhere" for request in provider.server.requests)


def test_a_provider_that_is_gone(site, provider):
    asked = site.begin()
    provider.server.close()
    assert error(site.come_back(asked["state"]), 502)


@pytest.mark.parametrize(
    "claims", [{"aud": "other"}, {"aud": ["a", "b"]}, {"aud": None}, {"nonce": "x"}, {"nonce": ""}]
)
def test_an_id_token_for_others(site, provider, claims):
    asked = site.begin()
    claims = {"aud": "client", "nonce": asked["nonce"], **claims}
    provider.answer = {"id_token": provider.token(KEY, **{k: v for k, v in claims.items() if v is not None})}
    assert error(site.come_back(asked["state"]), 502)


@configured(audience="api")
def test_access_tokens_for_an_audience_and_id_tokens_for_the_client(site, provider):
    provider.answer = {"access_token": provider.token(KEY, aud="api")}
    assert site.login().status_code == 302
    assert site.get("/who").json()["user"] == "joe"
    provider.answer = {"access_token": provider.token(KEY, aud="other")}
    assert error(site.login(), 502)


def test_a_provider_that_came_late(serving, provider):
    provider.is_down = True
    auth = OpenIDAuth(provider.url, fetch_now=False)
    server = RestServer(cookie_secret="0b" * 32)
    setup = {**RestHandlerSetup(), "auth": auth, "oauth_client_id": "client", "oauth_client_secret": None}
    server.add_route("/login", OpenIDLoginHandler, setup)
    with serving(server) as url:
        site = Site(server, url, provider)
        assert error(site.get("/login?next=/x"), 502)
        provider.is_down = False
        assert site.begin()["client_id"] == "client"
        site.browser.close()


@configured(auth=None)
def test_a_login_without_a_provider(site):
    assert error(site.get("/login?next=/x"), 500) == "Internal Server Error"


class Picky(OpenIDLoginHandler):
    async def validate_new_token(self, token):
        if super().validate_new_token(token)["sub"] == "joe":
            raise HTTPError(403, reason="not joe")


class Remembering(OpenIDLoginHandler):
    stored = None

    async def store_tokens(self, *args, **kwargs):
        type(self).stored = args, kwargs


@configured(handler=Picky)
def test_a_service_may_turn_users_away(site):
    assert error(site.login(), 403) == "not joe"


@configured(handler=Remembering)
def test_a_service_may_store_tokens_elsewhere(site):
    assert site.login().status_code == 302
    args, kwargs = Remembering.stored
    assert args == ()
    assert kwargs["user_info"]["sub"] == "joe"
    assert {name: kwargs[name] for name in kwargs if name.endswith("_exp")} == {
        "access_token_exp": 300,
        "refresh_token_exp": 86400,
        "user_info_exp": 86400,
    }


@pytest.mark.parametrize(("gate", "path"), [("gate", "/token"), ("key_gate", "/certs")])
def test_others_are_served_while_the_provider_thinks(site, provider, gate, path):
    asked = site.begin()
    provider.kid = "k2"  # the keys have to be downloaded again
    getattr(provider, gate).clear()
    before = len(provider.server.requests)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(site.come_back, asked["state"])
        until(lambda: any(request.path == path for request in provider.server.requests[before:]))
        assert requests.get(f"{site.url}/who", timeout=10).status_code == 403
        assert not waiting.done()
        provider.open()
        assert waiting.result(PATIENCE).status_code == 302
    assert site.get("/who").json()["user"] == "joe"


@pytest.mark.parametrize("fails", [False, True])
def test_no_secret_in_the_log(site, provider, caplog, fails):
    caplog.set_level(logging.DEBUG)
    if fails:
        provider.answer = {"access_token": "secret-access-token"}
    asked = site.begin()
    answer = site.come_back(asked["state"])
    assert answer.status_code == (502 if fails else 302)
    site.get("/who")
    ours = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("urllib3"))
    assert "GET /login?code=***&state=***" in ours
    tokens = [cookie.value for cookie in site.browser.cookies]
    for text in (CODE, asked["state"], asked["nonce"], asked["code_challenge"], "eyJ", "r1", "secret-access", *tokens):
        assert text not in ours, text

"""`OpenIDAuth` against a provider on a socket: what counts is what the provider is asked."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.exceptions import (
    DecodeError,
    ExpiredSignatureError,
    InvalidAlgorithmError,
    InvalidAudienceError,
    InvalidIssuerError,
    InvalidSignatureError,
    MissingRequiredClaimError,
)
from tests.timing import PATIENCE, until

from rest_tools.utils.auth import BadJwtKey, OpenIDAuth
from restwright.testing import FakeClock

DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture(params=["sync", "async"])
def validate(request):
    """One test, two ways to call."""
    if request.param == "sync":
        yield lambda auth, token, **rules: auth.validate(token, **rules)
    else:
        with asyncio.Runner() as runner:
            yield lambda auth, token, **rules: runner.run(auth.validate_async(token, **rules))


def is_so_soon(condition):
    """A download may go on beside the calls: they are made until it has come."""
    return until(condition)


def fails(validate, auth, token):
    try:
        validate(auth, token)
    except BadJwtKey:
        return True
    return False


def test_a_token_of_the_provider(provider, validate):
    auth = OpenIDAuth(provider.url)
    assert provider.paths() == [DISCOVERY, "/certs"]
    assert (auth.url, auth.token_url) == (provider.url + "/", provider.url + "/token")
    assert auth.provider_info == provider.document()
    assert list(auth.public_keys) == ["k1"]
    assert validate(auth, provider.token())["sub"] == "joe"
    assert validate(auth, provider.token().encode())["sub"] == "joe"
    assert len(provider.server.requests) == 2


def test_defaults_are_those_of_the_contract(provider):
    auth = OpenIDAuth(provider.url)
    assert (auth.audience, auth.issuers, auth.leeway) == (None, None, 60)
    assert auth.algorithms == ["RS256", "RS512"]


def test_with_document_and_keys_nothing_is_asked_ever(provider, validate, rsa_keys):
    auth = OpenIDAuth(provider.url, provider.document(), {"k1": rsa_keys[0].public_key()}, keys_max_age=-1)
    assert auth.token_url == provider.url + "/token"
    assert validate(auth, provider.token())
    with pytest.raises(BadJwtKey):
        validate(auth, provider.token("k2"))
    assert provider.paths() == []


def test_with_the_document_only_the_keys_are_asked_for(provider):
    auth = OpenIDAuth(provider.url, provider_info=provider.document())
    assert provider.paths() == ["/certs"]
    assert auth.token_url == provider.url + "/token"


def test_a_provider_without_a_place_for_keys(provider):
    auth = OpenIDAuth(provider.url, provider_info={**provider.document(), "jwks_uri": ""})
    assert auth.public_keys == {}
    assert provider.paths() == []


def test_new_keys_are_found(provider, validate, rsa_keys, jwk):
    auth = OpenIDAuth(provider.url)
    provider.published = [jwk("k2", rsa_keys[1])]
    assert validate(auth, provider.token("k2", rsa_keys[1]))
    assert provider.paths() == [DISCOVERY, "/certs", "/certs"]
    with pytest.raises(BadJwtKey):
        validate(auth, provider.token("k1"))  # withdrawn


def test_an_unknown_key(provider, validate):
    auth = OpenIDAuth(provider.url)
    with pytest.raises(BadJwtKey, match=r"^JWT key k9 not found$") as raised:
        validate(auth, provider.token("k9"))
    assert isinstance(raised.value, RuntimeError)
    assert isinstance(raised.value, jwt.exceptions.PyJWTError)


def test_a_token_without_a_key_id(provider, validate):
    auth = OpenIDAuth(provider.url)
    with pytest.raises(BadJwtKey, match="kid"):
        validate(auth, provider.token(None))
    assert len(provider.server.requests) == 2


def test_ten_thousand_unknown_keys_cost_one_download_an_interval(provider, validate):
    clock = FakeClock()
    auth = OpenIDAuth(provider.url, least_interval=10, clock=clock)
    token = provider.token()
    rest = token.partition(".")[2]
    for number in range(10_000):
        forged = jwt.utils.base64url_encode(b'{"alg":"RS256","kid":"%d"}' % number).decode() + "." + rest
        with pytest.raises(BadJwtKey):
            (auth.validate if number else lambda token: validate(auth, token))(forged)
        clock.now += 0.002  # 20 seconds in all
    assert 2 <= provider.paths().count("/certs") - 1 <= 3
    assert len(auth._unknown) <= 1024


def test_a_key_that_was_asked_for_in_vain_is_not_asked_for_soon(provider, validate):
    clock = FakeClock()
    auth = OpenIDAuth(provider.url, least_interval=1, unknown_kept=100, clock=clock)
    for _ in range(3):
        with pytest.raises(BadJwtKey):
            validate(auth, provider.token("k9"))
        clock.now += 40
    assert provider.paths().count("/certs") == 2
    with pytest.raises(BadJwtKey):
        validate(auth, provider.token("k9"))
    assert provider.paths().count("/certs") == 3


def test_a_good_key_that_comes_too_soon_is_not_held_against(provider, validate, rsa_keys, jwk):
    """It comes within the interval, so nobody has looked for it."""
    clock = FakeClock()
    auth = OpenIDAuth(provider.url, clock=clock)
    with pytest.raises(BadJwtKey):
        validate(auth, provider.token("k9"))
    provider.published.append(jwk("k2", rsa_keys[1]))
    token = provider.token("k2", rsa_keys[1])
    with pytest.raises(BadJwtKey):
        validate(auth, token)
    clock.now += 10
    assert validate(auth, token)


def test_a_wrong_algorithm_is_told_before_anything_is_asked(provider, validate):
    auth = OpenIDAuth(provider.url)
    token = provider.token("k9", "secret" * 12, "HS256")
    with pytest.raises(InvalidAlgorithmError):
        validate(auth, token)
    with pytest.raises(InvalidAlgorithmError):
        validate(auth, provider.token("k1", None, "none"))
    assert len(provider.server.requests) == 2


def test_a_key_is_for_the_algorithm_that_the_provider_says(provider, validate, rsa_keys, jwk):
    provider.published = [jwk("pinned", alg="RS256"), jwk("free")]
    auth = OpenIDAuth(provider.url)
    assert validate(auth, provider.token("free", algorithm="RS512"))
    assert validate(auth, provider.token("pinned", algorithm="RS256"))
    with pytest.raises(InvalidAlgorithmError):
        validate(auth, provider.token("pinned", algorithm="RS512"))


def test_a_public_key_is_no_shared_secret(provider, validate, rsa_keys):
    """A service that allows both kinds is not fooled by a token signed with what everybody knows."""
    pem = rsa_keys[0].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header, payload = (jwt.utils.base64url_encode(part).decode() for part in (b'{"alg":"HS256","kid":"k1"}', b"{}"))
    signed = hmac.new(pem, f"{header}.{payload}".encode(), hashlib.sha256).digest()
    token = f"{header}.{payload}.{jwt.utils.base64url_encode(signed).decode()}"
    auth = OpenIDAuth(provider.url, algorithms=["RS256", "HS256"])
    with pytest.raises(jwt.exceptions.PyJWTError):
        validate(auth, token)


def test_what_is_no_key_for_signatures_is_left_out(provider, jwk):
    provider.published = [
        jwk("k1"),
        jwk("enc", use="enc"),
        jwk("oaep", alg="RSA-OAEP"),
        {"kid": "shared", "kty": "oct", "k": "c2VjcmV0"},
        {"kid": "broken", "kty": "RSA", "n": "!", "e": "AQAB"},
        {"kid": 7, "kty": "RSA"},
        "text",
        jwk(None),
    ]
    assert list(OpenIDAuth(provider.url).public_keys) == ["k1"]


def test_a_private_key_that_is_published_serves_as_public_one(provider, validate, rsa_keys):
    entry = jwt.algorithms.RSAAlgorithm.to_jwk(rsa_keys[0], as_dict=True)
    provider.published = [{"kid": "k1", **entry}]
    assert validate(OpenIDAuth(provider.url), provider.token())


def test_elliptic_curves_where_they_are_allowed(provider, validate, ec_key, jwk):
    provider.published = [jwk("e1", ec_key)]
    token = provider.token("e1", ec_key, "ES256")
    assert validate(OpenIDAuth(provider.url, algorithms=["ES256"]), token)
    with pytest.raises(InvalidAlgorithmError):
        validate(OpenIDAuth(provider.url), token)


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"exp": 1}, ExpiredSignatureError),
        ({"iss": "http://other"}, InvalidIssuerError),
        ({"exp": None}, MissingRequiredClaimError),
        ({"iat": None}, MissingRequiredClaimError),
        ({"iss": None}, MissingRequiredClaimError),
    ],
)
def test_claims_that_do_not_count(provider, validate, claims, error):
    with pytest.raises(error):
        validate(OpenIDAuth(provider.url), provider.token(**claims))


def test_a_signature_with_another_key(provider, validate, rsa_keys):
    with pytest.raises(InvalidSignatureError):
        validate(OpenIDAuth(provider.url), provider.token("k1", rsa_keys[1]))


@pytest.mark.parametrize("token", [None, "", "x", b"\xff", "\ud800.a.b"])
def test_what_is_no_token(provider, validate, token):
    with pytest.raises(DecodeError):
        validate(OpenIDAuth(provider.url), token)


def test_who_may_have_made_the_token(provider, validate):
    other = provider.token(iss="http://other")
    assert validate(OpenIDAuth(provider.url, check_issuer=False), other)
    auth = OpenIDAuth(provider.url, issuers=["http://other", "http://third"])
    assert validate(auth, other)
    with pytest.raises(InvalidIssuerError):
        validate(auth, provider.token())
    assert validate(auth, provider.token(), issuers=[provider.url])
    assert validate(auth, provider.token(), issuer=provider.url)
    with pytest.raises(InvalidIssuerError):
        validate(auth, other, issuer=provider.url)


def test_whom_the_token_is_for(provider, validate):
    auth = OpenIDAuth(provider.url, audience="me")
    assert validate(auth, provider.token(aud=["me", "you"]))
    with pytest.raises(InvalidAudienceError):
        validate(auth, provider.token(aud="you"))
    with pytest.raises(MissingRequiredClaimError):
        validate(auth, provider.token())
    assert validate(auth, provider.token(aud="you"), audience="you")
    assert validate(auth, provider.token(), check_audience=False)


def test_an_argument_that_there_is_not(provider, validate):
    with pytest.raises(TypeError, match="audiance"):
        validate(OpenIDAuth(provider.url), provider.token(), audiance="me")


def test_a_provider_that_is_away_at_first(provider, validate, caplog):
    provider.fails = True
    auth = OpenIDAuth(provider.url)
    assert (auth.provider_info, auth.public_keys, auth.token_url) == ({}, {}, "")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "404" in caplog.text
    provider.fails = False
    assert validate(auth, provider.token())
    assert auth.token_url == provider.url + "/token"


def test_a_provider_that_is_away_is_the_cause(provider, validate):
    provider.fails = True
    auth = OpenIDAuth(provider.url)
    with pytest.raises(BadJwtKey) as raised:
        validate(auth, provider.token())
    assert isinstance(raised.value.__cause__, requests.HTTPError)
    assert DISCOVERY in str(raised.value.__cause__)


def test_old_keys_serve_while_the_provider_is_away(provider, validate):
    auth = OpenIDAuth(provider.url, keys_max_age=-1)
    provider.fails = True
    assert validate(auth, provider.token())
    assert is_so_soon(lambda: validate(auth, provider.token()) and provider.paths()[2:] == ["/certs"])


@pytest.mark.parametrize("document", [{"issuer": "x"}, ["list"], {"jwks_uri": 7}])
def test_a_document_that_is_none(provider, document, caplog):
    provider.document = lambda: document
    auth = OpenIDAuth(provider.url)
    assert auth.provider_info == {}
    assert len(caplog.records) == 1
    with pytest.raises(requests.RequestException):
        auth.refresh()


def test_a_provider_by_https_has_its_keys_there_too():
    document = {"jwks_uri": "http://idp.example/certs"}
    auth = OpenIDAuth("https://idp.example", provider_info=document, fetch_now=False)
    with pytest.raises(requests.RequestException, match="https"):
        auth.refresh()


def test_nothing_is_asked_before_the_first_token_if_so_wished(provider, validate):
    auth = OpenIDAuth(provider.url, fetch_now=False)
    assert provider.paths() == []
    assert validate(auth, provider.token())


def test_withdrawn_keys_are_noticed(provider, validate, rsa_keys, jwk):
    clock = FakeClock()
    auth = OpenIDAuth(provider.url, keys_max_age=100, clock=clock)
    provider.published = [jwk("k2", rsa_keys[1])]
    assert validate(auth, provider.token())
    clock.now += 101
    assert is_so_soon(lambda: fails(validate, auth, provider.token()))


def test_tasks_share_one_download_and_the_loop_goes_on(provider, rsa_keys, jwk):
    async def main():
        auth = OpenIDAuth(provider.url, fetch_now=False)
        await auth.refresh_async()
        provider.published = [jwk("k1"), jwk("k2", rsa_keys[1])]
        provider.gate.clear()
        waiting = [asyncio.create_task(auth.validate_async(provider.token("k2", rsa_keys[1]))) for _ in range(50)]
        await asyncio.sleep(0.05)
        assert await auth.validate_async(provider.token())  # a known key does not wait
        waiting[0].cancel()  # and who began may leave
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in waiting[1:])
        provider.gate.set()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError)
        assert [claims["sub"] for claims in results[1:]] == ["joe"] * 49

    asyncio.run(main())
    assert provider.paths() == [DISCOVERY, "/certs", "/certs"]


def test_threads_share_one_download(provider, rsa_keys, jwk):
    auth = OpenIDAuth(provider.url)
    provider.published = [jwk("k2", rsa_keys[1])]
    provider.gate.clear()
    token = provider.token("k2", rsa_keys[1])
    with ThreadPoolExecutor(16) as pool:
        waiting = [pool.submit(auth.validate, token) for _ in range(16)]
        time.sleep(0.1)
        provider.gate.set()
        assert [future.result()["sub"] for future in waiting] == ["joe"] * 16
    assert provider.paths().count("/certs") == 2


def test_threads_and_event_loops_share_one_download(provider, rsa_keys, jwk):
    auth = OpenIDAuth(provider.url)
    provider.published = [jwk("k2", rsa_keys[1])]
    provider.gate.clear()
    token = provider.token("k2", rsa_keys[1])
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(lambda: asyncio.run(auth.validate_async(token))) for _ in range(4)]
        waiting += [pool.submit(auth.validate, token) for _ in range(4)]
        time.sleep(0.1)
        provider.gate.set()
        assert [future.result()["sub"] for future in waiting] == ["joe"] * 8
    assert provider.paths().count("/certs") == 2


def test_a_blocking_call_within_the_loop_that_downloads_does_not_wait_for_itself(provider):
    async def main():
        auth = OpenIDAuth(provider.url, fetch_now=False)
        download = asyncio.create_task(auth.validate_async(provider.token()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert auth.validate(provider.token())
        assert await download

    asyncio.run(asyncio.wait_for(main(), PATIENCE))


def test_an_event_loop_that_ends_in_the_middle_leaves_nothing_in_the_way(provider):
    auth = OpenIDAuth(provider.url, fetch_now=False, least_interval=0)
    provider.gate.clear()

    async def leave():
        task = asyncio.create_task(auth.validate_async(provider.token()))
        await asyncio.sleep(0.05)
        task.cancel()

    asyncio.run(leave())
    provider.gate.set()
    assert auth.validate(provider.token())


def test_no_token_is_logged(provider, caplog):
    caplog.set_level(logging.DEBUG)
    auth = OpenIDAuth(provider.url)
    good, bad = provider.token(), provider.token("k9")
    auth.validate(good)
    with pytest.raises(BadJwtKey):
        auth.validate(bad)
    for token in (good, bad):
        for part in token.split("."):
            assert part not in caplog.text
    assert "token" not in repr(auth)


def test_an_id_cannot_write_lines_of_its_own(provider, validate):
    auth = OpenIDAuth(provider.url)
    with pytest.raises(BadJwtKey) as raised:
        validate(auth, provider.token("k9\nERROR all is lost\x1b[31m" + "x" * 1000))
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 400


def test_connections_are_closed_after_a_download(provider, validate):
    auth = OpenIDAuth(provider.url)
    with pytest.raises(BadJwtKey):
        validate(auth, provider.token("k9"))
    assert provider.server.wait_for_open_connections(0)
    assert threading.active_count() < 50

from __future__ import annotations

import asyncio
import inspect
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.exceptions import (
    DecodeError,
    ExpiredSignatureError,
    ImmatureSignatureError,
    InvalidAlgorithmError,
    InvalidAudienceError,
    InvalidIssuerError,
    InvalidSignatureError,
    MissingRequiredClaimError,
)

from rest_tools.utils import Auth

SECRET = "secret" * 12


def encode(key=SECRET, algorithm="HS512", **claims):
    now = time.time()
    claims = {"iss": "IceProd", "iat": now, "exp": now + 60, **claims}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, key, algorithm=algorithm)


def test_defaults_are_those_of_the_contract():
    auth = Auth(SECRET)
    assert (auth.secret, auth.pub_secret, auth.issuer, auth.algorithm) == (SECRET, None, "IceProd", "HS512")
    assert (auth.max_exp, auth.integer_times, auth.audience, auth.issuers) == (31622400, False, None, None)
    assert (auth.algorithms, auth.leeway) == (["HS512"], 60)


def test_the_positions_of_arguments_are_those_of_the_contract():
    names = list(inspect.signature(Auth).parameters)
    assert names[:6] == ["secret", "pub_secret", "issuer", "algorithm", "expiration", "integer_times"]
    assert list(inspect.signature(Auth.create_token).parameters)[1:] == ["subject", "expiration", "payload", "headers"]


def test_a_token_tells_what_it_was_made_of():
    auth = Auth(SECRET)
    token = auth.create_token("joe", expiration=20, payload={"role": "admin", "sub": "eve"}, headers={"x": "1"})
    claims = auth.validate(token)
    assert claims.keys() == {"role", "sub", "iss", "exp", "nbf", "iat"}
    assert (claims["sub"], claims["iss"], claims["role"]) == ("joe", "IceProd", "admin")
    assert claims["exp"] == pytest.approx(time.time() + 20, abs=2)
    assert claims["nbf"] == claims["iat"]
    assert isinstance(claims["exp"], float)
    assert jwt.get_unverified_header(token)["x"] == "1"
    assert auth.validate(token.encode()) == claims


def test_the_payload_is_left_as_it_is():
    payload = {"role": "admin"}
    Auth(SECRET).create_token("joe", payload=payload)
    assert payload == {"role": "admin"}


def test_whole_seconds():
    auth = Auth(SECRET, integer_times=True)
    claims = auth.validate(auth.create_token("joe"))
    assert {type(claims[name]) for name in ("exp", "nbf", "iat")} == {int}


@pytest.mark.parametrize("asked", [None, 0, 100, 1e9])
def test_no_token_lives_longer_than_the_longest_lifetime(asked):
    auth = Auth(SECRET, expiration=100)
    assert auth.validate(auth.create_token("joe", asked))["exp"] == pytest.approx(time.time() + 100, abs=2)


def test_old_configurations_may_name_a_temporary_expiration():
    assert Auth(SECRET, expiration_temp=86400).max_exp == 31622400


def test_asymmetric_keys():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    auth = Auth(pem, public, algorithm="RS256")
    assert auth.validate(auth.create_token("joe"))["sub"] == "joe"
    with pytest.raises(InvalidAlgorithmError):
        auth.validate(encode())


@pytest.mark.parametrize("token", [None, 7, "", "x", "a.b.c", "ä.b.c", "\ud800.b.c", b"\xff.b.c", b"..", "." * 10_000])
def test_what_is_no_token(token):
    with pytest.raises(DecodeError):
        Auth(SECRET).validate(token)


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"exp": 1}, ExpiredSignatureError),
        ({"nbf": 1e10}, ImmatureSignatureError),
        ({"iat": 1e10}, ImmatureSignatureError),
        ({"iss": "other"}, InvalidIssuerError),
        ({"exp": None}, MissingRequiredClaimError),
        ({"iat": None}, MissingRequiredClaimError),
        ({"iss": None}, MissingRequiredClaimError),
    ],
)
def test_claims_that_do_not_count(claims, error):
    with pytest.raises(error):
        Auth(SECRET).validate(encode(**claims))


def test_other_keys_and_algorithms_do_not_count():
    with pytest.raises(InvalidSignatureError):
        Auth(SECRET).validate(encode(key="other!" * 12))
    with pytest.raises(InvalidAlgorithmError):
        Auth(SECRET).validate(encode(algorithm="HS256"))
    with pytest.raises(InvalidAlgorithmError):
        Auth(SECRET).validate(encode(key=None, algorithm="none"))
    assert Auth(SECRET, algorithms=["HS256"]).validate(encode(algorithm="HS256"))


def test_a_subject_is_not_asked_for_unless_required():
    assert "sub" not in Auth(SECRET).validate(encode())
    with pytest.raises(MissingRequiredClaimError):
        Auth(SECRET).validate(encode(), required=["sub"])


def test_leeway():
    late = encode(exp=time.time() - 30)
    assert Auth(SECRET).validate(late)
    with pytest.raises(ExpiredSignatureError):
        Auth(SECRET).validate(late, leeway=0)
    with pytest.raises(ExpiredSignatureError):
        Auth(SECRET, leeway=0).validate(late)
    assert Auth(SECRET, leeway=0).validate(late, leeway=60)


def test_issuers_are_alternatives():
    auth = Auth(SECRET, issuers=["a", "b"])
    for issuer in ("IceProd", "a", "b"):
        assert auth.validate(encode(iss=issuer))
    with pytest.raises(InvalidIssuerError):
        auth.validate(encode(iss="c"))


def test_issuers_of_a_call_take_the_place_of_all_others():
    auth = Auth(SECRET, issuers=["a"])
    assert auth.validate(encode(iss="c"), issuers=["c", "d"])
    for issuer in ("IceProd", "a"):
        with pytest.raises(InvalidIssuerError):
            auth.validate(encode(iss=issuer), issuers=["c"])


def test_without_an_issuer_any_will_do():
    auth = Auth(SECRET, issuer=None)
    assert auth.validate(encode(iss="whoever"))
    assert auth.validate(auth.create_token("joe", payload={"iss": "me"}))["iss"] == "me"


def test_the_audience_is_checked_where_one_is_set():
    assert Auth(SECRET).validate(encode(aud="a"))
    auth = Auth(SECRET, audience="a")
    assert auth.validate(encode(aud=["a", "b"]))
    for token in (encode(aud="b"), encode()):
        with pytest.raises((InvalidAudienceError, MissingRequiredClaimError)):
            auth.validate(token)
        with pytest.raises((InvalidAudienceError, MissingRequiredClaimError)):
            auth.validate(token, audience=None)  # a forgotten setting opens nothing
        assert auth.validate(token, check_audience=False)
    assert auth.validate(encode(aud="c"), audience=["c", "d"])


def test_there_is_no_single_issuer_to_ask_for():
    with pytest.raises(TypeError, match="issuer"):
        Auth(SECRET).validate(encode(), issuer="IceProd")


def test_awaited():
    auth = Auth(SECRET)
    assert asyncio.run(auth.validate_async(auth.create_token("joe")))["sub"] == "joe"


def test_the_secret_is_not_shown():
    assert "secret" not in repr(Auth(SECRET))

from __future__ import annotations

import base64
import copy
import json
import pickle

import pytest

from restwright.errors import LoginError
from restwright.oauth2 import TokenSet
from restwright.oauth2.tokens import LONGEST, tokens_of

NOW = 1_700_000_000.0


def jwt(claims):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'RS256'})}.{part(claims)}.c2lnbmF0dXJl"


def tokens(**members):
    return tokens_of({"access_token": "abc", "token_type": "Bearer", **members}, asked_at=NOW, now=NOW + 1)


def test_an_answer_becomes_tokens():
    answer = {
        "access_token": "2YotnFZFEjr1zCsicMWpAA",
        "token_type": "bearer",
        "expires_in": 3600,
        "refresh_token": "tGzv3JOkF0XG5Qx2TlKWIA",
        "scope": "a b",
        "id_token": "x.y.z",
        "example_parameter": "example_value",
    }
    assert tokens_of(answer, asked_at=NOW, now=NOW + 1) == TokenSet(
        access_token="2YotnFZFEjr1zCsicMWpAA",
        expires_at=NOW + 3600,
        issued_at=NOW,
        refresh_token="tGzv3JOkF0XG5Qx2TlKWIA",
        scope="a b",
        id_token="x.y.z",
    )


def test_null_is_as_good_as_nothing():
    given = tokens(expires_in=None, refresh_token=None, scope=None, id_token=None, token_type=None)
    assert given == TokenSet("abc", issued_at=NOW)


@pytest.mark.parametrize(("said", "lifetime"), [(3600, 3600), (0, 0), ("300", 300), (1.5, 1.5), (10**15, LONGEST)])
def test_expires_in_counts_from_when_it_was_asked_for(said, lifetime):
    assert tokens(expires_in=said).expires_at == NOW + lifetime


@pytest.mark.parametrize("said", [-5, "soon", True, [3600], {}, float("nan"), float("inf"), 10**400, "-1"])
def test_an_absurd_expires_in_is_refused(said):
    with pytest.raises(LoginError, match=r"expires_in of the answer is .*: expected seconds, 0 or more"):
        tokens(expires_in=said)


@pytest.mark.parametrize("token_type", ["mac", "DPoP", "N_A", "token"])
def test_a_token_of_a_type_that_is_not_understood_is_refused(token_type):
    """RFC 6749, 7.1."""
    with pytest.raises(LoginError, match=f"unknown token_type '{token_type}'"):
        tokens(token_type=token_type)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"access_token": None}, "no access_token"),
        ({"access_token": ""}, "no access_token"),
        ({"access_token": 7}, "access_token of the answer is a int, not a text"),
        ({"access_token": "a b"}, "characters that no header field can hold"),
        ({"access_token": "a\r\nX-Evil: 1"}, "characters that no header field can hold"),
        ({"access_token": "t\u00f6ken"}, "characters that no header field can hold"),
        ({"token_type": ["Bearer"]}, "token_type of the answer is a list"),
        ({"refresh_token": 7}, "refresh_token of the answer is a int"),
        ({"scope": ["a", "b"]}, "scope of the answer is a list"),
        ({"id_token": {}}, "id_token of the answer is a dict"),
    ],
)
def test_members_of_a_wrong_kind_are_named(members, said):
    with pytest.raises(LoginError, match=said):
        tokens(**members)


def test_a_jwt_tells_its_end_where_the_provider_does_not():
    assert tokens(access_token=jwt({"exp": NOW + 60})).expires_at == NOW + 60
    assert tokens(access_token=jwt({"exp": NOW + 60}), expires_in=30).expires_at == NOW + 30


def test_a_jwt_that_has_expired_when_it_is_issued_tells_only_that_clocks_differ():
    assert tokens(access_token=jwt({"exp": NOW - 3600})).expires_at is None


@pytest.mark.parametrize(
    "token",
    [
        "opaque",
        "a.b",
        "a.b.c",
        "a.!!!!.c",
        "..",
        "a.bnVsbA.c",
        "a.W10.c",
        "a.b.c.d.e",
        jwt({}),
        jwt({"exp": None}),
        jwt({"exp": "soon"}),
        jwt({"exp": []}),
        jwt({"exp": 1e400}),
    ],
)
def test_a_token_that_tells_no_end_has_none_that_is_known(token):
    assert tokens(access_token=token).expires_at is None


def test_a_jwt_that_never_ends_ends_some_day():
    assert tokens(access_token=jwt({"exp": 1e300})).expires_at == NOW + 1 + LONGEST


def test_valid_is_what_does_not_expire_within_the_leeway():
    given = tokens(expires_in=3600)
    assert given.is_valid(NOW + 3599)
    assert not given.is_valid(NOW + 3600)
    assert given.is_valid(NOW + 3569, leeway=30)
    assert not given.is_valid(NOW + 3570, leeway=30)


def test_the_leeway_is_a_tenth_of_a_short_life():
    given = tokens(expires_in=10)
    assert given.is_valid(NOW + 8.9, leeway=30)
    assert not given.is_valid(NOW + 9, leeway=30)


def test_a_token_without_a_known_end_is_valid_until_it_is_refused():
    assert TokenSet("abc").is_valid(1e12, leeway=30)


def test_a_refresh_token_alone_is_not_valid():
    alone = TokenSet.to_refresh("r")
    assert alone.refresh_token == "r"
    assert not alone.is_valid(NOW)


def test_a_store_gets_all_of_it_back():
    given = tokens(expires_in=1, refresh_token="r", scope="a", id_token="i")
    assert TokenSet.from_json(given.to_json()) == given
    assert TokenSet.from_json(given.to_json().decode()) == given
    assert TokenSet.from_json(TokenSet("abc").to_json()) == TokenSet("abc")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"not json", "Expecting value"),
        (b"[]", "no usable access_token"),
        (b"{}", "no usable access_token"),
        (b'{"access_token": 7}', "no usable access_token"),
        (b'{"access_token": "a", "expires_at": "soon"}', "no usable expires_at"),
        (b'{"access_token": "a", "issued_at": true}', "no usable issued_at"),
        (b'{"access_token": "a", "refresh_token": []}', "no usable refresh_token"),
    ],
)
def test_what_is_no_token_set_is_refused(content, said):
    with pytest.raises(ValueError, match=said):
        TokenSet.from_json(content)


def test_secrets_show_in_no_repr_and_in_no_pickle():
    given = TokenSet("canary1", refresh_token="canary2", id_token="canary3")
    assert "canary" not in repr(given)
    with pytest.raises(TypeError, match="to_json") as caught:
        pickle.dumps(given)
    assert "canary" not in str(caught.value)
    assert copy.copy(given) is given
    assert copy.deepcopy([given])[0] is given

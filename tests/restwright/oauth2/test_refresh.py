from __future__ import annotations

import pytest

from restwright import Response
from restwright.errors import LoginExpired, LoginRequired
from restwright.oauth2 import OAuth2, ProviderMetadata, TokenSet
from restwright.oauth2.client_auth import ClientAuth
from restwright.oauth2.refresh import refresh
from restwright.oauth2.token_endpoint import Registration
from restwright.testing import play

PUBLIC = Registration(ProviderMetadata("https://idp.example/token"), ClientAuth("app"), "a b")
OLD = TokenSet("old", refresh_token="r1", scope="a b", id_token="id")
GRANT = {"access_token": "new", "token_type": "Bearer", "expires_in": 60}


def test_the_form_has_the_refresh_token_and_no_scope():
    """RFC 6749, 6: what was granted stays granted."""
    asked = []
    play(refresh(PUBLIC, OLD), Response(200, json=GRANT), asked=asked)
    assert asked[0].content == b"grant_type=refresh_token&client_id=app&refresh_token=r1"


def test_what_the_answer_leaves_out_stays_as_it_was():
    new = play(refresh(PUBLIC, OLD), Response(200, json=GRANT))
    assert (new.access_token, new.refresh_token, new.scope, new.id_token) == ("new", "r1", "a b", "id")


def test_what_the_answer_has_takes_its_place():
    answer = {**GRANT, "refresh_token": "r2", "scope": "a", "id_token": "id2"}
    new = play(refresh(PUBLIC, OLD), Response(200, json=answer))
    assert (new.refresh_token, new.scope, new.id_token) == ("r2", "a", "id2")


def test_without_a_refresh_token_a_person_is_needed():
    with pytest.raises(LoginRequired, match="there is no refresh token: log in again"):
        next(refresh(PUBLIC, TokenSet("old")))


def test_a_refresh_token_that_counts_no_more_is_not_shown():
    answer = {"error": "invalid_grant", "error_description": "canary-token is not active"}
    with pytest.raises(LoginExpired, match=r"invalid_grant: .* is not active") as caught:
        play(refresh(PUBLIC, TokenSet.to_refresh("canary-token")), Response(400, json=answer))
    assert "canary" not in str(caught.value)


def test_each_refresh_uses_the_token_of_the_last_one(provider, drive):
    """The provider rotates, and refuses what was used."""
    provider.live.add("r0")
    login = OAuth2(provider.url, "app", within=30.0)
    drive(login, login.keeper.keep(TokenSet.to_refresh("r0")))
    names = [drive(login, login.refresh()).access_token for _ in range(3)]
    assert names == ["access-1", "access-2", "access-3"]
    assert [form["refresh_token"] for form in provider.forms] == ["r0", "refresh-1", "refresh-2"]
    with pytest.raises(LoginExpired, match="Token is not active"):
        drive(login, refresh_again(login, "r0"))


def refresh_again(login, refresh_token):
    yield from login.keeper.keep(TokenSet.to_refresh(refresh_token))
    yield from login.refresh()

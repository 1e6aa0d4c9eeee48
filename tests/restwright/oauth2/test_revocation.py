from __future__ import annotations

import pytest

from restwright import Response
from restwright.errors import LoginError, LoginRequired, TransportError
from restwright.oauth2 import FileStore, OAuth2, ProviderMetadata, TokenSet
from restwright.oauth2.client_auth import ClientAuth
from restwright.oauth2.revocation import revoke
from restwright.oauth2.token_endpoint import Registration
from restwright.testing import Reply, play
from restwright.testing.faults import hang_before

TOKENS = TokenSet("access", refresh_token="refresh")
REGISTRATION = Registration(
    ProviderMetadata("https://idp.example/token", revocation_endpoint="https://idp.example/revoke"), ClientAuth("app")
)
OK = Response(200)


def test_the_refresh_token_goes_first():
    asked = []
    play(revoke(REGISTRATION, TOKENS), OK, OK, asked=asked)
    assert [request.content for request in asked] == [
        b"token=refresh&token_type_hint=refresh_token&client_id=app",
        b"token=access&token_type_hint=access_token&client_id=app",
    ]
    assert {request.url for request in asked} == {"https://idp.example/revoke"}


def test_what_there_is_not_is_not_revoked():
    play(revoke(REGISTRATION, TokenSet("access")), OK)
    play(revoke(REGISTRATION, TokenSet.to_refresh("refresh")), OK)


def test_access_tokens_may_be_none_of_its_business():
    """RFC 7009, 2.2.1."""
    unsupported = Response(400, json={"error": "unsupported_token_type"})
    play(revoke(REGISTRATION, TOKENS), OK, unsupported)
    with pytest.raises(LoginError, match="not revoked: unsupported_token_type"):
        play(revoke(REGISTRATION, TOKENS), unsupported)


def test_a_refusal_shows_no_token():
    answer = Response(401, json={"error": "invalid_client", "error_description": "who asks for canary?"})
    with pytest.raises(LoginError, match=r"not revoked: invalid_client: who asks for \*\*\*\?"):
        play(revoke(REGISTRATION, TokenSet.to_refresh("canary")), answer)


def test_a_provider_that_is_busy_is_asked_again():
    play(revoke(REGISTRATION, TokenSet("access")), Response(503), OK)


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (Reply(200), None, ""),
        (Reply(400, json={"error": "invalid_request"}), LoginError, "not revoked: invalid_request"),
        (hang_before(), TransportError, "/revoke"),
    ],
    ids=["done", "refused", "silent"],
)
def test_logging_out_forgets_the_tokens_whatever_the_provider_does(provider, drive, tmp_path, answer, kind, said):
    provider.script("/revoke", answer)
    within = 0.3 if said == "/revoke" else 30.0
    metadata = ProviderMetadata(**provider.metadata)
    login = OAuth2(metadata, "app", store=FileStore(tmp_path / "tokens.json"), within=within)
    drive(login, login.keeper.keep(TOKENS))
    if kind is None:
        drive(login, login.revoke())
        assert [form["token"] for form in provider.forms] == ["refresh", "access"]
    else:
        with pytest.raises(kind, match=said):
            drive(login, login.revoke())
    assert not (tmp_path / "tokens.json").exists()
    with pytest.raises(LoginRequired):
        drive(login, login.tokens())


def test_logging_out_where_the_provider_has_no_such_thing(provider, login, drive):
    del provider.metadata["revocation_endpoint"]
    drive(login, login.keeper.keep(TOKENS))
    with pytest.raises(LoginError, match="has no revocation_endpoint: it does not offer this"):
        drive(login, login.revoke())
    assert login.keeper.store.load() is None


def test_logging_out_twice_is_logging_out(provider, login, drive):
    drive(login, login.revoke())
    assert provider.server.requests == []

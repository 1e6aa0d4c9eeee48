from __future__ import annotations

import pytest

from restwright.oauth2 import OAuth2, ProviderMetadata, TokenSet
from restwright.oauth2.client_auth import ClientAuth
from restwright.oauth2.client_credentials import client_credentials
from restwright.oauth2.token_endpoint import Registration


def test_the_form_says_what_is_wanted(provider, drive):
    login = OAuth2(
        provider.url, "app", "s3cr3t", scopes=["a", "b"], parameters={"audience": "https://api"}, within=30.0
    )
    tokens = drive(login, login.client_credentials())
    assert tokens.access_token == "access-1"
    assert provider.forms == [{"grant_type": "client_credentials", "scope": "a b", "audience": "https://api"}]
    assert provider.headers[0]["Authorization"] == "Basic YXBwOnMzY3IzdA=="


def test_the_secret_goes_into_the_body_where_that_is_wanted(provider, drive):
    login = OAuth2(provider.url, "app", "s3cr3t", client_auth="body", within=30.0)
    drive(login, login.client_credentials())
    assert provider.forms == [{"grant_type": "client_credentials", "client_id": "app", "client_secret": "s3cr3t"}]
    assert "Authorization" not in provider.headers[0]


def test_a_public_client_must_not(provider):
    with pytest.raises(ValueError, match="client_credentials needs a client_secret"):
        next(client_credentials(Registration(ProviderMetadata(f"{provider.url}/token"), ClientAuth("app"))))


def test_new_tokens_take_the_place_of_old_ones(provider, service, drive):
    drive(service, service.keeper.keep(TokenSet("old")))
    assert drive(service, service.client_credentials()).access_token == "access-1"
    assert drive(service, service.tokens()).access_token == "access-1"
    assert drive(service, service.client_credentials()).access_token == "access-2"

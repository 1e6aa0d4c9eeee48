from __future__ import annotations

import pytest

from restwright import Response
from restwright.errors import LoginError, NotConnected, TransportError
from restwright.oauth2 import ProviderMetadata, discover
from restwright.testing import play

ISSUER = "https://idp.example/realm"
DOCUMENT = {
    "issuer": ISSUER,
    "token_endpoint": f"{ISSUER}/token",
    "authorization_endpoint": "https://login.example/authorize",
    "device_authorization_endpoint": None,
    "authorization_response_iss_parameter_supported": True,
    "jwks_uri": f"{ISSUER}/certs",
    "scopes_supported": ["openid"],
}


def found(document=DOCUMENT, issuer=ISSUER, **changes):
    return play(discover(issuer), Response(200, json={**document, **changes}))


def test_openid_discovery_comes_first():
    asked = []
    metadata = play(discover(ISSUER), Response(200, json=DOCUMENT), asked=asked)
    assert metadata == ProviderMetadata(
        issuer=ISSUER,
        token_endpoint=f"{ISSUER}/token",
        authorization_endpoint="https://login.example/authorize",
        authorization_response_iss_parameter_supported=True,
    )
    assert [request.url for request in asked] == [f"{ISSUER}/.well-known/openid-configuration"]
    assert asked[0].max_bytes == 1 << 20
    assert asked[0].deadline is not None


def test_rfc_8414_puts_the_path_behind_the_well_known_one():
    asked = []
    play(discover(ISSUER), Response(404), Response(200, json=DOCUMENT), asked=asked)
    assert asked[1].url == "https://idp.example/.well-known/oauth-authorization-server/realm"


def test_where_there_is_nothing_the_places_are_named():
    with pytest.raises(LoginError, match="is no provider: there is nothing at") as caught:
        play(discover(ISSUER), Response(404), Response(404), Response(404))
    assert "/realm/.well-known/openid-configuration or https://idp.example/.well-known" in str(caught.value)


def test_a_slash_at_the_end_is_how_people_write_urls():
    asked = []
    assert found(issuer=f"{ISSUER}/").issuer == ISSUER
    play(discover(f"{ISSUER}/"), Response(200, json={**DOCUMENT, "issuer": f"{ISSUER}/"}), asked=asked)
    assert asked[0].url == f"{ISSUER}/.well-known/openid-configuration"


@pytest.mark.parametrize(
    "issuer", ["https://idp.example/other", "https://evil.example/realm", "http://idp.example/realm", "", None, 7]
)
def test_the_metadata_of_another_issuer_is_refused(issuer):
    """RFC 8414, 3.3."""
    with pytest.raises(LoginError, match="issuer"):
        found(issuer=ISSUER, document={**DOCUMENT, "issuer": issuer})


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example/token",
        "http://127.0.0.1.evil.example/token",
        "http://10.0.0.1/token",
        "ftp://idp.example/token",
        "idp.example/token",
        "/token",
        "javascript:alert(1)",
        "https://idp.example/token#part",
        "http://127.0.0.1:8000/token",  # an issuer far away has no endpoints here
    ],
)
def test_an_endpoint_that_secrets_must_not_go_to_is_refused(url):
    with pytest.raises(LoginError, match="token_endpoint"):
        found(token_endpoint=url)


def test_http_is_for_this_machine():
    for host in ("127.0.0.1:8000", "localhost:8000", "[::1]:8000", "app.localhost"):
        assert ProviderMetadata(f"http://{host}/token").token_endpoint == f"http://{host}/token"
    with pytest.raises(LoginError, match="plain http is for a provider on this machine only"):
        ProviderMetadata("http://idp.example/token")


@pytest.mark.parametrize("url", ["http://idp.example", "idp.example", "", "https://idp.example/?realm=a"])
def test_a_provider_that_cannot_be_asked_safely_is_refused(url):
    with pytest.raises(LoginError, match="the provider's URL"):
        play(discover(url))


def test_a_missing_token_endpoint_is_named():
    with pytest.raises(LoginError, match=f"the provider {ISSUER} has no token_endpoint"):
        found(token_endpoint=None)


def test_a_missing_endpoint_is_named_when_it_is_needed():
    with pytest.raises(LoginError, match="has no device_authorization_endpoint: it does not offer this"):
        found().endpoint("device_authorization_endpoint")
    with pytest.raises(LoginError, match="the provider has no token_endpoint"):
        ProviderMetadata().endpoint("token_endpoint")


@pytest.mark.parametrize(
    ("name", "value"),
    [("token_endpoint", 7), ("issuer", []), ("authorization_response_iss_parameter_supported", "yes")],
)
def test_a_member_of_a_wrong_kind_is_named(name, value):
    with pytest.raises(LoginError, match=f"{name} of the provider's metadata is a {type(value).__name__}"):
        found({**DOCUMENT, name: value})


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Response(200, content=b"<html>hello</html>"), "no metadata of the provider: the answer is no JSON object"),
        (Response(200, json=[DOCUMENT]), "the answer is no JSON object"),
        (Response(302, headers={"Location": "https://evil.example/x?y"}), "302 Found, a redirect to https://evil.ex"),
        (Response(500, content=b"oops"), "no metadata of the provider: 500 Internal Server Error"),
        (Response(401), "no metadata of the provider: 401 Unauthorized"),
        (Response(204), "the answer is no JSON object"),
    ],
)
def test_an_answer_that_is_no_metadata_is_refused(answer, said):
    with pytest.raises(LoginError, match=said) as caught:
        play(discover(ISSUER), answer)
    assert f"GET {ISSUER}/.well-known/openid-configuration" in str(caught.value)


def test_a_provider_that_does_not_answer_is_asked_again():
    asked = []
    play(discover(ISSUER), NotConnected("refused"), Response(503), Response(200, json=DOCUMENT), asked=asked)
    assert len(asked) == 3
    with pytest.raises(TransportError, match="refused"):
        play(discover(ISSUER), *[NotConnected("refused")] * 3)

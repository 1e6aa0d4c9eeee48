from __future__ import annotations

from base64 import b64decode

import pytest

from restwright.oauth2.client_auth import ClientAuth


def test_basic_has_both_parts_form_encoded():
    """RFC 6749, 2.3.1; a colon in a client id would otherwise end it."""
    auth = ClientAuth("a:b c", "s&e+c\u00e9")
    field = auth.fields["Authorization"]
    assert b64decode(field.removeprefix("Basic ")) == b"a%3Ab+c:s%26e%2Bc%C3%A9"
    assert auth.members == {}  # one method only (2.3)


def test_in_the_body_there_are_both_and_no_header_field():
    auth = ClientAuth("app", "s3cr3t", "body")
    assert auth.fields == {}
    assert auth.members == {"client_id": "app", "client_secret": "s3cr3t"}


def test_a_public_client_says_its_name_only():
    auth = ClientAuth("app")
    assert auth.is_public
    assert auth.fields == {}
    assert auth.members == {"client_id": "app"}
    assert auth.secrets == ()


def test_the_secret_does_not_show():
    assert "s3cr3t" not in repr(ClientAuth("app", "s3cr3t"))


def test_all_forms_of_the_secret_are_known_for_hiding_them():
    auth = ClientAuth("app", "s&t")
    assert auth.secrets == ("s&t", "s%26t", auth.fields["Authorization"].removeprefix("Basic "))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("",), "client_id is empty"),
        (("app", ""), "client_secret is empty: give None for a public client"),
        (("app", "s", "post"), "client_auth must be 'basic' or 'body', got 'post'"),
    ],
)
def test_what_cannot_be_is_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        ClientAuth(*arguments)

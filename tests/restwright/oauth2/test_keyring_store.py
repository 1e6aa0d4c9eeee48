from __future__ import annotations

import sys

import pytest

from restwright.errors import TokenStoreError
from restwright.oauth2 import KeyringStore, TokenSet


def test_tokens_are_kept_by_service_and_user(keyring):
    KeyringStore("tests", "ann").save(TokenSet("of ann"))
    KeyringStore("tests", "ben").save(TokenSet("of ben"))
    assert KeyringStore("tests", "ann").load() == TokenSet("of ann")
    assert keyring.passwords.keys() == {("tests", "ann"), ("tests", "ben")}


def test_a_keyring_that_fails_is_named_and_nothing_shown(keyring):
    keyring.fails = True
    store = KeyringStore("tests")
    for attempt in (store.load, lambda: store.save(TokenSet("canary")), store.clear):
        with pytest.raises(
            TokenStoreError, match=r"the tokens in KeyringStore\('tests', 'default'\) cannot be"
        ) as caught:
            attempt()
        assert "canary" not in str(caught.value)


def test_something_else_in_its_place_is_named(keyring):
    keyring.passwords["tests", "default"] = "canary"
    with pytest.raises(TokenStoreError, match=r"holds no tokens .*: remove them, and log in again") as caught:
        KeyringStore("tests").load()
    assert "canary" not in str(caught.value)


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ImportError, match=r"pip install 'restwright\[keyring\]"):
        KeyringStore("tests")

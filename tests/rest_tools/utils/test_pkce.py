from __future__ import annotations

import re
import threading

import pytest

from rest_tools.utils import pkce
from rest_tools.utils.pkce import PKCEMixin, challenge_of, new_verifier


@pytest.fixture(autouse=True)
def forget():
    yield
    PKCEMixin._verifiers.clear()


class Login(PKCEMixin):
    pass


def test_a_verifier_proves_its_challenge():
    challenge = Login.create_pkce_challenge()
    verifier = PKCEMixin.get_pkce_verifier(challenge)  # all classes share them
    assert re.fullmatch(r"[\w-]{43}", challenge)
    assert re.fullmatch(r"[\w-]{86}", verifier)
    assert challenge_of(verifier) == challenge
    assert Login().get_pkce_verifier(challenge) == verifier  # again, for device logins ask with each poll


def test_all_are_different():
    assert len({new_verifier() for _ in range(50)}) == 50


def test_an_unknown_challenge():
    with pytest.raises(KeyError):
        Login.get_pkce_verifier("x")


def test_verifiers_are_forgotten_after_their_time(monkeypatch):
    monkeypatch.setattr(pkce, "LIFETIME", 0)
    challenge = Login.create_pkce_challenge()
    with pytest.raises(KeyError):
        Login.get_pkce_verifier(challenge)
    Login.create_pkce_challenge()
    assert len(PKCEMixin._verifiers) == 1


def test_verifiers_are_bounded(monkeypatch):
    monkeypatch.setattr(pkce, "CAPACITY", 3)
    challenges = [Login.create_pkce_challenge() for _ in range(5)]
    assert list(PKCEMixin._verifiers) == challenges[2:]


def test_threads(monkeypatch):
    monkeypatch.setattr(pkce, "CAPACITY", 50)
    threads = [threading.Thread(target=lambda: [Login.create_pkce_challenge() for _ in range(300)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(PKCEMixin._verifiers) == 50

"""A small OpenID provider with real keys, on a real socket."""

from __future__ import annotations

import threading
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from restwright.testing import Reply, serve

RSA_KEYS = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(3)]
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def jwk(kid, key=RSA_KEYS[0], **fields):
    algorithm = jwt.algorithms.ECAlgorithm if key is EC_KEY else jwt.algorithms.RSAAlgorithm
    return {"kid": kid, "use": "sig", **algorithm.to_jwk(key.public_key(), as_dict=True), **fields}


class Provider:
    """Answers for its discovery document and keys; `published` and `fails` may be changed at any time."""

    def __init__(self):
        self.published = [jwk("k1", alg="RS256")]
        self.fails = False
        self.gate = threading.Event()  # closed, it keeps the keys back
        self.gate.set()
        self.server = serve(self.answer)
        self.url = f"{self.server.url}/realm"

    def answer(self, request):
        if self.fails:
            return Reply(404)
        if request.path == "/realm/.well-known/openid-configuration":
            return Reply(json=self.document())
        assert request.path == "/realm/certs", request
        self.gate.wait(30)
        return Reply(json={"keys": self.published})

    def document(self):
        return {
            "issuer": self.url,
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/certs",
        }

    def paths(self):
        return [request.path.removeprefix("/realm") for request in self.server.requests]

    def token(self, kid="k1", key=RSA_KEYS[0], algorithm="RS256", **claims):
        now = time.time()
        claims = {"iss": self.url, "sub": "joe", "iat": now, "exp": now + 60, **claims}
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, key, algorithm=algorithm, headers=None if kid is None else {"kid": kid})


@pytest.fixture
def provider():
    provider = Provider()
    with provider.server:
        yield provider
        provider.gate.set()


@pytest.fixture
def rsa_keys():
    return RSA_KEYS


@pytest.fixture
def ec_key():
    return EC_KEY


@pytest.fixture(name="jwk")
def jwk_fixture():
    return jwk

"""One script for `sequoia-client-sdk` and for ours, which takes its place."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from benchmarks.peers.contract import Call, Json

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # the stub speaks no TLS
# By name: two distributions have it, and only one of them is typed.
sequoia = importlib.import_module("sequoia.client")


@contextmanager
def _calls(url: str, ask: Callable[[Any], Any]) -> Iterator[Call]:
    registry = url.removesuffix("/v1") + "/sequoia/services"
    client = sequoia.Client(registry, grant_client_id="id", grant_client_secret="secret")
    with client if hasattr(type(client), "__enter__") else nullcontext():  # it "has" all names
        endpoint = client.metadata.contents

        def call() -> Json:
            return {"data": {"id": ask(endpoint).resources[0]["name"]}}

        yield call


def sequoia_read(url: str) -> Any:
    return _calls(url, lambda endpoint: endpoint.read("o", "o:r1"))


def sequoia_browse(url: str) -> Any:
    return _calls(url, lambda endpoint: endpoint.browse("o"))

"""requests: what a person without a client library writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import requests

from benchmarks.peers.contract import PASSWORD, RECORD, USER, Call, Json


@contextmanager
def sync_call(url: str, path: str = RECORD) -> Iterator[Call]:
    target = f"{url}{path}"
    with requests.Session() as session:
        session.auth = (USER, PASSWORD)

        def call() -> Json:
            answer: Json = session.get(target).json()
            return answer

        yield call

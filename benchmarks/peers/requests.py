"""requests: what a person without a client library writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import requests

from benchmarks.peers.contract import PASSWORD, RECORD_ID, RECORDS, USER, Call, Json


@contextmanager
def sync_call(url: str) -> Iterator[Call]:
    target = f"{url}{RECORDS}/{RECORD_ID}"
    with requests.Session() as session:
        session.auth = (USER, PASSWORD)

        def call() -> Json:
            answer: Json = session.get(target).json()
            return answer

        yield call

"""Sequoia services, on SQLite and on a real PostgreSQL, and clients that know nothing but `requests`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from restwright.sandbox.sequoia import SequoiaService, sequoia_service


class Api:
    """Asks a service for the resources of the owner `o`."""

    def __init__(self, sequoia: SequoiaService, service: str = "metadata") -> None:
        self.sequoia = sequoia
        self.url = sequoia.locations[service]
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {sequoia.token()}"

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("timeout", 60)
        return self.session.request(method, self.url + path, **options)

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.send("GET", path, params={"owner": "o", **query})

    def post(self, kind: str, *documents: dict[str, Any], **query: Any) -> requests.Response:
        key = "contentSegments" if kind == "content-segments" else kind
        return self.send("POST", f"/data/{kind}/", params={"owner": "o", **query}, json={key: [*documents]})

    def put(self, ref: str, document: Any, if_match: str | None) -> requests.Response:
        headers = {} if if_match is None else {"If-Match": if_match}
        path = f"/data/contents/{ref}?owner=o"
        return self.send("PUT", path, json={"contents": [document]}, headers=headers)

    def make(self, kind: str, *documents: dict[str, Any]) -> list[dict[str, Any]]:
        """New resources."""
        answer = self.post(kind, *documents)
        assert answer.status_code == 201, answer.text
        (made,) = answer.json().values()
        return made

    def names(self, kind: str = "contents", **query: Any) -> list[str]:
        """Names of the resources in a page."""
        answer = self.get(f"/data/{kind}", **query)
        assert answer.status_code == 200, answer.text
        return [one["name"] for one in answer.json()[kind]]

    def follow(self, link: str) -> dict[str, Any]:
        """The document behind a link."""
        answer = self.send("GET", link)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """One after the other."""
        link: str | None = path
        while link is not None:
            page = self.follow(link)
            yield page
            link = page["meta"].get("next") or page["meta"].get("continue")

    def refused(self, status: int, answer: requests.Response) -> str:
        """What is said about it."""
        assert answer.status_code == status, answer.text
        assert answer.headers["Content-Type"] == "application/vnd.piksel+json"
        document = answer.json()
        assert document["statusCode"] == status
        return document["message"]


@pytest.fixture(scope="session")
def services(new_database: Callable[[], str]) -> Iterator[Callable[..., SequoiaService]]:
    """Called with options, it gives services that live on for other tests with the same options."""
    running: dict[tuple[tuple[str, Any], ...], SequoiaService] = {}
    with contextlib.ExitStack() as stack:

        def give(**options: Any) -> SequoiaService:
            key = tuple(sorted(options.items()))
            if key not in running:
                given = dict(options)
                if given.get("database") == "postgresql":
                    given["database"] = new_database()
                running[key] = stack.enter_context(sequoia_service(**{"sample": False, **given}))
            running[key].reset()
            return running[key]

        yield give


@pytest.fixture
def sequoia(services: Callable[..., SequoiaService]) -> SequoiaService:
    """In memory, and empty."""
    return services()


@pytest.fixture(params=["sqlite://", "postgresql"])
def everywhere(request: pytest.FixtureRequest, services: Callable[..., SequoiaService]) -> SequoiaService:
    """The same, on both databases."""
    return services(database=request.param)


@pytest.fixture
def new_api() -> Iterator[Callable[..., Api]]:
    with contextlib.ExitStack() as stack:

        def give(sequoia: SequoiaService, service: str = "metadata") -> Api:
            api = Api(sequoia, service)
            stack.callback(api.session.close)
            return api

        yield give


@pytest.fixture
def api(sequoia: SequoiaService, new_api: Callable[..., Api]) -> Api:
    return new_api(sequoia)


@pytest.fixture
def api_everywhere(everywhere: SequoiaService, new_api: Callable[..., Api]) -> Api:
    return new_api(everywhere)

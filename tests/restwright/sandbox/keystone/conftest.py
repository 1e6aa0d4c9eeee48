"""Keystones of both eras, on SQLite and on a real PostgreSQL, and clients that know nothing but `requests`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest
import requests

from restwright.sandbox.keystone import Account, KeystoneService, keystone_service

PASSWORD = "correct horse"


class Api:
    """Asks a Keystone, as whoever has logged in."""

    def __init__(self, keystone: KeystoneService) -> None:
        self.keystone = keystone
        self.url = keystone.url
        self.session = requests.Session()
        self.id = 0

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = dict(options.pop("headers", {}))
        token = self.session.cookies.get("csrftoken")
        if token is not None:
            headers.setdefault("X-CSRFToken", token)
        url = path if path.startswith("http") else f"{self.url}/{path}"
        return self.session.request(method, url, headers=headers, timeout=10, allow_redirects=False, **options)

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.send("GET", path, params=query)

    def post(self, path: str, body: Any = None, **options: Any) -> requests.Response:
        return self.send("POST", path, json=body, **options)

    def put(self, path: str, body: Any) -> requests.Response:
        return self.send("PUT", path, json=body)

    def patch(self, path: str, body: Any) -> requests.Response:
        return self.send("PATCH", path, json=body)

    def delete(self, path: str) -> requests.Response:
        return self.send("DELETE", path)

    def make(self, path: str, **body: Any) -> dict[str, Any]:
        """A new record."""
        answer = self.post(path, body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def ids(self, path: str, **query: Any) -> list[int]:
        """Numbers of the records in a list."""
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        return [one["id"] for one in (found if isinstance(found, list) else found["results"])]

    def log_in(self, username: str, password: str) -> requests.Response:
        if self.keystone.settings.era == "jwt":
            answer = self.post("authentication/new/", {"username": username, "password": password})
            if answer.ok:
                self.session.headers["Authorization"] = f"Bearer {answer.json()['access']}"
        else:
            answer = self.post("authentication/login/", {"username": username, "password": password})
        return answer


LogIn: TypeAlias = Callable[..., Api]


@pytest.fixture(scope="session")
def services(new_database: Callable[[], str]) -> Iterator[Callable[..., KeystoneService]]:
    """Called with options, it gives a service that lives on for other tests with the same options."""
    running: dict[tuple[tuple[str, Any], ...], KeystoneService] = {}
    with contextlib.ExitStack() as stack:

        def give(**options: Any) -> KeystoneService:
            key = tuple(sorted(options.items()))
            if key not in running:
                given = dict(options)
                if given.get("database") == "postgresql":
                    given["database"] = new_database()
                running[key] = stack.enter_context(keystone_service(**{"sample": False, **given}))
            running[key].reset()
            return running[key]

        yield give


@pytest.fixture
def keystone(services: Callable[..., KeystoneService]) -> KeystoneService:
    """One of the session era, with two accounts and nothing else."""
    return services()


@pytest.fixture(params=["sqlite://", "postgresql"])
def everywhere(request: pytest.FixtureRequest, services: Callable[..., KeystoneService]) -> KeystoneService:
    """The same, on both databases."""
    return services(database=request.param)


@pytest.fixture
def old_keystone(services: Callable[..., KeystoneService]) -> KeystoneService:
    """One of the jwt era."""
    return services(era="jwt")


@contextlib.contextmanager
def logging_in() -> Iterator[LogIn]:
    """Called with a service and the name of an account, it gives a client; unknown accounts are created."""
    with contextlib.ExitStack() as stack:
        staff: dict[str, Api] = {}

        def give(keystone: KeystoneService, who: str = "staff") -> Api:
            api = Api(keystone)
            stack.callback(api.session.close)
            if who == "nobody":
                return api
            accounts = {"staff": keystone.settings.staff, "user": keystone.settings.plain}
            if who not in accounts:
                found = staff.get(keystone.url) or staff.setdefault(keystone.url, give(keystone))
                api.id = found.make("users/users/", username=who, password=PASSWORD)["id"]
            account = accounts.get(who) or Account(who, PASSWORD)
            assert api.log_in(account.username, account.password).ok
            api.id = api.id or (1 if who == "staff" else 2)
            return api

        yield give


@pytest.fixture
def log_in() -> Iterator[LogIn]:
    with logging_in() as give:
        yield give


@pytest.fixture(scope="module")
def log_in_for_module() -> Iterator[LogIn]:
    with logging_in() as give:
        yield give


@pytest.fixture
def staff(keystone: KeystoneService, log_in: LogIn) -> Api:
    return log_in(keystone)


@pytest.fixture
def user(keystone: KeystoneService, log_in: LogIn) -> Api:
    return log_in(keystone, "user")


@pytest.fixture
def nobody(keystone: KeystoneService, log_in: LogIn) -> Api:
    return log_in(keystone, "nobody")

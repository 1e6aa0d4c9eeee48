"""docs/rest-client.md: its examples run from top to bottom, with a service at the address that they name."""

from __future__ import annotations

import _socket
import errno
import inspect
import re
import socket

import pytest
import requests
from tests.docs import pages

import rest_tools.client
from rest_tools.client import RestClient
from rest_tools.utils import OpenIDAuth
from restwright import errors
from restwright.sandbox import identity_provider
from restwright.testing import Reply, serve

PAGE = "docs/rest-client.md"
TEXT = pages.text_of(PAGE)


def fruits():
    """The service of the page."""
    stock = {"apple": 3}

    def app(request):
        path = request.path.removeprefix("/api")
        if request.method == "POST":
            fruit = request.json()
            stock[fruit["name"]] = fruit["amount"]
            return Reply(201, json=fruit)
        if path == "/fruits":
            amounts = [int(amount) for amount in request.query["amount"]]
            return Reply(json=[name for name, amount in stock.items() if amount in amounts])
        if path == "/events":
            return Reply(content=b'{"fruit": "apple", "sold": 2}\n\n')
        name = path.rpartition("/")[2]
        if name not in stock:
            return Reply(404, json={"code": 404, "error": "no such fruit"})
        return Reply(json={"name": name, "amount": stock[name]})

    return app


@pytest.fixture
def localhost(monkeypatch):
    """Connections to port 8080 are led to the service's own free port: no text is changed before it runs."""
    with serve(fruits()) as server:
        port = int(server.url.rpartition(":")[2])

        def connect(self, address):
            if self.family == socket.AF_INET6 and address[1] == 8080:
                raise ConnectionRefusedError(errno.ECONNREFUSED, "it listens on IPv4")
            there = ("127.0.0.1", port) if address == ("127.0.0.1", 8080) else address
            return _socket.socket.connect(self, there)

        monkeypatch.setattr(socket.socket, "connect", connect, raising=False)
        yield server


def test_the_examples_print_what_they_say(localhost, capsys):
    with identity_provider() as idp:
        auth = OpenIDAuth(idp.url)

        def whoami(request):
            token = request.headers["Authorization"].removeprefix("Bearer ")
            return Reply(json={"client": auth.validate(token)["client_id"]})

        with serve(whoami) as service, pages.played(PAGE, capsys, idp=idp, service=service):
            pass
    tokens = {request.headers.get("Authorization") for request in localhost.requests}
    assert tokens == {"Bearer XXXX", "Bearer t0ken", None}


def test_the_first_program_is_ten_lines():
    first = next(pages.blocks_of(PAGE)).source
    assert len([line for line in first.splitlines() if line]) <= 10


def first_cells(heading):
    """The names in the first column of the table below a heading."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"`([^`]+)`", "\n".join(re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE))))


def test_every_setting_is_in_the_table_with_its_default():
    parameters = inspect.signature(RestClient).parameters
    assert first_cells("Settings") == set(parameters) - {"kwargs"} | {
        "username",
        "password",
        "sslcert",
        "sslkey",
        "cacert",
    }
    for name in ("timeout", "retries", "backoff_factor", "retry_unsafe"):
        default = parameters[name].default
        shown = f"`{default}`" if isinstance(default, bool) else f"{default:g}"
        assert re.search(rf"^\| `{name}` \| .* \| {shown} \|$", TEXT, re.MULTILINE), name


def test_every_name_of_the_package_is_on_the_page():
    assert [name for name in rest_tools.client.__all__ if name not in TEXT] == []


def test_every_exception_of_the_table_is_there():
    for name in first_cells("Errors"):
        module, _, rest = name.rpartition(".")
        home = {"": __builtins__, "requests": requests, "requests.exceptions": requests.exceptions}
        found = home.get(module, errors)
        assert rest in (found if isinstance(found, dict) else vars(found)), name

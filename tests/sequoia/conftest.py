"""A small stand-in for Sequoia: a registry, a provider of tokens and one service, in a real server.

Faults are scripted by path: a list of answers that are given, one after the other, before the proper ones.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import socket
import ssl
from collections import defaultdict, deque
from contextlib import contextmanager
from urllib.parse import quote, urlencode

import pytest
import trustme

from restwright.auth import BasicAuth
from restwright.testing import Reply, serve
from sequoia.auth import TokenCache
from sequoia.client import AsyncClient, Client

JSON = {"Content-Type": "application/vnd.piksel+json"}
DOMAIN = "sequoia.piksel.com"
ID, SECRET = "client-id", "client-secret"


def error(status, name, message):
    return Reply(status, json={"statusCode": status, "error": name, "message": message}, headers=JSON)


NOT_FOUND = error(404, "Not Found", "no such resource")
CONFLICT = error(412, "Precondition Failed", "document cannot be changed - versions do not match")


class StandIn:
    def __init__(self):
        self.script = defaultdict(deque)
        self.resources = defaultdict(dict)
        self.relations = {"assets": ("contentRef", "contents")}  # the field of the child, and the parent
        self.linked_per_page = 2
        self.expires_in = 3600
        self.credentials = (ID, SECRET)
        self.tokens = set()
        self.needs_token = True
        self.numbers = itertools.count(1)
        self.server = None

    # --- for tests ---

    @property
    def url(self):
        return f"{self.server.url}/services/testmock"

    @property
    def location(self):
        return f"{self.server.url}/metadata"

    def add(self, resource, *items):
        for item in items:
            full = {"owner": "o", "version": "v1", **item}
            full.setdefault("ref", f"{full['owner']}:{full['name']}")
            self.resources[resource][full["ref"]] = full

    def fail(self, path, *answers):
        self.script[path].extend(answers)

    def seen(self, path=""):
        """The requests below a path, in order."""
        return [request for request in self.server.requests if request.path.startswith(path)]

    @property
    def data(self):
        return self.seen("/metadata/data")

    def client(self, **settings):
        return Client(self.url, **{"grant_client_id": ID, "grant_client_secret": SECRET, **settings})

    def async_client(self, **settings):
        return AsyncClient(self.url, **{"grant_client_id": ID, "grant_client_secret": SECRET, **settings})

    # --- what it does ---

    def app(self, request):  # noqa: PLR0911  # a table
        script = self.script[request.path]
        if script:
            return script.popleft()
        if request.path == "/services/testmock":
            return Reply(json={"services": self.services()})
        if request.path == "/identity/oauth/token":
            return self.token(request)
        if self.needs_token and request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return error(401, "Unauthorized", "no such token")
        if request.path == "/metadata/descriptor/raw":
            return Reply(json=DESCRIPTOR)
        if request.path.startswith("/metadata/data/"):
            return self.resource(request, *request.path.removeprefix("/metadata/data/").partition("/")[::2])
        return Reply(json={"path": request.path})

    def services(self):
        names = ("identity", "metadata", "workflow")
        return [
            {"name": name, "owner": "root", "location": f"{self.server.url}/{name}", "title": name} for name in names
        ]

    def token(self, request):
        if request.headers["Authorization"] != BasicAuth(*self.credentials)._value:
            return Reply(401, json={"error": "invalid_client", "error_description": "unknown client"})
        token = f"at-{next(self.numbers)}"
        self.tokens.add(token)
        return Reply(json={"access_token": token, "token_type": "bearer", "expires_in": self.expires_in})

    def resource(self, request, name, refs):  # noqa: PLR0911  # another
        query = {key: values[0] for key, values in request.query.items()}
        if request.method == "POST":
            return Reply(201, json=request.json(), headers=JSON)
        if request.method == "GET" and not refs:
            return self.page(name, query)
        found = [self.resources[name].get(ref.replace("%3A", ":").replace("%2C", ",")) for ref in refs.split(",")]
        if None in found:
            return NOT_FOUND
        if request.method == "DELETE":
            for each in found:
                del self.resources[name][each["ref"]]
            return Reply(204)
        if request.method == "PUT":
            if request.headers["If-Match"] != f'"{found[0]["version"]}"':
                return CONFLICT
            return Reply(json=request.json(), headers=JSON)
        return Reply(json={"meta": {}, name: found}, headers=JSON)

    def page(self, name, query):
        items = self.filtered(name, query)
        per_page = int(query.get("perPage", 100))
        by_token = "continue" in query
        start = int(query.get("continue", "0").removeprefix("tok/") or 0) if query.get("continue") != "true" else 0
        if not by_token:
            start = (int(query.get("page", 1)) - 1) * per_page
        page, more = items[start : start + per_page], len(items) > start + per_page
        meta = {"perPage": per_page}
        if more:
            key, value = ("continue", f"tok/{start + per_page}") if by_token else ("page", start // per_page + 2)
            link = f"/data/{name}?{urlencode({**query, key: value})}"
            meta["continue" if by_token else "next"] = link
        document = {"meta": meta, name: page}
        if "include" in query:
            document["linked"], meta["linked"] = {}, {}
            for included in query["include"].split(","):
                document["linked"][included], meta["linked"][included] = self.linked(included, page)
        return Reply(json=document, headers=JSON)

    def filtered(self, name, query):
        items = list(self.resources[name].values())
        for key, value in query.items():
            if key.startswith("with"):
                field = key[4].lower() + key[5:]
                items = [item for item in items if item.get(field) in value.split("||")]
        return items

    def linked(self, included, page):
        field, _ = self.relations.get(included, (None, None))
        items, fetches = [], []
        per_page = self.linked_per_page
        for parent in page:
            if field is None:
                refs = parent.get(f"{included[:-3]}yRefs", [])
                items += [self.resources[included][ref] for ref in refs if ref in self.resources[included]]
                continue
            children = [item for item in self.resources[included].values() if item[field] == parent["ref"]]
            items += children[:per_page]
            base = f"/data/{included}?with{field[0].upper()}{field[1:]}={parent['ref']}&owner=o&perPage={per_page}"
            fetch = {"request": f"{base}&continue=true"}
            if len(children) > per_page:
                fetch["continue"] = f"{base}&continue={quote(f'tok/{per_page}', safe='')}"
            fetches.append(fetch)
        return items, fetches


DESCRIPTOR = {
    "resourcefuls": {
        "contents": {
            "relationships": {
                "categories": {"type": "direct", "resourceType": "categories", "fieldNamePath": "categoryRefs"},
                "assets": {"type": "indirect", "resourceType": "assets", "filterName": "withContentRef"},
            }
        }
    }
}


@contextmanager
def standing_in(**settings):
    stand_in = StandIn()
    with serve(stand_in.app, **settings) as server:
        stand_in.server = server
        yield stand_in


@pytest.fixture
def sequoia():
    TokenCache._token_storage.clear()
    with standing_in() as stand_in:
        yield stand_in


@pytest.fixture
def sandbox(sequoia, monkeypatch, tmp_path):
    """The stand-in under the names of the text, by TLS."""
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(f"*.{DOMAIN}").configure_cert(tls)
    authority.configure_trust(tls)
    tls.verify_mode = ssl.CERT_OPTIONAL
    mine = authority.issue_cert("client@example.org")
    authority.cert_pem.write_to_path(str(tmp_path / "server_cert.pem"))
    mine.cert_chain_pems[0].write_to_path(str(tmp_path / "client_cert.pem"))
    mine.private_key_pem.write_to_path(str(tmp_path / "client_key.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "server_cert.pem"))

    names = ("identity", "metadata", "workflow")
    sequoia.services = lambda: [
        {"name": name, "owner": "root", "location": f"https://{name}-sandbox.{DOMAIN}/{name}", "title": name}
        for name in names
    ]
    sequoia.credentials = ("clientId", "clientSecret")
    for owner, ref in (("testmock", "testmock:c1"), ("test", "test:c0007"), ("test", "test:c02")):
        sequoia.add("contents", {"ref": ref, "name": ref, "owner": owner, "categoryRefs": ["test:k"]})
        sequoia.add("assets", *({"ref": f"{ref}.{n}", "name": f"{ref}.{n}", "contentRef": ref} for n in range(5)))
    sequoia.add("categories", {"ref": "test:k", "name": "k"})
    ask = socket.getaddrinfo
    with serve(sequoia.app, tls=tls) as server:
        port = int(server.url.rpartition(":")[2])

        def getaddrinfo(host, *args, **kwargs):
            if str(host).endswith(DOMAIN):
                return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
            return ask(host, *args, **kwargs)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        sequoia.server = server
        yield sequoia


@pytest.fixture(params=["blocking", "awaited"])
def drive(request, sequoia):
    """Runs a function of a client, blocking or awaited: `drive(lambda client: client.metadata.contents.read(...))`."""

    def blocking(function, **settings):
        with sequoia.client(**settings) as client:
            return function(client)

    def awaited(function, **settings):
        async def main():
            async with sequoia.async_client(**settings) as client:
                result = function(client)
                return await result if inspect.isawaitable(result) else result

        return asyncio.run(main())

    return blocking if request.param == "blocking" else awaited


@pytest.fixture(params=["blocking", "awaited"])
def collect(request, sequoia):
    """All that a browser of a client gives, in a list."""

    def blocking(function, **settings):
        with sequoia.client(**settings) as client:
            return list(function(client))

    def awaited(function, **settings):
        async def main():
            async with sequoia.async_client(**settings) as client:
                return [item async for item in function(client)]

        return asyncio.run(main())

    return blocking if request.param == "blocking" else awaited


@pytest.fixture(scope="session")
def no_delay():
    return {"interval": 0, "max_tries": 3}

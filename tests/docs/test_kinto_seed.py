"""The documentation of `kinto-http` (tests/seeds/kinto.txt): its snippets run verbatim against the real server.

The text has no marks around its code, so a paragraph is code if it is Python that does something.  For each snippet
there is a stage, a generator: it sets the server up, supplies the names that the text leaves undefined, and then
looks at what has happened.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import textwrap
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

import kinto_http
from kinto_http import AsyncClient, Client

TEXT = (Path(__file__).parents[1] / "seeds" / "kinto.txt").read_text(encoding="utf-8")
AUTH = ("alexis", "p4ssw0rd")
URL = "http://localhost:8888/v1"

Names = dict[str, Any]
Stage = Callable[[Any], Iterator[Names]]
STAGES: dict[str, Stage] = {}


def does_something(paragraph: str) -> bool:
    """Is it Python, and more than a heading that happens to be an expression, such as `Get or create`?"""
    try:
        tree = compile(textwrap.dedent(paragraph), "", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError:
        return False
    return any(isinstance(node, (ast.Call, ast.Assign, ast.Import, ast.ImportFrom)) for node in ast.walk(tree))


def snippets(text: str) -> list[str]:
    """Runs of paragraphs that are code."""
    found: list[list[str]] = []
    was_code = False
    for paragraph in re.split(r"\n{2,}", text):
        is_code = does_something(paragraph)
        if is_code and was_code:
            found[-1].append(paragraph)
        elif is_code:
            found.append([paragraph])
        was_code = is_code
    return ["\n\n".join(run) for run in found]


def stage(mark: str) -> Callable[[Stage], Stage]:
    """The stage of the one snippet that has `mark` in it."""

    def keep(function: Stage) -> Stage:
        STAGES[mark] = function
        return function

    return keep


class World:
    """The server, seen by people with accounts."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.clients: list[Client] = []
        server.create_account(*AUTH)
        server.create_account("bob", "b0b")

    def client(self, auth: tuple[str, str] = AUTH, **settings: Any) -> Client:
        self.clients.append(Client(server_url=URL, auth=auth, **settings))
        return self.clients[-1]

    def collection(self, collection: str, *ids: str, bucket: str = "alexis", **data: Any) -> Client:
        """A client for a new collection with some records."""
        client = self.client(bucket=bucket, collection=collection)
        client.create_bucket(if_not_exists=bucket != "default", safe=bucket != "default")
        client.create_collection(if_not_exists=True)
        for name in ids:
            client.create_record(name, data={"title": name, **data})
        return client


@pytest.fixture
def world(localhost) -> Iterator[World]:
    made = World(localhost)
    yield made
    for client in made.clients:
        client.close()


@pytest.mark.parametrize("snippet", snippets(TEXT), ids=lambda snippet: snippet.splitlines()[-1].strip())
def test_a_snippet_runs_as_it_is(snippet, world):
    (play,) = [play for mark, play in STAGES.items() if mark in snippet]
    scene = play(world)
    names: Names = {"__name__": "__main__", **next(scene)}
    code = compile(snippet, "tests/seeds/kinto.txt", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    async def run() -> None:
        waiting = eval(code, names)
        if inspect.iscoroutine(waiting):
            await waiting
            await names["client"].aclose()

    asyncio.run(run())
    with pytest.raises(StopIteration):
        scene.send(names)
    if isinstance(names.get("client"), Client) and not isinstance(names["client"], AsyncClient):
        names["client"].close()


def test_no_code_of_the_text_is_left_out():
    code = "\n".join(snippets(TEXT))
    lines = [line for line in TEXT.splitlines() if re.match(r" *(import |from .* import|with |for |try:|\w+ = )", line)]
    lines += [line for line in TEXT.splitlines() if re.search(r"\b(client|batch|cli_utils)\.\w+\(", line)]
    assert len(lines) > 60
    assert [line for line in lines if line not in code] == []


def test_every_stage_is_of_one_snippet():
    assert {mark: sum(mark in snippet for snippet in snippets(TEXT)) for mark in STAGES} == dict.fromkeys(STAGES, 1)


@pytest.mark.parametrize("client", [Client, kinto_http.AsyncClient])
def test_every_operation_of_the_text_is_there_with_its_arguments(client):
    listed = re.findall(r"^ *\N{BULLET} (\w+)\((.*?)\)", TEXT, re.MULTILINE)
    assert len(listed) == 30
    for name, arguments in listed:
        signature = inspect.signature(getattr(client, name))
        for argument in arguments.replace("**kwargs", "").split(","):
            if argument.strip():
                assert argument.partition("=")[0].strip() in signature.parameters, name


# --- the stages, in the order of the text --------------------------------------------------------------------------


@stage("record['title'] = 'Todo {}'.format(i)")
def overview(world: World) -> Iterator[Names]:
    todos = world.collection("todos", "a", "b", "c", bucket="default", done=False)
    names = yield {}
    assert names["client"].collection_name is None
    assert sorted(record["title"] for record in todos.get_records()) == ["Todo 0", "Todo 1", "Todo 2"]
    assert {record["done"] for record in todos.get_records()} == {False}


@stage("client = kinto_http.Client(server_url='http://localhost:8888/v1',\n                           auth=auth)")
def instantiating(world: World) -> Iterator[Names]:
    names = yield {}
    assert names["client"].server_info()["user"]["id"] == "account:alexis"


@stage('client = Client(bucket="payments", collection="receipts", auth=auth)')
def defaults(world: World) -> Iterator[Names]:
    names = yield {"Client": Client, "auth": AUTH}
    assert names["client"].get_endpoint("records") == "/buckets/payments/collections/receipts/records"


@stage('client2 = client.clone(collection="orders")')
def cloning(world: World) -> Iterator[Names]:
    names = yield {"client": world.client(bucket="payments", collection="receipts")}
    assert (names["client2"].bucket_name, names["client2"].collection_name) == ("payments", "orders")
    assert names["client2"].server_info()["user"]["id"] == "account:alexis"


@stage("info = await client.server_info()")
def asynchronous(world: World) -> Iterator[Names]:
    names = yield {}
    assert names["info"]["user"]["id"] == "account:alexis"


@stage('client = kinto_http.Client(auth=kinto_http.BearerTokenAuth("XYPJTNsFKV2"))')
def bearer(world: World) -> Iterator[Names]:
    names = yield {}
    signed = names["client"].session.auth(requests.Request("GET", URL).prepare())
    assert signed.headers["Authorization"] == "Bearer XYPJTNsFKV2"


@stage("kinto_http.BrowserOAuth()")
def browser(world: World) -> Iterator[Names]:
    names = yield {}
    assert names["client"].session.auth.server_url == URL


@stage('"User-Agent": "blocklist-updater"')
def custom_headers(world: World) -> Iterator[Names]:
    names = yield {}
    assert names["client"].session.headers == {"Allow-Access": "CDN", "User-Agent": "blocklist-updater"}


@stage("info = client.server_info()")
def server_information(world: World) -> Iterator[Names]:
    names = yield {}
    assert names["info"]["project_name"] == "kinto"


@stage("record['permissions']['write'].append('leplatrem')")
def permissions(world: World) -> Iterator[Names]:
    client = world.collection("todos", "123")
    yield {"client": client}
    assert "leplatrem" in client.get_record("123")["permissions"]["write"]
    (made,) = client.get_records(foo="bar")
    assert client.get_record(made["id"])["permissions"]["read"] == ["group:groupid"]


@stage("all_perms = client.get_permissions(")
def all_permissions(world: World) -> Iterator[Names]:
    names = yield {"client": world.collection("my-collection", "a-record")}
    assert names["has_collection_perms"] is True
    assert {entry["resource_name"] for entry in names["all_perms"]} >= {"bucket", "collection"}
    assert "record" not in {entry["resource_name"] for entry in names["all_perms"]}


@stage("client.create_bucket(id='blog', if_not_exists=True)")
def get_or_create(world: World) -> Iterator[Names]:
    client = world.collection("articles", bucket="blog")
    before = client.get_bucket("blog")
    yield {"client": client}
    assert client.get_bucket("blog") == before
    assert [found["id"] for found in client.get_collections(bucket="blog")] == ["articles"]


@stage("client.delete_bucket(id='bucket', if_exists=True)")
def delete_if_exists(world: World) -> Iterator[Names]:
    yield {"client": world.client()}


@stage("JSONPatch([")
def patches(world: World) -> Iterator[Names]:
    client = world.collection("todos", "abc", "todo", "receipts", members=["me"])
    yield {"client": client}
    found = {record["id"]: record for record in client.get_records()}
    assert (found["abc"]["over"], found["abc"]["title"]) == ("write", "abc")
    assert (found["todo"]["assignee"], found["todo"]["title"]) == ("bob", "todo")
    assert len(found["receipts"]["members"]) == 2
    assert found["receipts"]["members"][0].startswith("ldap:")


@stage("batch.update_record(data={'id': idx})")
def batching(world: World) -> Iterator[Names]:
    client = world.collection("todos")
    yield {"client": client}
    assert {record["id"] for record in client.get_records()} == {str(number) for number in range(100)}


@stage("r1, r2, r3 = batch.results()")
def batch_results(world: World) -> Iterator[Names]:
    names = yield {"client": world.collection("todos", "r1", "r2", "r3")}
    assert [names[name]["data"]["title"] for name in ("r1", "r2", "r3")] == ["r1", "r2", "r3"]


@stage("except kinto_http.KintoException as e:")
def errors(world: World) -> Iterator[Names]:
    world.collection("todos")  # in a bucket of alexis
    said: list[str] = []
    yield {"client": world.client(("bob", "b0b"), bucket="alexis"), "kinto_http": kinto_http, "print": said.append}
    assert said == ["Not allowed!"]


@stage("timeout=5)")
def timeout(world: World) -> Iterator[Names]:
    names = yield {"KintoClient": kinto_http.KintoClient}
    assert names["client"].session.timeout == 5


@stage("timeout=(3.05, 27))")
def timeouts(world: World) -> Iterator[Names]:
    names = yield {"KintoClient": kinto_http.KintoClient}
    assert names["client"].session.timeout == (3.05, 27)


@stage("timeout=None)")
def no_timeout(world: World) -> Iterator[Names]:
    names = yield {"KintoClient": kinto_http.KintoClient}
    assert names["client"].session.timeout is None


@stage("                retry=10)")
def retries(world: World) -> Iterator[Names]:
    names = yield {"Client": Client, "credentials": AUTH}
    assert names["client"].session.nb_retry == 10
    assert names["client"].server_info()["user"]["id"] == "account:alexis"


@stage("retry_after=5)")
def retries_after(world: World) -> Iterator[Names]:
    names = yield {"Client": Client, "credentials": AUTH}
    assert (names["client"].session.nb_retry, names["client"].session.retry_after) == (10, 5)


@stage("for page in client.get_paginated_records():")
def pages(world: World) -> Iterator[Names]:
    client = world.collection("todos")
    with client.batch() as batch:
        for number in range(150):
            batch.create_record(data={"number": number})
    names = yield {"client": client}
    assert len(names["records"]) == 50  # of the second and last page


@stage("records = client.get_records(_limit=10)")
def limited(world: World) -> Iterator[Names]:
    names = yield {"client": world.collection("todos", *(f"r{number}" for number in range(12)))}
    assert len(names["records"]) == 10


@stage("pages=float('inf'))")
def limited_pages(world: World) -> Iterator[Names]:
    names = yield {"client": world.collection("todos", *(f"r{number}" for number in range(12)))}
    assert len(names["records"]) == 12


@stage("hist = client.get_history(")
def history(world: World) -> Iterator[Names]:
    names = yield {"client": world.collection("todos", "a", "b", bucket="default")}
    assert {entry["record_id"] for entry in names["changes"] if "record_id" in entry} == {"a", "b"}
    assert {entry["collection_id"] for entry in names["hist"]} == {"todos"}


@stage("client.purge_history(bucket='default')")
def purge(world: World) -> Iterator[Names]:
    client = world.collection("todos", "a", bucket="default")
    assert client.get_history(bucket="default") != []
    yield {"client": client}
    assert client.get_history(bucket="default") == []


@stage("filepath = client.download_attachment(record_obj)")
def attachments(world: World) -> Iterator[Names]:
    image = Path("image.png")
    image.write_bytes(b"an image")

    class Here(Client):
        def add_attachment(self, id: str, filepath: str) -> Any:  # noqa: A002
            assert filepath == "/path/to/image.png"  # not ours to write to
            return super().add_attachment(id, image)

    files = world.collection("files", "record-id", "other")
    files.add_attachment("other", image, filename="other.png")
    with Here(server_url=URL, auth=AUTH, bucket="alexis", collection="files") as client:
        names = yield {"client": client, "record_obj": files.get_record("other")["data"]}
    assert names["filepath"] == "other.png"
    assert Path("other.png").read_bytes() == b"an image"
    assert files.get_record("record-id")["data"]["attachment"]["filename"] == "image.png"


@stage('client.remove_attachment(id="record-id")')
def removing_attachments(world: World) -> Iterator[Names]:
    Path("image.png").write_bytes(b"an image")
    client = world.collection("files", "record-id")
    client.add_attachment("record-id", "image.png")
    yield {"client": client}
    assert client.get_record("record-id")["data"]["attachment"] is None


@stage("print(client.get_endpoint(")
def endpoints(world: World) -> Iterator[Names]:
    said: list[str] = []
    yield {"Client": Client, "print": said.append}
    assert len(said) == 1
    assert f"# '{said[0]}'" in TEXT


@stage("cli_utils.set_parser_server_options(parser)")
def script(world: World) -> Iterator[Names]:
    world.collection("todos", "a", "b")
    options = ["-s", URL, "-a", ":".join(AUTH), "-b", "alexis", "-c", "todos"]
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setattr("sys.argv", ["example.py", *options])
        warnings.filterwarnings("ignore", "The 'warn' method is deprecated", DeprecationWarning)
        names = yield {}
    assert len(names["records"]) == 2

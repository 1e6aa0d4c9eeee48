"""Sections 1.1 to 1.3 of the interface: every name, its parameters, and how they may be given."""

import asyncio
import importlib
import inspect
import logging

import pytest
import requests

import kinto_http
import kinto_http.client
import kinto_http.decorators
import kinto_http.session
from kinto_http import AsyncClient, Client
from kinto_http.client import BatchClient, async_client, async_wrap, retry_timeout

ROOT = {
    "AsyncClient",
    "BearerTokenAuth",
    "BrowserOAuth",
    "BucketNotFound",
    "Client",
    "CollectionNotFound",
    "Endpoints",
    "KintoBatchException",
    "KintoException",
    "Session",
    "TokenAuth",
    "create_session",
}

CREATE = "data=None, permissions=None, safe=True, if_not_exists=False"
UPDATE = "data=None, permissions=None, safe=True, if_match=None"
PATCH = "changes=None, data=None, original=None, permissions=None, safe=True, if_match=None"
DELETE = "safe=True, if_match=None, if_exists=False"

SIGNATURES = f"""
get_endpoint(name, *, bucket=None, group=None, collection=None, id=None)
server_info(*, refresh=False)
create_bucket(id=None, *, {CREATE})
update_bucket(id=None, *, {UPDATE})
patch_bucket(id=None, *, {PATCH})
get_buckets(**kwargs)
get_bucket(id=None, **kwargs)
delete_bucket(id=None, *, {DELETE})
delete_buckets(*, safe=True, if_match=None)
get_groups(*, bucket=None, **kwargs)
create_group(id=None, *, bucket=None, {CREATE})
update_group(id=None, *, bucket=None, {UPDATE})
patch_group(id=None, *, bucket=None, {PATCH})
get_group(id, *, bucket=None, **kwargs)
delete_group(id, *, bucket=None, {DELETE})
delete_groups(*, bucket=None, safe=True, if_match=None)
get_collections(*, bucket=None, **kwargs)
create_collection(id=None, *, bucket=None, {CREATE})
update_collection(id=None, *, bucket=None, {UPDATE})
patch_collection(id=None, *, bucket=None, {PATCH})
get_collection(id=None, *, bucket=None, **kwargs)
delete_collection(id=None, *, bucket=None, {DELETE})
delete_collections(*, bucket=None, safe=True, if_match=None)
get_records_timestamp(*, collection=None, bucket=None)
get_records(*, collection=None, bucket=None, **kwargs)
get_paginated_records(*, collection=None, bucket=None, **kwargs)
get_permissions(exclude_resource_names=None, *, params=None, **kwargs)
get_record(id, *, collection=None, bucket=None, **kwargs)
create_record(id=None, *, bucket=None, collection=None, {CREATE})
update_record(id=None, *, collection=None, bucket=None, {UPDATE})
patch_record(id=None, *, collection=None, bucket=None, {PATCH})
delete_record(id, *, collection=None, bucket=None, {DELETE})
delete_records(*, collection=None, bucket=None, safe=True, if_match=None)
get_history(*, bucket=None, **kwargs)
purge_history(*, bucket=None, safe=True, if_match=None, **kwargs)
download_attachment(record, filepath=None, save_metadata=False, overwrite=False, chunk_size=8192, *, filename=None)
add_attachment(id, filepath, filename=None, bucket=None, collection=None, data=None, permissions=None, mimetype=None)
remove_attachment(id, bucket=None, collection=None)
get_changeset(bucket=None, collection=None, bust_cache=False, **kwargs)
request_review(message, id=None, bucket=None, **kwargs)
decline_changes(message, id=None, bucket=None, **kwargs)
approve_changes(id=None, bucket=None, **kwargs)
rollback_changes(message, id=None, bucket=None, **kwargs)
records(*, collection=None, bucket=None, **kwargs)
get_changes(*, since, collection=None, bucket=None, **kwargs)
buckets(**kwargs)
groups(*, bucket=None, **kwargs)
collections(*, bucket=None, **kwargs)
history(*, bucket=None, **kwargs)
"""

LINES = SIGNATURES.strip().splitlines()
CLIENTS = {
    "sync": Client(server_url="http://localhost/v1", bucket="b", collection="c"),
    "async": AsyncClient(server_url="http://localhost/v1", bucket="b", collection="c"),
}


def plain(signature):
    """Names, kinds and defaults; without the criteria that listings take beyond the contract."""
    blank = inspect.Parameter.empty
    parameters = [
        each.replace(
            annotation=blank, kind=each.POSITIONAL_OR_KEYWORD if each.kind is each.POSITIONAL_ONLY else each.kind
        )
        for each in signature.parameters.values()
        if each.kind is not each.VAR_POSITIONAL
    ]
    return str(inspect.Signature(parameters))


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.partition("(")[0])
@pytest.mark.parametrize("which", ["sync", "async"])
class TestEachOperation:
    def test_its_parameters(self, which, line):
        name, _, parameters = line.partition("(")
        assert plain(inspect.signature(getattr(CLIENTS[which], name))) == f"({parameters}"

    def test_a_caller_of_the_released_package_may_go_on(self, which, line):
        """What was keyword-only there may still be given by name."""
        name = line.partition("(")[0]
        kinds = {each.kind for each in inspect.signature(getattr(CLIENTS[which], name)).parameters.values()}
        assert inspect.Parameter.POSITIONAL_ONLY not in kinds

    def test_it_says_what_it_does(self, which, line):
        name = line.partition("(")[0]
        assert len(inspect.getdoc(getattr(CLIENTS[which], name)) or "") > 5


def test_no_operation_is_missing_here():
    names = {name for name in dir(Client) if not name.startswith("_") and callable(getattr(Client, name))}
    listed = {line.partition("(")[0] for line in LINES}
    paths = {"path", "record_path", "records_path"}
    assert names - listed == {"batch", "clone", "close", "pages", "run"} | paths
    names = {name for name in dir(AsyncClient) if not name.startswith("_") and callable(getattr(AsyncClient, name))}
    assert names - listed == {"aclose", "batch", "clone", "pages", "run"} | paths


def test_the_client_of_a_batch_has_the_same_operations():
    listed = {line.partition("(")[0] for line in LINES}
    assert listed <= {name for name in dir(BatchClient) if not name.startswith("_")}


def test_awaited_operations_are_coroutine_functions():
    native = {"get_endpoint", "get_paginated_records", "records", "buckets", "groups", "collections", "history"}
    for line in LINES:
        name = line.partition("(")[0]
        if name not in native:
            assert asyncio.iscoroutinefunction(getattr(CLIENTS["async"], name)), name
    assert not asyncio.iscoroutinefunction(AsyncClient.clone)


CONSTRUCTOR = {
    "server_url": None,
    "session": None,
    "auth": None,
    "bucket": "default",
    "collection": None,
    "retry": 0,
    "retry_after": None,
    "timeout": False,  # finite; None is infinite, as before
    "ignore_batch_4xx": False,
    "headers": None,
    "dry_mode": False,
}


@pytest.mark.parametrize("made", [Client, AsyncClient])
def test_a_client_is_made_by_keywords_only(made):
    parameters = inspect.signature(made).parameters
    assert {name: each.default for name, each in parameters.items()} == CONSTRUCTOR
    assert {each.kind for each in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
    with pytest.raises(TypeError):
        made("http://localhost/v1")


def test_what_the_package_exports():
    assert set(kinto_http.__all__) == ROOT
    assert all(hasattr(kinto_http, name) for name in ROOT)
    assert kinto_http.logger is logging.getLogger("kinto_http")
    assert issubclass(kinto_http.BearerTokenAuth, kinto_http.TokenAuth)
    assert kinto_http.BearerTokenAuth is not kinto_http.TokenAuth
    assert kinto_http.KintoClient is kinto_http.client.KintoClient is Client


SUBMODULES = [
    "batch",
    "cli_utils",
    "client",
    "constants",
    "endpoints",
    "exceptions",
    "login",
    "patch_type",
    "replication",
    "session",
    "utils",
]


@pytest.mark.parametrize("name", SUBMODULES)
def test_every_module_can_be_imported(name):
    importlib.import_module(f"kinto_http.{name}")


@pytest.mark.parametrize("name", ["batch", "client", "endpoints", "replication", "session"])
def test_modules_that_log_have_a_logger_of_their_name(name):
    module = importlib.import_module(f"kinto_http.{name}")
    assert module.logger is logging.getLogger(f"kinto_http.{name}")


def test_what_tests_of_users_patch():
    assert kinto_http.client.requests is requests
    assert kinto_http.session.requests is requests
    names = "utils create_session BatchSession Endpoints DO_NOT_OVERWRITE BasicPatch JSONPatch MergePatch PatchType "
    names += "BucketNotFound CollectionNotFound KintoException KintoBatchException Session"
    assert [name for name in names.split() if not hasattr(kinto_http.client, name)] == []
    assert kinto_http.client.DO_NOT_OVERWRITE == {"If-None-Match": "*"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"bucket": "b", "collection": "c"}, "http://h/v1/buckets/b/collections/c"),
        ({"bucket": "b"}, "http://h/v1/buckets/b"),
        ({}, "http://h/v1/buckets/default"),
        ({"bucket": None}, "http://h/v1/"),
        ({"server_url": "http://h/v1/"}, "http://h/v1/buckets/default"),
    ],
)
def test_a_client_shows_where_it_is(settings, expected):
    settings = {"server_url": "http://h/v1", **settings}
    assert repr(Client(**settings)) == f"<KintoClient {expected}>"
    assert repr(AsyncClient(**settings)) == f"<KintoAsyncClient {expected}>"


def test_no_secret_is_shown():
    assert "s3cr3t" not in repr(Client(server_url="http://h/v1", auth=("alice", "s3cr3t")))


def test_what_a_plain_client_holds():
    client = CLIENTS["sync"]
    assert (client.bucket_name, client.collection_name, client.results) == ("b", "c", None)
    assert isinstance(client.session, kinto_http.Session)
    assert isinstance(client.endpoints, kinto_http.Endpoints)
    assert (client._server_info, client._server_settings, client._records_timestamp) == (None, None, {})
    assert client._ignore_batch_4xx is False


def test_paths_of_all_kinds_of_objects():
    client = Client(server_url="http://h/v1", bucket="payments", collection="receipts")
    assert client.get_endpoint("record", id="x") == "/buckets/payments/collections/receipts/records/x"
    assert client.get_endpoint("record", id=0, bucket="b", collection="c") == "/buckets/b/collections/c/records/0"
    assert client.get_endpoint("records", bucket=0) == "/buckets/0/collections/receipts/records"
    assert client.get_endpoint("group", group="g") == "/buckets/payments/groups/g"
    assert client.get_endpoint("root") == "/"
    assert client.get_endpoint("collection", collection="") == "/buckets/payments/collections/receipts"
    assert client.get_endpoint("bucket", bucket="a.b c") == "/buckets/ab-c"
    with pytest.raises(kinto_http.KintoException, match="'id' is missing"):
        client.get_endpoint("record")


def test_paths_need_not_be_awaited_and_may_be():
    """Defect 31: `get_endpoint` had to be."""
    path = CLIENTS["async"].get_endpoint("bucket")
    assert path == "/buckets/b"

    async def awaited():
        return await path

    assert asyncio.run(awaited()) == "/buckets/b"


# --- decorators ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [requests.Timeout, requests.ConnectionError])
def test_a_network_failure_is_tried_once_more(monkeypatch, error):
    slept, calls = [], []
    monkeypatch.setattr(kinto_http.decorators.time, "sleep", slept.append)

    @retry_timeout
    def call(succeeds_at):
        calls.append(succeeds_at)
        if len(calls) < succeeds_at:
            raise error
        return "done"

    assert call(2) == "done"
    assert len(slept) == 1
    assert 0 <= slept[0] <= 1
    calls.clear()
    with pytest.raises(error):
        call(3)
    assert len(calls) == 2


def test_other_failures_are_not_tried_again():
    calls = []

    @retry_timeout
    def call():
        calls.append(1)
        raise requests.HTTPError

    with pytest.raises(requests.HTTPError):
        call()
    assert len(calls) == 1


def test_a_blocking_class_becomes_an_awaited_one():
    class Blocking:
        def add(self, a, *, b=1):
            return a + b

        def clone(self):
            return self

        def _inner(self):
            return 5

    awaited = async_client(Blocking)()
    assert awaited.clone() is awaited
    assert awaited._inner() == 5

    async def main():
        return await awaited.add(1, b=2), await async_wrap(max)(3, 4)

    assert asyncio.run(main()) == (3, 4)

"""Clients as such: how they are made, copied, shared and closed, and what they say while they work."""

import asyncio
import logging
import threading
from unittest import mock

import pytest
import requests

import kinto_http.session
from kinto_http import AsyncClient, BrowserOAuth, Client, KintoException, Session
from kinto_http.exceptions import BackoffException
from restwright.testing import Reply, serve
from restwright.testing.faults import hang_before

# --- made ---------------------------------------------------------------------------------------------------------


def test_a_client_needs_a_server_or_a_session():
    for made in (Client, AsyncClient):
        with pytest.raises(AttributeError):
            made()
        with pytest.raises(AttributeError):
            made(session=Session("http://h/v1"), server_url="http://h/v1")
        with pytest.raises(AttributeError):
            made(session=Session("http://h/v1"), auth=("a", "b"))


def test_a_client_without_a_server_fails_with_its_first_request(loop):
    """Defect 34: it is documented to be made so, and failed with an obscure error."""
    client = Client(auth=("alice", "pa55"), bucket="payments", collection="receipts")
    with pytest.raises(KintoException, match="No server_url was given") as raised:
        client.get_records()
    assert isinstance(raised.value, requests.exceptions.MissingSchema)

    async def main():
        await AsyncClient(auth=("alice", "pa55"), collection="c").get_records()

    with pytest.raises(KintoException, match="No server_url was given"):
        loop.run(main())


def test_only_an_auth_that_declares_it_is_told_the_server():
    """Defect 34: any auth object was changed."""

    class Auth(requests.auth.AuthBase):
        def __call__(self, request):
            return request

    login, plain = BrowserOAuth(), Auth()
    Client(server_url="http://h/v1", auth=login)
    Client(server_url="http://h/v1", auth=plain)
    assert login.server_url == "http://h/v1"
    assert not hasattr(plain, "server_url")


def test_credentials_come_from_nowhere_else(relay, monkeypatch, tmp_path):
    """Defect 35: without `auth`, ~/.netrc was read."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1\nlogin alice\npassword s3cr3t\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for auth in (None, ""):
        with Client(server_url=relay.url, auth=auth) as client:
            assert "user" not in client.server_info()
    assert all("Authorization" not in each.headers for each in relay.seen())


def test_headers_of_ones_own_are_sent_each_time(client, relay):
    mine = client.clone(server_url=relay.url, headers={"Allow-Access": "CDN", "User-Agent": "blocklist-updater"})
    mine.create_record("r")
    mine.get_records()
    for each in relay.seen():
        assert (each.headers["Allow-Access"], each.headers["User-Agent"]) == ("CDN", "blocklist-updater")


def test_every_request_says_who_asks(client, relay):
    client.clone(server_url=relay.url).get_records()
    assert all(each.headers["User-Agent"].startswith("kinto_http/") for each in relay.seen())


# --- copied -------------------------------------------------------------------------------------------------------

SETTINGS = {
    "server_url": "http://h/v1",
    "auth": ("alice", "pa55"),
    "bucket": "b",
    "collection": "c",
    "retry": 3,
    "retry_after": 4,
    "timeout": (1.5, 2.5),
    "ignore_batch_4xx": True,
    "headers": {"Allow-Access": "CDN"},
    "dry_mode": True,
}


def settings_of(client):
    session = client.session
    return {
        "server_url": session.server_url,
        "auth": session.auth,
        "bucket": client.bucket_name,
        "collection": client.collection_name,
        "retry": session.nb_retry,
        "retry_after": session.retry_after,
        "timeout": session.timeout,
        "ignore_batch_4xx": client._ignore_batch_4xx,
        "headers": session.headers,
        "dry_mode": session.dry_mode,
    }


CHANGES = {
    "server_url": "http://other/v1",
    "auth": ("bob", "word"),
    "bucket": "b2",
    "collection": "c2",
    "retry": 0,
    "retry_after": None,
    "timeout": None,
    "ignore_batch_4xx": False,
    "headers": {},
    "dry_mode": False,
}


@pytest.mark.parametrize("made", [Client, AsyncClient])
@pytest.mark.parametrize("changed", CHANGES)
def test_a_copy_keeps_everything_else(made, changed):
    """Defect 29: timeout, headers, dry mode and the policy for 4xx were lost."""
    client = made(**SETTINGS)
    copy = client.clone(**{changed: CHANGES[changed]})
    assert type(copy) is made
    assert settings_of(copy) == {**SETTINGS, changed: CHANGES[changed]}
    assert settings_of(client) == SETTINGS
    assert (copy.session is client.session) == (changed in ("bucket", "collection", "ignore_batch_4xx"))


def test_a_copy_keeps_the_bounds_of_a_session_made_by_hand():
    """Defect 29."""
    session = Session("http://h/v1", total_timeout=5.0, max_bytes=1000)
    copy = Client(session=session).clone(auth=("a", "b"))
    assert (copy.session.total_timeout, copy.session.max_bytes) == (5.0, 1000)


def test_a_copy_may_have_another_session():
    other = Session("http://other/v1")
    copy = Client(**SETTINGS).clone(session=other)
    assert copy.session is other
    assert (copy.bucket_name, copy.collection_name, copy._ignore_batch_4xx) == ("b", "c", True)


def test_a_copy_does_not_take_what_no_client_takes():
    with pytest.raises(TypeError, match="colection"):
        Client(**SETTINGS).clone(colection="c2")


@pytest.mark.unbatched
def test_a_copy_works_in_another_place(client):
    client.create_collection("orders")
    copy = client.clone(collection="orders")
    copy.create_record("r")
    assert [each["id"] for each in copy.get_records()] == ["r"]
    assert client.get_records() == []


# --- told of the server -------------------------------------------------------------------------------------------


def test_the_server_is_asked_for_its_settings_once(client, relay):
    """Defect 45: the batch asked again, and nothing could make it forget."""
    relayed = client.clone(server_url=relay.url)
    info = relayed.server_info()
    assert info["settings"]["batch_max_requests"] == 25
    assert relayed.server_info() is info or relayed.mode == "batch"
    assert relayed.client._server_settings == info["settings"]
    relayed.create_record("r")
    assert len([each for each in relay.seen("GET") if each.path == "/v1/"]) == 1
    relayed.server_info(refresh=True)
    asked_again = len([each for each in relay.seen("GET") if each.path == "/v1/"])
    assert asked_again == (1 if relayed.mode == "batch" else 2)  # that one went within the batch


def test_the_server_tells_who_one_is(client, account):
    assert client.server_info()["user"]["id"] == f"account:{account[0]}"
    assert client.server_info()["capabilities"].keys() >= {"accounts", "history", "default_bucket", "attachments"}


# --- shared -------------------------------------------------------------------------------------------------------


def test_one_client_in_several_event_loops(kinto, account, bucket):
    client = AsyncClient(server_url=kinto.url, auth=account, bucket=bucket, collection="c")

    async def turn(number):
        await client.create_collection("c", if_not_exists=True)
        await asyncio.gather(*(client.create_record(f"r{number}-{each}") for each in range(5)))
        return len(await client.get_records())

    async def last():
        async with client:
            return await turn(2)

    assert asyncio.run(turn(0)) == 5
    assert asyncio.run(turn(1)) == 10
    assert asyncio.run(last()) == 15


@pytest.mark.modes("async")
def test_five_hundred_tasks_of_one_client(client, loop):
    """Defect 30: each call tied up a thread, of which there are 32 at most."""
    most = threading.active_count()

    async def one(number):
        nonlocal most
        await client.client.create_record(f"r{number}", data={"n": number})
        most = max(most, threading.active_count())
        return (await client.client.get_record(f"r{number}"))["data"]["n"]

    async def main():
        return await asyncio.gather(*map(one, range(500)))

    before = threading.active_count()
    assert loop.run(main()) == list(range(500))
    assert most <= before + 2
    assert len(client.get_records()) == 500


@pytest.mark.modes("sync")
def test_many_threads_of_one_client(client):
    errors = []

    def work(number):
        try:
            for each in range(10):
                client.create_record(f"r{number}-{each}")
                client.get_records_timestamp()
        except KintoException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert errors == []
    assert len(client.get_records()) == 80


def test_connections_are_kept_and_closed_with_the_client(loop):
    """Defect 30: one pool for each thread, and none was ever closed."""

    def answer(request):
        return Reply(json={"data": {"id": "r"}, "permissions": {}})

    with serve(answer) as server:
        with Client(server_url=f"{server.url}/v1", auth=("a", "b"), collection="c") as client:
            for _ in range(3):
                thread = threading.Thread(target=client.get_record, args=["r"])
                thread.start()
                thread.join()
            assert server.connections == 1
        assert server.wait_for_open_connections(0)
        client.get_record("r")  # opens a new one
        client.close()
        assert server.connections == 2
        assert server.wait_for_open_connections(0)

    async def main(url):
        async with AsyncClient(server_url=url, auth=("a", "b"), collection="c") as client:
            for _ in range(3):
                await client.get_record("r")

    with serve(answer) as server:
        loop.run(main(f"{server.url}/v1"))
        assert server.connections == 1
        assert server.wait_for_open_connections(0)


@pytest.mark.modes("async")
def test_a_cancelled_call_is_over_at_once(client, loop):
    """Defect 30: a thread went on with it."""

    async def main():
        with serve(lambda request: hang_before()) as server:
            async with AsyncClient(server_url=f"{server.url}/v1", auth=("a", "b"), collection="c") as slow:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await slow.get_record("r")

    loop.run(main())


# --- sessions of others -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, {"ETag": '"5"'}], ids=["none", "etag"])
def test_requests_may_be_patched_before_a_client_is_made(headers):
    with mock.patch("kinto_http.session.requests") as patched:
        http = patched.Session.return_value
        http.request.return_value.status_code = 200
        http.request.return_value.json.return_value = {"data": {"id": "r"}, "permissions": {}}
        http.request.return_value.headers = headers
        client = Client(server_url="http://h/v1", auth=("alice", "pa55"), collection="c")
        assert client.get_record("r")["data"] == {"id": "r"}
        client.update_record("r", data={"n": 1})
        assert client.delete_record("r") == {"id": "r"}
    asked = [(each.args, each.kwargs["headers"]["User-Agent"]) for each in http.request.call_args_list]
    url, agent = "http://h/v1/buckets/default/collections/c/records/r", kinto_http.session.USER_AGENT
    assert asked == [(("get", url), agent), (("put", url), agent), (("delete", url), agent)]


def test_a_session_of_ones_own_is_asked_as_ours_would_be():
    session = mock.MagicMock()
    session.request.return_value = ({"data": {"id": "r", "last_modified": 5}, "permissions": {}}, {})
    client = Client(session=session, bucket="b", collection="c")
    assert client.get_record(id="r", _fields="n")["data"]["id"] == "r"
    session.request.assert_called_with("get", "/buckets/b/collections/c/records/r", params={"_fields": "n"})
    client.update_record(data={"id": "r", "last_modified": 5}, permissions={"read": []})
    session.request.assert_called_with(
        "put",
        "/buckets/b/collections/c/records/r",
        data={"id": "r", "last_modified": 5},
        permissions={"read": []},
        headers={"If-Match": '"5"'},
    )
    client.patch_record("r", data={"n": 1})
    session.request.assert_called_with(
        "patch",
        "/buckets/b/collections/c/records/r",
        payload={"data": {"n": 1}},
        headers={"Content-Type": "application/json"},
    )
    assert client.delete_record("r")["id"] == "r"


def test_what_a_session_of_ones_own_returns_is_handed_on():
    session = mock.MagicMock()
    session.request.return_value = (mock.sentinel.answer, mock.sentinel.headers)
    client = Client(session=session, bucket="b", collection="c")
    assert client.get_record("r") is mock.sentinel.answer
    assert client.create_record("r", data={}) is mock.sentinel.answer
    assert client.get_collection() is mock.sentinel.answer


def test_pages_come_from_a_session_of_ones_own_too():
    session = mock.MagicMock()
    session.request.side_effect = [
        ({"data": [{"id": "a"}]}, {"next-page": "http://h/v1/next"}),
        ({"data": [{"id": "b"}]}, {}),
    ]
    assert Client(session=session, collection="c").get_records() == [{"id": "a"}, {"id": "b"}]
    assert session.request.call_args.args == ("get", "http://h/v1/next")


# --- said ---------------------------------------------------------------------------------------------------------

LINES = [
    ("create_bucket", {"id": "x"}, ["x"]),
    ("update_bucket", {}, ["b"]),
    ("patch_bucket", {"data": {}}, ["b"]),
    ("get_bucket", {}, ["b"]),
    ("delete_bucket", {}, ["b"]),
    ("create_group", {"id": "g"}, ["g", "b"]),
    ("update_group", {"id": "g", "bucket": "y"}, ["g", "y"]),
    ("delete_group", {"id": "g"}, ["g", "b"]),
    ("delete_groups", {}, ["b"]),
    ("create_collection", {}, ["c", "b"]),
    ("patch_collection", {"id": "d"}, ["d", "b"]),
    ("delete_collections", {}, ["b"]),
    ("create_record", {"id": "r"}, ["r", "c", "b"]),
    ("get_record", {"id": "r"}, ["r", "c", "b"]),
    ("update_record", {"id": "r", "collection": "d"}, ["r", "d", "b"]),
    ("patch_record", {"id": "r"}, ["r", "c", "b"]),
    ("delete_record", {"id": "r"}, ["r", "c", "b"]),
    ("delete_records", {}, ["c", "b"]),
    ("get_history", {}, ["b"]),
    ("purge_history", {}, ["b"]),
]


@pytest.mark.parametrize(
    ("name", "arguments", "told"), LINES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_each_operation_says_what_it_is_about(caplog, name, arguments, told):
    """Defect 47: the client's own names were not told."""
    client = Client(server_url="http://h/v1", bucket="b", collection="c", dry_mode=True)
    with caplog.at_level(logging.INFO, "kinto_http.client"):
        getattr(client, name)(**arguments)
    (line,) = [each for each in caplog.records if each.name == "kinto_http.client"]
    assert line.levelno == logging.INFO
    assert line.message.lower().startswith(name.partition("_")[0])
    assert [word for word in told if repr(word) not in line.message] == []


# --- paused -------------------------------------------------------------------------------------------------------


@pytest.mark.unbatched
def test_while_the_server_wants_a_pause_nothing_is_sent(client, relay):
    """Defect 6."""

    def meddle(request, forward):
        answer = forward()
        answer.headers.append(("Backoff", "30"))
        return answer

    relayed = client.clone(server_url=relay.url)
    relay.meddle = meddle
    assert relayed.get_records() == []
    with pytest.raises(BackoffException) as raised:
        relayed.get_records()
    assert 28 <= raised.value.backoff <= 30
    assert len(relay.seen()) == 1

from __future__ import annotations

import asyncio
import concurrent.futures
import subprocess
import sys
import threading
import time

import pytest
import requests
from tests.timing import PATIENCE, until
from tornado.web import Finish, HTTPError, stream_request_body

from rest_tools.server import (
    ArgumentHandler,
    ArgumentSource,
    RestHandler,
    RestHandlerSetup,
    RestServer,
    authenticated,
    catch_error,
    role_authorization,
)
from rest_tools.server.idempotency import MemoryIdempotencyStore, RedisIdempotencyStore, idempotent
from rest_tools.server.ndjson import write_ndjson
from rest_tools.utils.auth import Auth
from restwright import AsyncClient, Operation, Operations, Request, SyncClient, fetch, operation

SECRET = "a secret of sixty-four bytes, as the algorithm HS512 asks of it ..."
SETUP = RestHandlerSetup({"auth": {"secret": SECRET}})
KEY = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}


def bearer(subject="joe", **claims):
    return {"Authorization": "Bearer " + Auth(SECRET).create_token(subject, payload=claims)}


@pytest.fixture
def keys(store_or_memory, async_client):
    if store_or_memory is None:
        return MemoryIdempotencyStore()
    return RedisIdempotencyStore(async_client(store_or_memory[0]), timeout=PATIENCE)


def counting(decorator, answer=None):
    """A handler that counts what it has done; `answer` is called with the handler and the count."""

    class Payments(RestHandler):
        done = 0

        @decorator
        async def post(self, *args):
            type(self).done += 1
            if answer is None:
                self.set_status(201)
                self.set_header("Location", f"/payments/{self.done}")
                self.write({"payment": self.done, "user": self.current_user})
                return
            result = answer(self, self.done)
            if asyncio.iscoroutine(result):
                await result

        put = post

    return Payments


def server_of(handler, pattern="/payments"):
    server = RestServer()
    server.add_route(pattern, handler, SETUP)
    return server


def post(url, headers=KEY, path="/payments", method="POST", **options):
    options = options or {"json": {"amount": 5}}
    return requests.request(method, url + path, headers=headers, timeout=10, **options)


# ------------------------------------------------------------------------------------------------ once


def test_the_second_request_gets_the_answer_of_the_first(serving, keys):
    handler = counting(idempotent(keys))
    with serving(server_of(handler)) as url:
        first, second = post(url), post(url)
        other = post(url, {"Idempotency-Key": '"other"'})
    assert handler.done == 2
    assert (first.status_code, first.json()) == (201, {"payment": 1, "user": None})
    assert (second.status_code, second.content) == (201, first.content)
    assert other.json()["payment"] == 2
    for name in ("Content-Type", "Location", "Server"):
        assert second.headers[name] == first.headers[name]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert "Idempotency-Replayed" not in other.headers


def finished(handler, count):
    handler.set_header("Content-Type", "text/csv")
    handler.finish(f"a,{count}\n")


async def finished_then_worked(handler, count):
    handler.finish({"payment": count})
    await asyncio.sleep(0)


def no_content(handler, count):
    handler.set_status(204)


def binary(handler, count):
    handler.set_header("Content-Type", "application/octet-stream")
    handler.add_header("Link", "</a>; rel=a")
    handler.add_header("Link", "</b>; rel=b")
    handler.write(bytes([0, 255, 10, 13, count]))


def ended(handler, count):
    handler.set_status(202)
    raise Finish({"payment": count})


def redirected(handler, count):
    handler.redirect(f"/payments/{count}", status=303)


def refused_in_writing(handler, count):
    handler.send_error(409, reason="no money left")


async def streamed_in_one_piece(handler, count):
    await write_ndjson(handler, range(count + 2), chunk_time=5.0)


def typeless(handler, count):
    handler.clear_header("Content-Type")
    handler.write("text")


@pytest.mark.parametrize(
    "answer",
    [
        finished,
        finished_then_worked,
        no_content,
        binary,
        ended,
        redirected,
        refused_in_writing,
        streamed_in_one_piece,
        typeless,
    ],
)
def test_an_answer_of_any_kind_is_replayed_as_it_was(serving, answer):
    handler = counting(idempotent(MemoryIdempotencyStore()), answer)
    with serving(server_of(handler)) as url:
        first, second = (post(url, allow_redirects=False, data=b"x") for _ in range(2))
    assert handler.done == 1
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert first.status_code < 500
    assert second.headers.pop("Idempotency-Replayed") == "true"
    for headers in (first.headers, second.headers):
        headers.pop("Date")
    assert second.headers == first.headers


def test_cookies_and_other_header_fields_are_not_replayed(serving):
    def answer(handler, count):
        handler.set_cookie("session", "s3cr3t")
        handler.set_header("X-Count", "1")
        handler.set_header("X-Kept", "2")

    handler = counting(idempotent(MemoryIdempotencyStore(), headers=["X-Kept"]), answer)
    with serving(server_of(handler)) as url:
        first, second = post(url), post(url)
    assert {"Set-Cookie", "X-Count", "X-Kept"} <= set(first.headers)
    assert {"Set-Cookie", "X-Count", "X-Kept"} & set(second.headers) == {"X-Kept"}


def test_a_default_that_the_answer_changed_is_not_sent_twice(serving):
    class Payments(counting(idempotent(MemoryIdempotencyStore()), lambda handler, count: None)):
        def set_default_headers(self):
            super().set_default_headers()
            self.set_header("Link", "</docs>; rel=help")

    with serving(server_of(Payments)) as url:
        assert [post(url).headers["Link"] for _ in range(2)] == ["</docs>; rel=help"] * 2


@pytest.mark.parametrize("options", [{"lease": 0}, {"lifetime": -1.0}, {"lease": float("nan")}])
def test_a_time_that_is_none_is_a_mistake(options):
    with pytest.raises(ValueError, match="lease and lifetime must be more than 0 seconds"):
        idempotent(MemoryIdempotencyStore(), **options)


def test_sync_methods_keep_their_names_and_path_arguments(serving):
    class Payments(RestHandler):
        @idempotent(MemoryIdempotencyStore())
        def put(self, number):
            """Pay."""
            self.write({"number": number})

    assert (Payments.put.__name__, Payments.put.__doc__) == ("put", "Pay.")
    with serving(server_of(Payments, r"/payments/(\d+)")) as url:
        answers = [post(url, path="/payments/7", method="PUT") for _ in range(2)]
    assert [answer.json() for answer in answers] == [{"number": "7"}] * 2


# ------------------------------------------------------------------------------------------------ keys


@pytest.mark.parametrize(
    "value",
    ["8e03978e-40d5-43dd-bc93-6894a57f9324", '"with blank, comma; and \\" quote"', "a" * 255, "YmFzZTY0+/=", "urn:x:1"],
)
def test_a_key_in_quotes_or_without(serving, value):
    handler = counting(idempotent(MemoryIdempotencyStore()))
    with serving(server_of(handler)) as url:
        assert post(url, {"Idempotency-Key": value}).status_code == 201
        assert post(url, {"Idempotency-Key": value}).headers["Idempotency-Replayed"] == "true"


def test_quotes_make_no_other_key(serving):
    handler = counting(idempotent(MemoryIdempotencyStore()))
    with serving(server_of(handler)) as url:
        post(url, {"Idempotency-Key": "abc"})
        assert "Idempotency-Replayed" in post(url, {"Idempotency-Key": '"abc"'}).headers
    assert handler.done == 1


@pytest.mark.parametrize("value", ["", '""', '"a', "a b", "a,b", '"a", "b"', '"a\\x"', '"ä"'.encode(), "a" * 256])
@pytest.mark.parametrize("required", [True, False])
def test_a_key_that_nobody_can_read(serving, value, required):
    handler = counting(idempotent(MemoryIdempotencyStore(), required=required))
    with serving(server_of(handler)) as url:
        answer = post(url, {"Idempotency-Key": value})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("Idempotency-Key must be one string")
    assert handler.done == 0


def test_a_key_is_required_unless_one_says_otherwise(serving):
    strict, lax = (
        counting(idempotent(MemoryIdempotencyStore())),
        counting(idempotent(MemoryIdempotencyStore(), required=False)),
    )
    with serving(server_of(strict)) as url:
        answer = post(url, {})
        assert (answer.status_code, strict.done) == (400, 0)
        assert answer.json()["error"].startswith("Idempotency-Key is required")
    with serving(server_of(lax)) as url:
        assert [post(url, {}).json()["payment"] for _ in range(2)] == [1, 2]


@pytest.mark.parametrize(
    "other",
    [
        {"json": {"amount": 6}},
        {"json": {"amount": 5}, "params": {"now": "1"}},
        {"json": {"amount": 5}, "method": "PUT"},
        {"json": {"amount": 5}, "path": "/payments/8"},
    ],
)
def test_a_key_that_comes_with_something_else(serving, keys, other):
    handler = counting(idempotent(keys))
    with serving(server_of(handler, r"/payments/(\d+)")) as url:
        post(url, path="/payments/7")
        answer = post(url, **{"path": "/payments/7", **other})
    assert answer.status_code == 422
    assert answer.json() == {"code": 422, "error": "the Idempotency-Key was used for another request"}
    assert handler.done == 1


def test_each_route_has_its_own_keys(serving, keys):
    server = server_of(counting(idempotent(keys)))
    server.add_route("/refunds", counting(idempotent(keys)), SETUP)
    with serving(server) as url:
        assert "Idempotency-Replayed" not in post(url).headers
        assert "Idempotency-Replayed" not in post(url, path="/refunds").headers


# ------------------------------------------------------------------------------------------------ callers


def test_nobody_gets_the_answers_of_others(serving, keys):
    def decorator(method):
        return authenticated(idempotent(keys)(method))

    handler = counting(decorator)
    with serving(server_of(handler)) as url:
        users = ["joe", "ann", "joe"]
        answers = [post(url, {**KEY, **bearer(user)}) for user in users]
        assert [answer.json()["user"] for answer in answers] == users
        assert ["Idempotency-Replayed" in answer.headers for answer in answers] == [False, False, True]
        assert post(url).status_code == 403
        assert post(url, {**KEY, "Authorization": "Bearer x"}).status_code == 403


def test_who_has_lost_a_role_gets_no_answer_of_before(serving):
    def decorator(method):
        return role_authorization(roles=["payer"])(idempotent(MemoryIdempotencyStore())(method))

    with serving(server_of(counting(decorator))) as url:
        assert post(url, {**KEY, **bearer(role="payer")}).status_code == 201
        assert post(url, {**KEY, **bearer(role="guest")}).status_code == 403


@pytest.mark.parametrize("who", [authenticated, role_authorization(roles=["payer"])])
def test_decorators_in_the_wrong_order_are_a_mistake(who):
    with pytest.raises(TypeError, match="idempotent goes below the decorators that ask who calls"):

        @idempotent(MemoryIdempotencyStore())
        @catch_error
        @who
        def post(self):
            """Never."""


def test_the_unknown_are_told_apart_by_what_they_send(serving):
    handler = counting(idempotent(MemoryIdempotencyStore()))
    server = RestServer()
    server.add_route("/payments", handler)  # without auth
    with serving(server) as url:
        numbers = [post(url, {**KEY, "Authorization": name}).json()["payment"] for name in ("a", "b", "a")]
    assert numbers == [1, 2, 1]


def test_callers_are_told_apart_as_one_says(serving):
    by_header = idempotent(MemoryIdempotencyStore(), caller=lambda handler: handler.request.headers["X-Shop"])
    with serving(server_of(counting(by_header))) as url:
        numbers = [post(url, {**KEY, "X-Shop": shop}).json()["payment"] for shop in ("a", "b", "a")]
    assert numbers == [1, 2, 1]


# ------------------------------------------------------------------------------------------------ at work


def test_a_second_request_meanwhile_is_told_to_come_back(serving, keys):
    begun, go_on = threading.Event(), threading.Event()

    async def answer(handler, count):
        begun.set()
        await asyncio.to_thread(go_on.wait, PATIENCE)
        handler.write({"payment": count})

    handler = counting(idempotent(keys), answer)
    with serving(server_of(handler)) as url, concurrent.futures.ThreadPoolExecutor() as pool:
        first = pool.submit(post, url)
        assert begun.wait(PATIENCE)
        meanwhile, other = post(url), post(url, json={"amount": 6})
        go_on.set()
        assert first.result().json() == {"payment": 1}
        assert post(url).headers["Idempotency-Replayed"] == "true"
    assert (meanwhile.status_code, meanwhile.headers["Retry-After"]) == (409, "1")
    assert meanwhile.json()["error"] == "the first request with this Idempotency-Key is at work"
    assert other.status_code == 422
    assert handler.done == 1


def test_of_many_at_once_one_is_done(serving, keys):
    async def answer(handler, count):
        await asyncio.sleep(0.05)
        handler.write({"payment": count})

    handler = counting(idempotent(keys), answer)
    with serving(server_of(handler)) as url, concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = {answer.status_code for answer in pool.map(lambda _: post(url), range(24))}
    assert handler.done == 1
    assert statuses <= {200, 409}


def test_a_long_request_keeps_its_key(serving, keys):
    begun, go_on = threading.Event(), threading.Event()

    async def answer(handler, count):
        begun.set()
        await asyncio.to_thread(go_on.wait, PATIENCE)

    handler = counting(idempotent(keys, lease=4), answer)
    with serving(server_of(handler)) as url, concurrent.futures.ThreadPoolExecutor() as pool:
        first = pool.submit(post, url)
        assert begun.wait(PATIENCE)
        time.sleep(4.3)
        assert post(url).status_code == 409
        go_on.set()
        assert first.result().status_code == 200
    assert handler.done == 1


WORKER = """
import asyncio, sys
import redis.asyncio
from rest_tools.server import RestHandler, RestServer
from rest_tools.server.idempotency import RedisIdempotencyStore, idempotent

async def main():
    keys = RedisIdempotencyStore(redis.asyncio.Redis(host="127.0.0.1", port=int(sys.argv[1])))

    class Payments(RestHandler):
        @idempotent(keys, lease=3)
        async def post(self):
            print("begun", flush=True)
            await asyncio.sleep(60)

    server = RestServer()
    server.add_route("/payments", Payments)
    server.startup("127.0.0.1", 0)
    print(server.port, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def test_the_key_of_a_process_that_died_is_free_after_the_lease(serving, store, async_client):
    handler = counting(idempotent(RedisIdempotencyStore(async_client(store[0]), timeout=PATIENCE)))
    command = [sys.executable, "-c", WORKER, str(store[0])]
    with (
        serving(server_of(handler)) as url,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as worker,
        concurrent.futures.ThreadPoolExecutor() as pool,
    ):
        lost = pool.submit(post, f"http://127.0.0.1:{worker.stdout.readline().strip()}")
        assert worker.stdout.readline() == "begun\n"
        time.sleep(3.2)  # it extends the lease
        assert post(url).status_code == 409
        worker.kill()
        assert isinstance(lost.exception(), requests.ConnectionError)
        assert post(url).status_code == 409
        assert until(lambda: post(url).json().get("payment")) == 1


# ------------------------------------------------------------------------------------------------ failures


def failing(error):
    def answer(handler, count):
        if count == 1:
            handler.write("half of an answer")
            raise error
        handler.write({"payment": count})

    return answer


def failing_in_writing(handler, count):
    handler.set_status(503 if count == 1 else 200)
    handler.write({"payment": count})


def missing_argument(handler, count):
    if count == 1:
        arguments = ArgumentHandler(ArgumentSource.QUERY_ARGUMENTS, handler)
        arguments.add_argument("amount")
        arguments.parse_args()
    handler.write({"payment": count})


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (failing(ZeroDivisionError()), 500),
        (failing(HTTPError(409, reason="no money left")), 409),
        (failing(asyncio.CancelledError()), 500),
        (failing_in_writing, 503),
        (missing_argument, 400),
    ],
)
def test_what_was_not_done_can_be_tried_again(serving, keys, answer, status):
    handler = counting(idempotent(keys), answer)
    with serving(server_of(handler)) as url:
        assert post(url).status_code == status
        again = post(url)
    assert (again.status_code, again.json()) == (200, {"payment": 2})
    assert "Idempotency-Replayed" not in again.headers


@pytest.mark.parametrize("order", ["above", "below"])
def test_catch_error_above_and_below(serving, order):
    keys = idempotent(MemoryIdempotencyStore())

    def decorator(method):
        return catch_error(keys(method)) if order == "above" else keys(catch_error(method))

    handler = counting(decorator, failing(ZeroDivisionError()))
    with serving(server_of(handler)) as url:
        assert post(url).json() == {"code": 500, "error": "Error in Payments"}
        assert post(url).json() == {"payment": 2}


@pytest.mark.parametrize("way", ["flush", "ndjson"])
def test_an_answer_in_pieces_is_refused(serving, caplog, way):
    async def answer(handler, count):
        if way == "flush":
            handler.write("a")
            await handler.flush()
        else:
            await write_ndjson(handler, range(100_000))

    handler = counting(idempotent(MemoryIdempotencyStore()), answer)
    with serving(server_of(handler)) as url:
        assert post(url).json() == {"code": 500, "error": "Internal Server Error"}
    assert "the answer of an idempotent method cannot be sent piece by piece" in caplog.text


def test_a_body_in_pieces_is_refused(serving, caplog):
    """Its fingerprint would be that of no body at all."""
    handler = stream_request_body(counting(idempotent(MemoryIdempotencyStore())))
    handler.data_received = lambda self, chunk: None
    with serving(server_of(handler)) as url:
        assert post(url).status_code == 500
    assert "idempotent needs the whole body" in caplog.text
    assert handler.done == 0


def test_an_answer_that_is_too_large_is_not_kept_and_not_made_again(serving, keys, caplog):
    def answer(handler, count):
        handler.write("x" * 101)

    handler = counting(idempotent(keys, max_size=100), answer)
    with serving(server_of(handler)) as url:
        first, second = post(url), post(url)
    assert (first.status_code, len(first.content)) == (200, 101)
    assert (second.status_code, handler.done) == (409, 1)
    assert "too large to be kept" in second.json()["error"]
    assert "an answer of 101 bytes is not kept" in caplog.text


class Broken:
    """A store that is broken from a certain step on."""

    def __init__(self, *broken):
        self.store, self.broken = MemoryIdempotencyStore(), broken

    def __getattr__(self, name):
        if name in self.broken:

            async def fail(*args):
                raise ConnectionError("?token=s3cr3t")

            return fail
        return getattr(self.store, name)


@pytest.mark.parametrize("required", [True, False])
def test_a_store_that_cannot_be_asked_is_no_store(serving, caplog, required):
    handler = counting(idempotent(Broken("begin"), required=required))
    with serving(server_of(handler)) as url:
        answer = post(url)
        assert post(url, {}).status_code == (400 if required else 201)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["error"] == "idempotency keys cannot be checked"
    assert "ConnectionError" in caplog.text
    assert "s3cr3t" not in caplog.text


def test_a_store_that_breaks_meanwhile_costs_no_answer(serving, caplog):
    async def slowly(handler, count):
        await asyncio.sleep(0.1)
        handler.write({"payment": count})

    handler = counting(idempotent(Broken("complete", "extend"), lease=0.06), slowly)
    with serving(server_of(handler)) as url:
        assert post(url).json() == {"payment": 1}
    assert "failed to extend the lease" in caplog.text
    assert "failed to keep the answer" in caplog.text
    handler = counting(idempotent(Broken("release")), failing(HTTPError(404)))
    with serving(server_of(handler)) as url:
        assert post(url).status_code == 404
        assert post(url).status_code == 409
    assert "failed to free the key" in caplog.text


def test_a_lease_that_was_lost_is_told(serving, caplog):
    def blocking(handler, count):
        time.sleep(0.1)

    with serving(server_of(counting(idempotent(MemoryIdempotencyStore(), lease=0.05), blocking))) as url:
        assert post(url).status_code == 200
    assert "the lease of an idempotency key ended before the request did" in caplog.text


# ------------------------------------------------------------------------------------------------ our own clients


class PaymentOperations(Operations):
    @operation
    def pay(self, amount: int, key: str) -> Operation[dict]:
        headers = {"Idempotency-Key": f'"{key}"'}
        response = yield from fetch(Request("POST", "/payments", json={"amount": amount}, headers=headers))
        return response.json()


class Client(SyncClient, PaymentOperations):
    pass


class AsyncPaymentClient(AsyncClient, PaymentOperations):
    pass


def test_a_client_that_lost_the_answer_asks_again_and_pays_once(serving, keys):
    """It repeats a POST with a key by itself; the first answer is stored, and then the connection breaks."""

    class Payments(counting(idempotent(keys))):
        def finish(self, chunk=None):
            if not self._headers.get("Idempotency-Replayed"):
                self.request.connection.stream.close()
            return super().finish(chunk)

    with serving(server_of(Payments)) as url:
        with Client(url, PaymentOperations()) as client:
            assert client.pay(5, "first") == {"payment": 1, "user": None}

        async def pay():
            async with AsyncPaymentClient(url, PaymentOperations()) as client:
                return await client.pay(5, "second")

        assert asyncio.run(pay()) == {"payment": 2, "user": None}
    assert Payments.done == 2

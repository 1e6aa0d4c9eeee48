from __future__ import annotations

import asyncio
import concurrent.futures
import time

import pytest
import requests
from tests.timing import PATIENCE
from tornado.web import HTTPError

from rest_tools.server import RestHandler, RestHandlerSetup, RestServer, authenticated
from rest_tools.server.rate_limit import MemoryRateLimitStore, RateLimiter, RedisRateLimitStore, rate_limited
from rest_tools.utils.auth import Auth
from restwright import AsyncClient, Operation, Operations, Request, SyncClient, fetch, operation
from restwright.policies import retry
from restwright.testing.clock import FakeClock

SECRET = "a secret of sixty-four bytes, as the algorithm HS512 asks of it ..."
SETUP = RestHandlerSetup({"auth": {"secret": SECRET}})


def bearer(subject):
    return {"Authorization": "Bearer " + Auth(SECRET).create_token(subject)}


@pytest.fixture
def buckets(store_or_memory, async_client):
    if store_or_memory is None:
        return MemoryRateLimitStore()
    return RedisRateLimitStore(async_client(store_or_memory[0]), timeout=PATIENCE)


def limited(*limiters):
    class Fruits(RestHandler):
        done = 0

        @rate_limited(*limiters)
        async def get(self):
            type(self).done += 1
            self.write({"count": self.done})

    return Fruits


def server_of(handler, **settings):
    server = RestServer(**settings)
    server.add_route("/fruits", handler, SETUP)
    return server


def ask(url, method="GET", **options):
    return requests.request(method, f"{url}/fruits", timeout=10, **options)


def test_so_many_pass_and_the_rest_is_told_when_to_come_back(serving, buckets):
    with serving(server_of(limited(RateLimiter(buckets, limit=3, window=600.0)))) as url:
        answers = [ask(url) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"default";q=3;w=600'}
    assert [answer.headers["RateLimit"].partition(";t=")[0] for answer in answers] == [
        *('"default";r=2', '"default";r=1', '"default";r=0', '"default";r=0', '"default";r=0')
    ]
    waits = [int(answer.headers["RateLimit"].partition(";t=")[2]) for answer in answers]
    assert all(150 <= wait <= 200 for wait in waits)  # a third of the window
    assert answers[4].json() == {"code": 429, "error": "too many requests"}
    assert int(answers[4].headers["Retry-After"]) == waits[4]
    assert ["Retry-After" in answer.headers for answer in answers] == [False, False, False, True, True]


def test_whoever_comes_back_then_passes(serving, buckets):
    with serving(server_of(limited(RateLimiter(buckets, limit=2, window=6.0)))) as url:
        assert [ask(url).status_code for _ in range(3)] == [200, 200, 429]
        time.sleep(int(ask(url).headers["Retry-After"]))
        assert ask(url).status_code == 200


def test_time_gives_back_what_was_used(serving):
    clock = FakeClock()
    limiter = RateLimiter(MemoryRateLimitStore(clock=clock), limit=100, window=50.0)
    with serving(server_of(limited(limiter))) as url:
        assert [ask(url).status_code for _ in range(101)].count(200) == 100
        clock.sleep(0.4)
        assert ask(url).status_code == 429
        clock.sleep(0.1)
        answers = [ask(url), ask(url)]
        assert [answer.status_code for answer in answers] == [200, 429]
        assert answers[0].headers["RateLimit"] == '"default";r=0;t=1'
        clock.sleep(50)
        assert ask(url).headers["RateLimit"] == '"default";r=99;t=1'


@pytest.mark.parametrize(("limit", "window"), [(7, 1.0), (3, 0.1), (1, 60.0), (1000, 7.0)])
def test_a_limit_is_exact_whatever_the_window(limit, window):
    clock = FakeClock()
    limiter = RateLimiter(MemoryRateLimitStore(clock=clock), limit=limit, window=window, key=lambda handler: "all")

    class Kept(dict):
        keep_header = dict.__setitem__

    async def count():
        passed = 0
        for _ in range(limit + 5):
            try:
                await limiter.admit(Kept())
                passed += 1
            except HTTPError:
                pass
        return passed

    assert asyncio.run(count()) == limit
    clock.sleep(window)
    assert asyncio.run(count()) == limit


def test_of_many_at_once_no_more_pass_than_may(serving, buckets):
    server = server_of(limited(RateLimiter(buckets, limit=10, window=600.0)))
    with serving(server) as url, concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = [answer.status_code for answer in pool.map(lambda _: ask(url), range(40))]
    assert statuses.count(200) == 10
    assert set(statuses) == {200, 429}


def test_the_header_fields_are_on_errors_too(serving):
    class Fruits(RestHandler):
        @rate_limited(RateLimiter(window=10.0))
        def get(self):
            self.set_header("X-Forgotten", "1")
            raise {"404": HTTPError(404), "500": ZeroDivisionError()}[self.get_argument("what")]

    with serving(server_of(Fruits)) as url:
        for status in (404, 500):
            answer = ask(url, params={"what": str(status)})
            assert answer.status_code == status
            assert answer.headers["RateLimit-Policy"] == '"default";q=100;w=10'
            assert answer.headers["RateLimit"].startswith('"default";r=9')
            assert "X-Forgotten" not in answer.headers


def test_a_window_that_is_no_whole_number_of_seconds_is_not_told(serving):
    with serving(server_of(limited(RateLimiter(limit=3, window=1.5, name="burst")))) as url:
        assert ask(url).headers["RateLimit-Policy"] == '"burst";q=3'


# ------------------------------------------------------------------------------------------------ limiters


def test_several_limiters_are_told_of_in_one_list(serving):
    burst = RateLimiter(limit=2, window=1000.0, name="burst")
    daily = RateLimiter(limit=3, window=86400.0, name="daily")
    with serving(server_of(limited(burst, daily))) as url:
        answer = ask(url)
        assert answer.headers["RateLimit-Policy"] == '"burst";q=2;w=1000, "daily";q=3;w=86400'
        assert answer.headers["RateLimit"] == '"burst";r=1;t=500, "daily";r=2;t=28800'
        ask(url)
        refused = ask(url)
        assert refused.status_code == 429
        assert refused.headers["RateLimit"].startswith('"burst";r=0;t=')
        assert "daily" not in refused.headers["RateLimit"]  # it was not asked


def test_a_limiter_is_shared_by_methods_and_prepare_counts_all(serving):
    limiter, other = RateLimiter(limit=3), RateLimiter(limit=1, name="writes")

    class Fruits(RestHandler):
        @rate_limited(limiter)
        def prepare(self):
            return super().prepare()

        def get(self):
            """Nothing more."""

        @rate_limited(other)
        def post(self):
            """Counted twice."""

    with serving(server_of(Fruits)) as url:
        answers = [ask(url), ask(url, "POST"), ask(url, "POST"), ask(url)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert [answer.headers["RateLimit-Policy"].count("q=") for answer in answers] == [1, 2, 2, 1]
    assert '"writes";r=0' in answers[2].headers["RateLimit"]
    assert answers[3].headers["RateLimit"].startswith('"default";r=0')


def test_limiters_with_other_names_or_limits_do_not_share(serving, buckets):
    limiters = [
        RateLimiter(buckets, limit=1, name="a"),
        RateLimiter(buckets, limit=1, name="b"),
        RateLimiter(buckets, limit=2, name="a"),
    ]
    with serving(server_of(limited(*limiters))) as url:
        assert ask(url).status_code == 200
    with serving(server_of(limited(RateLimiter(buckets, limit=1, name="a")))) as url:
        assert ask(url).status_code == 429


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": 0}, "limit must be 1 or more, got 0"),
        ({"window": 0.0}, "window must be finite, and a microsecond or more a request, got 0.0 s"),
        ({"window": float("nan")}, "window must be finite"),
        ({"window": float("inf")}, "window must be finite"),
        ({"name": ""}, "name must be printable ASCII"),
        ({"name": 'a"'}, "name must be printable ASCII without quotes"),
        ({"name": "ä"}, "name must be printable ASCII"),
    ],
)
def test_what_cannot_work_is_told_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        RateLimiter(**options)
    with pytest.raises(TypeError, match="one limiter or more"):
        rate_limited()


# ------------------------------------------------------------------------------------------------ callers


def test_each_user_has_a_limit(serving, buckets):
    with serving(server_of(limited(RateLimiter(buckets, limit=1)))) as url:
        users = ["joe", "ann", "joe", None]
        answers = [ask(url, headers=bearer(user) if user else {}) for user in users]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 200]


def test_the_unknown_are_told_apart_by_address(serving):
    with serving(server_of(limited(RateLimiter(limit=1)), xheaders=True)) as url:
        addresses = ["192.0.2.1", "192.0.2.2", "192.0.2.1", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"]
        answers = [ask(url, headers={"X-Forwarded-For": address}) for address in addresses]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 200, 429, 200]


def test_callers_are_told_apart_as_one_says_and_some_have_no_limit(serving):
    limiter = RateLimiter(limit=1, key=lambda handler: handler.get_argument("shop", None))
    with serving(server_of(limited(limiter))) as url:
        answers = [ask(url, params={"shop": shop}) for shop in ("a", "b", "a", None, None)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 200, 200]
    assert "RateLimit" not in answers[4].headers


def test_above_and_below_a_decorator_that_asks_who_calls(serving):
    class Fruits(RestHandler):
        @rate_limited(RateLimiter(limit=1))
        @authenticated
        def get(self):
            """Also counts who is refused."""

        @authenticated
        @rate_limited(RateLimiter(limit=1))
        def post(self):
            """Does not."""

    with serving(server_of(Fruits)) as url:
        assert [ask(url).status_code for _ in range(2)] == [403, 429]
        assert [ask(url, "POST").status_code for _ in range(2)] == [403, 403]
        assert [ask(url, "POST", headers=bearer("joe")).status_code for _ in range(2)] == [200, 429]


# ------------------------------------------------------------------------------------------------ stores that fail


class Broken:
    def __init__(self):
        self.asked = 0

    async def pour(self, key, cost, size):
        self.asked += 1
        raise ConnectionError("?token=s3cr3t")


def test_requests_pass_when_the_store_cannot_be_asked_and_it_is_logged_once_a_while(serving, caplog):
    clock, broken = FakeClock(), Broken()
    with serving(server_of(limited(RateLimiter(broken, limit=1, clock=clock)))) as url:
        answers = [ask(url) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        assert "RateLimit" not in answers[0].headers
        assert (broken.asked, caplog.text.count("rate limits cannot be checked")) == (1, 1)
        clock.sleep(5)
        assert ask(url).status_code == 200
    assert (broken.asked, caplog.text.count("rate limits cannot be checked")) == (2, 2)
    assert "s3cr3t" not in caplog.text


def test_no_request_passes_without_a_store_that_is_required(serving):
    with serving(server_of(limited(RateLimiter(Broken(), store_required=True)))) as url:
        answers = [ask(url), ask(url)]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert [answer.headers["Retry-After"] for answer in answers] == ["5", "5"]
    assert answers[0].json()["error"] == "rate limits cannot be checked"


def test_a_redis_that_hangs_holds_up_few_requests(serving, hanging_store, async_client, caplog):
    store = RedisRateLimitStore(async_client(hanging_store), timeout=1.5)
    with serving(server_of(limited(RateLimiter(store, clock=FakeClock())))) as url:
        begun = time.monotonic()
        assert [ask(url).status_code for _ in range(20)] == [200] * 20
        assert time.monotonic() - begun < 20
    assert caplog.text.count("rate limits cannot be checked") == 1


def test_redis_is_asked_without_holding_up_others(serving, hanging_store, async_client):
    class Other(RestHandler):
        def get(self):
            """At once."""

    server = server_of(limited(RateLimiter(RedisRateLimitStore(async_client(hanging_store), timeout=4))))
    server.add_route("/other", Other)
    with serving(server) as url, concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(ask, url)
        requests.get(f"{url}/other", timeout=10)
        assert not waiting.done()
        assert waiting.result().status_code == 200


# ------------------------------------------------------------------------------------------------ our own clients


class FruitOperations(Operations):
    @operation
    def get_fruits(self) -> Operation[dict]:
        response = yield from fetch(Request("GET", "/fruits"))
        return response.json()


class Client(SyncClient, FruitOperations):
    pass


class AsyncFruitClient(AsyncClient, FruitOperations):
    pass


def test_our_own_clients_obey(serving):
    """They wait as long as they are told to, and need no second try."""
    limiter = RateLimiter(limit=2, window=5.0)
    refused = []

    class Fruits(limited(limiter)):
        def on_finish(self):
            super().on_finish()
            if self.get_status() == 429:
                refused.append(self.request.headers.get("User-Agent"))

    async def ask_async(url):
        async with AsyncFruitClient(url, FruitOperations()) as client:
            return await client.get_fruits()

    with serving(server_of(Fruits)) as url:
        with Client(url, FruitOperations()) as client:
            assert [client.get_fruits()["count"] for _ in range(3)] == [1, 2, 3]
        assert asyncio.run(ask_async(url)) == {"count": 4}
    assert 1 <= len(refused) <= 2


def test_a_client_that_is_told_to_wait_too_long_gives_up_at_once(serving):
    with serving(server_of(limited(RateLimiter(limit=1, window=600.0)))) as url:
        policy = retry(attempts=3, retry_after_max=300.0)
        with Client(url, FruitOperations(), policy=policy) as client:
            client.get_fruits()
            with pytest.raises(requests.HTTPError) as raised:
                client.get_fruits()
    assert raised.value.response.status_code == 429

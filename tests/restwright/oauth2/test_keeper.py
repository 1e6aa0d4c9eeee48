from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.timing import PATIENCE

from restwright import Request, Response
from restwright.drivers import run, run_async
from restwright.errors import (
    DeadlineExceeded,
    LoginError,
    LoginExpired,
    LoginRequired,
    NotConnected,
    TokenStoreError,
)
from restwright.oauth2 import FileStore, MemoryStore, TokenKeeper, TokenSet
from restwright.testing import FakeClock

EXPIRED = TokenSet("old", expires_at=0.0, refresh_token="r0")


class Source:
    """How tokens are renewed and obtained; counts both."""

    def __init__(self, *outcomes, seconds=0.0):
        self.outcomes = list(outcomes)
        self.seconds = seconds
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.calls = []
        self.busy = self.busiest = 0

    def renew(self, tokens):
        return self._plan(tokens)

    def obtain(self):
        return self._plan(None)

    def _plan(self, tokens):
        self.calls.append(tokens)
        response = yield Request("POST", "/token")
        assert response.status_code == 200
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(outcome, Exception):
            raise outcome
        number = len(self.calls)
        return outcome or TokenSet(f"new{number}", expires_at=1e10, refresh_token=f"r{number}")

    def send(self, request):
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        time.sleep(self.seconds)
        assert self.may_answer.wait(PATIENCE)
        self.busy -= 1
        return Response(200)


def keeper_of(source, tokens=None, *, obtain=False, **settings):
    settings.setdefault("store", MemoryStore(tokens))
    return TokenKeeper(source.send, renew=source.renew, obtain=source.obtain if obtain else None, **settings)


def send(request):
    raise AssertionError(request)


def ask(keeper, **arguments):
    return run(send, keeper.tokens(**arguments))


def test_a_token_that_counts_is_handed_out_without_any_waiting():
    keeper = keeper_of(Source(), TokenSet("good", expires_at=1e10))
    assert ask(keeper).access_token == "good"
    with pytest.raises(StopIteration) as stop:  # from now on the plan asks for nothing
        next(keeper.tokens())
    assert stop.value.value.access_token == "good"


def test_an_expired_token_is_renewed_and_saved():
    source = Source()
    keeper = keeper_of(source, EXPIRED)
    assert ask(keeper).access_token == "new1"
    assert keeper.store.load().refresh_token == "r1"
    assert source.calls == [EXPIRED]
    assert ask(keeper).access_token == "new1"
    assert len(source.calls) == 1


def test_a_token_is_renewed_before_it_expires():
    clock, source = FakeClock(1000.0), Source()
    keeper = keeper_of(source, TokenSet("good", expires_at=1100.0, refresh_token="r"), leeway=30.0, clock=clock)
    assert ask(keeper).access_token == "good"
    clock.now = 1069.9
    assert ask(keeper).access_token == "good"
    clock.now = 1070.0
    assert ask(keeper).access_token == "new1"


def test_a_token_that_expires_at_once_is_handed_out_once():
    """However short its life or wrong the clock: nobody asks in a loop."""
    source = Source(*[TokenSet(f"brief{number}", expires_at=0.0, refresh_token="r") for number in range(3)])
    keeper = keeper_of(source, EXPIRED)
    assert [ask(keeper).access_token for _ in range(3)] == ["brief0", "brief1", "brief2"]


def test_a_refused_token_is_renewed_though_it_has_not_expired():
    refused = TokenSet("good", expires_at=1e10, refresh_token="r")
    source = Source()
    keeper = keeper_of(source, refused)
    assert ask(keeper).access_token == "good"
    assert ask(keeper, refused=refused).access_token == "new1"
    assert ask(keeper, refused=refused).access_token == "new1"  # it was renewed since
    assert len(source.calls) == 1


def test_what_another_process_has_renewed_is_found_in_the_store():
    refused = TokenSet("good", expires_at=1e10, refresh_token="r")
    source = Source()
    keeper = keeper_of(source, refused)
    assert ask(keeper) == refused
    keeper.store.save(TokenSet("by another", expires_at=1e10, refresh_token="r9"))
    assert ask(keeper, refused=refused).access_token == "by another"
    assert source.calls == []


def test_who_joins_a_look_into_the_store_with_a_refused_token_gets_another_one():
    refused = TokenSet("good", expires_at=1e10, refresh_token="r")
    looked = threading.Event()

    class Slow(MemoryStore):
        def load(self):
            tokens = super().load()
            looked.set()
            time.sleep(0.1)
            return tokens

    keeper = keeper_of(Source(), store=Slow(refused))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask, keeper)
        looked.wait(60)
        second = pool.submit(ask, keeper, refused=refused)
        assert first.result() == refused
        assert second.result().access_token == "new1"


def test_without_tokens_a_person_is_needed():
    with pytest.raises(LoginRequired, match="there is no token: log in first"):
        ask(keeper_of(Source()))
    with pytest.raises(LoginRequired, match="counts no more, and there is no refresh token: log in again"):
        ask(keeper_of(Source(), TokenSet("old", expires_at=0.0)))
    with pytest.raises(LoginRequired):
        ask(TokenKeeper(send, store=MemoryStore(EXPIRED)))


def test_a_service_obtains_tokens_where_there_are_none():
    source = Source()
    keeper = keeper_of(source, obtain=True)
    assert ask(keeper).access_token == "new1"
    assert source.calls == [None]


def test_a_service_whose_refresh_token_counts_no_more_obtains_new_ones():
    source = Source(LoginExpired("no", error="invalid_grant"))
    keeper = keeper_of(source, EXPIRED, obtain=True)
    assert ask(keeper).access_token == "new2"
    assert source.calls == [EXPIRED, None]


def test_a_dead_refresh_token_is_tried_once_and_a_new_login_helps():
    source = Source(LoginExpired("it was used", error="invalid_grant"))
    keeper = keeper_of(source, EXPIRED)
    with pytest.raises(LoginExpired, match="it was used"):
        ask(keeper)
    with pytest.raises(LoginExpired, match="the refresh token counts no more: log in again"):
        ask(keeper)
    assert len(source.calls) == 1
    keeper.store.save(TokenSet("by another", expires_at=1e10))
    assert ask(keeper).access_token == "by another"


@pytest.mark.parametrize("failure", [NotConnected("away"), LoginError("500", error="server_error"), LoginExpired("no")])
def test_a_token_that_still_counts_is_used_when_it_cannot_be_renewed(failure, caplog):
    clock = FakeClock(90.0)
    tokens = TokenSet("good", expires_at=100.0, refresh_token="r")
    source = Source(failure)
    keeper = keeper_of(source, tokens, leeway=30.0, clock=clock)
    assert ask(keeper) == tokens
    assert "a token that is about to expire could not be renewed" in caplog.text
    assert len(source.calls) == 1


def test_a_token_that_was_refused_is_not_used_when_it_cannot_be_renewed():
    tokens = TokenSet("good", expires_at=1e10, refresh_token="r")
    keeper = keeper_of(Source(NotConnected("away")), tokens)
    with pytest.raises(NotConnected):
        ask(keeper, refused=tokens)


def test_a_failure_is_not_remembered():
    keeper = keeper_of(Source(NotConnected("away")), EXPIRED)
    with pytest.raises(NotConnected, match="away"):
        ask(keeper)
    assert ask(keeper).access_token == "new2"


def test_what_the_store_does_not_take_is_good_in_memory_and_saved_later(caplog):
    class Full(MemoryStore):
        full = True

        def save(self, tokens):
            if self.full:
                raise TokenStoreError("the disk is full")
            super().save(tokens)

    store, source, clock = (
        Full(EXPIRED),
        Source(TokenSet("new1", expires_at=100.0, refresh_token="r1")),
        FakeClock(50.0),
    )
    keeper = keeper_of(source, store=store, clock=clock, leeway=0.0)
    assert ask(keeper).access_token == "new1"
    assert "renewed tokens are kept in memory only: the disk is full" in caplog.text
    store.full = False
    clock.now = 200.0
    assert ask(keeper).access_token == "new2"
    assert source.calls[1].refresh_token == "r1"  # not the used one, which the store still has
    assert store.load().access_token == "new2"


def test_a_login_that_the_store_does_not_take_is_told_and_good_in_memory():
    class Full(MemoryStore):
        def save(self, tokens):
            raise TokenStoreError("the disk is full")

    keeper = keeper_of(Source(), store=Full())
    with pytest.raises(TokenStoreError, match="the disk is full"):
        run(send, keeper.keep(TokenSet("mine")))
    assert ask(keeper).access_token == "mine"


def test_a_broken_store_is_named_or_replaced(tmp_path, caplog):
    path = tmp_path / "tokens.json"
    path.write_text("garbage")
    with pytest.raises(TokenStoreError, match=r"tokens\.json holds no tokens"):
        ask(keeper_of(Source(), store=FileStore(path)))
    assert ask(keeper_of(Source(), store=FileStore(path), obtain=True)).access_token == "new1"
    assert "new ones take their place" in caplog.text
    assert FileStore(path).load().access_token == "new1"


def test_keep_takes_over_and_forget_gives_back(tmp_path):
    keeper = keeper_of(Source(), store=FileStore(tmp_path / "tokens.json"))
    assert run(send, keeper.kept()) is None
    run(send, keeper.keep(TokenSet("mine")))
    assert ask(keeper).access_token == "mine"
    assert run(send, keeper.kept()) == TokenSet("mine")
    assert run(send, keeper.forget()) == TokenSet("mine")
    assert run(send, keeper.forget()) is None
    with pytest.raises(LoginRequired):
        ask(keeper)


def test_forget_removes_what_cannot_be_read(tmp_path):
    path = tmp_path / "tokens.json"
    path.write_text("garbage")
    assert run(send, keeper_of(Source(), store=FileStore(path)).forget()) is None
    assert not path.exists()


def test_fifty_threads_and_a_thousand_tasks_cause_one_renewal():
    source = Source(seconds=0.1)
    keeper = keeper_of(source, EXPIRED)

    async def main():
        return await asyncio.gather(*(run_async(send, keeper.tokens()) for _ in range(1000)))

    with ThreadPoolExecutor(51) as pool:
        threads = [pool.submit(ask, keeper) for _ in range(50)]
        tasks = pool.submit(asyncio.run, main())
        got = {future.result().access_token for future in threads} | {each.access_token for each in tasks.result()}
    assert got == {"new1"}
    assert len(source.calls) == source.busiest == 1


def test_two_keepers_of_one_store_renew_once():
    source, store = Source(seconds=0.05), MemoryStore(EXPIRED)
    keepers = [keeper_of(source, store=store) for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        assert {tokens.access_token for tokens in pool.map(ask, keepers)} == {"new1"}
    assert len(source.calls) == 1


def test_a_caller_that_is_cancelled_loses_no_refresh_token():
    """The provider may have replaced it already: the answer is waited for, and saved."""
    source = Source()
    source.may_answer.clear()
    keeper = keeper_of(source, EXPIRED)

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(run_async(send, keeper.tokens()), 0.02)

    asyncio.run(main())
    source.may_answer.set()
    assert ask(keeper).access_token == "new1"
    assert keeper.store.load().refresh_token == "r1"
    assert len(source.calls) == 1


def test_who_has_no_time_to_wait_gets_an_error():
    source = Source()
    source.may_answer.clear()
    keeper = keeper_of(source, EXPIRED)
    with pytest.raises(DeadlineExceeded, match="the renewal of a token takes longer than"):
        ask(keeper, until=time.monotonic() + 0.02)
    source.may_answer.set()
    assert ask(keeper).access_token == "new1"


def test_a_lock_that_is_not_to_be_had_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("restwright.oauth2.keeper._LOCKED", 0.05)
    store = FileStore(tmp_path / "tokens.json")
    store.save(EXPIRED)
    with store.lock(1), pytest.raises(TokenStoreError, match="has been locked by another process for more than"):
        ask(keeper_of(Source(), store=FileStore(store.path)))


def test_its_repr_shows_no_secret():
    assert "canary" not in repr(keeper_of(Source(), TokenSet("canary", refresh_token="canary")))


def test_a_provider_that_issues_the_same_access_token_anew_is_asked_once_for_each_refusal():
    same = TokenSet("same", expires_at=1e10, issued_at=1.0)
    again = TokenSet("same", expires_at=1e10, issued_at=2.0)
    source = Source(again)
    keeper = keeper_of(source, same, obtain=True)
    assert run(source.send, keeper.tokens(refused=same)) == again
    assert len(source.calls) == 1

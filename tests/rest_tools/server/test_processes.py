"""Several workers at one port, and the supervisor that keeps them."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from pathlib import Path

import pytest
import requests
from benchmarks.load import Load

COUNT = 3
SIMPLE = f"""
server_of().run("127.0.0.1", 0, processes={COUNT}, drain=5)
print("returned")
"""


def get(one, path="/who"):
    return requests.get(one.url + path, timeout=10)


def children(one):
    """The process ids of its workers."""
    return set(map(int, Path(f"/proc/{one.process.pid}/task/{one.process.pid}/children").read_text().split()))


def seen(one, count=COUNT):
    """The workers that answer, as soon as there are so many."""
    pids = set()

    def see():
        pids.add(get(one).json()["pid"])
        return len(pids) == count

    one.until(see)
    return pids


def is_there(pid):
    return Path(f"/proc/{pid}").exists()


# ------------------------------------------------------------------------------------------------ workers


def test_all_workers_answer_and_the_supervisor_does_not(program):
    with program(SIMPLE) as one:
        assert seen(one) == children(one)
        one.process.terminate()
        assert one.ends() == 0
        assert one.log.endswith("returned\n")


def test_without_a_number_there_is_one_for_each_processor(program):
    count = len(os.sched_getaffinity(0))
    for number in (0, None):
        with program(f'server_of().run("127.0.0.1", 0, processes={number})') as one:
            assert seen(one, count) == children(one)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("whole_group", [False, True])
def test_a_signal_under_load_fails_no_request(program, number, whole_group):
    """A terminal, and systemd by default, send the signal to the workers as well."""
    with program(SIMPLE) as one, Load(one.port, "/who/0.002", kept=8, fresh=4, leave=True) as load:
        one.until(lambda: len(load.seconds) > 500)
        (os.killpg if whole_group else os.kill)(one.process.pid, number)
        load.join()
        assert one.ends() == 0
    assert load.failures == []
    assert set(load.statuses) == {200}
    assert "ended" not in one.log


def test_a_rolling_restart_under_load_fails_no_request(program):
    with program(SIMPLE) as one, Load(one.port, "/who/0.002", kept=6, fresh=6) as load:
        before = seen(one)
        for _ in range(3):
            one.process.send_signal(signal.SIGHUP)
            one.until(lambda old=before: children(one).isdisjoint(old) and len(children(one)) == COUNT)
            before = children(one)
        one.until(lambda: len(load.seconds) > 2000)
    assert load.failures == []
    assert load.refused == 0
    assert set(load.statuses) == {200}
    assert "ended" not in one.log


def test_a_rolling_restart_is_not_told_to_a_load_balancer(program):
    with program(SIMPLE) as one:
        before = seen(one)
        statuses = set()
        one.process.send_signal(signal.SIGHUP)
        with requests.Session() as session:  # its worker makes way
            while children(one) & before:
                statuses.add(session.get(f"{one.url}/health/ready", timeout=30).status_code)
        assert statuses == {200}


def test_one_that_dies_is_replaced(program):
    with program(SIMPLE) as one:
        victim, *others = seen(one)
        os.kill(victim, signal.SIGKILL)
        one.until(lambda: not is_there(victim) and len(children(one)) == COUNT)
        assert set(others) < children(one) == seen(one)
        assert f"worker {victim} ended by signal 9" in one.log
        os.kill(others[0], signal.SIGTERM)  # it drains, and is missed all the same
        one.until(lambda: not is_there(others[0]) and len(children(one)) == COUNT)


def test_a_second_signal_ends_all_at_once(program):
    with program(SIMPLE) as one, socket.create_connection(("127.0.0.1", one.port), 30) as client:
        seen(one)
        client.sendall(b"GET /who/60 HTTP/1.1\r\nHost: x\r\n\r\n")
        one.until(lambda: "asked" in one.log)
        begun = time.monotonic()
        one.process.terminate()
        one.until(lambda: not one.is_listening)
        one.process.terminate()
        assert one.ends() == 0
        assert time.monotonic() - begun < 40
        assert client.recv(1000) == b""


def test_what_was_printed_before_is_not_printed_again(program):
    with program('print("once")\n' + SIMPLE) as one:
        seen(one)
        one.process.terminate()
        assert one.ends() == 0
        assert one.log.count("once") == 1


# ------------------------------------------------------------------------------------------------ those that fail


def test_those_that_die_at_their_start_end_it_after_some_attempts(program):
    source = """
    @contextlib.asynccontextmanager
    async def lifespan(server):
        raise OSError("no database")
        yield

    server_of().run("127.0.0.1", 0, processes=2, lifespan=lifespan)
    """
    begun = time.monotonic()
    with program(source) as one:
        assert one.ends() == 1
    assert 1 < time.monotonic() - begun < 50
    assert 5 <= one.log.count("OSError: no database") <= 10
    last = one.log.strip().splitlines()[-1]
    assert re.fullmatch(
        r"RuntimeError: worker \d+ ended with status 1 soon after its start, as 4 before it: see their log", last
    )


def test_successors_that_fail_leave_the_others_as_they_are(program):
    source = """
    @contextlib.asynccontextmanager
    async def lifespan(server):
        if Path("broken").exists():
            raise OSError("no database")
        yield

    server_of().run("127.0.0.1", 0, processes=2, lifespan=lifespan)
    """
    with program(source) as one:
        before = seen(one, 2)
        broken = Path(f"/proc/{one.process.pid}/cwd").readlink() / "broken"
        broken.touch()
        one.process.send_signal(signal.SIGHUP)
        one.until(lambda: "so the others stay as they are" in one.log)
        time.sleep(0.3)
        assert children(one) == before
        broken.unlink()
        one.process.send_signal(signal.SIGHUP)
        one.until(lambda: children(one).isdisjoint(before) and len(children(one)) == 2)


def test_those_that_hang_are_killed(program):
    source = """
    from rest_tools.server import processes
    processes._START = 4
    processes._GRACE = 0.5

    class Hang(RestHandler):
        def get(self):
            print("hangs", flush=True)
            time.sleep(60)

    @contextlib.asynccontextmanager
    async def lifespan(server):
        server.add_route("/hang", Hang)
        if Path("broken").exists():
            time.sleep(60)
        yield

    server_of().run("127.0.0.1", 0, processes=2, drain=0, lifespan=lifespan)
    """
    with program(source) as one:
        before = seen(one, 2)
        broken = Path(f"/proc/{one.process.pid}/cwd").readlink() / "broken"
        broken.touch()
        one.process.send_signal(signal.SIGHUP)
        one.until(lambda: "so the others stay as they are" in one.log)
        assert children(one) == before
        with socket.create_connection(("127.0.0.1", one.port), 30) as client:
            client.sendall(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
            one.until(lambda: "hangs" in one.log)
            begun = time.monotonic()
            one.process.terminate()
            assert one.ends() == 0
            assert time.monotonic() - begun < 30
        assert one.log.count("takes too long and is killed") == 2


def test_workers_stop_when_their_supervisor_is_gone(program, tmp_path):
    with program(SIMPLE) as one:
        workers = seen(one)
        with socket.create_connection(("127.0.0.1", one.port), 30) as client:
            client.sendall(b"GET /who/1 HTTP/1.1\r\nHost: x\r\n\r\n")
            one.until(lambda: "asked" in one.log)
            one.process.kill()
            assert client.recv(1000).startswith(b"HTTP/1.1 200")  # what was asked is answered
        one.until(lambda: not any(map(is_there, workers)))
        assert one.log.count("for its supervisor is gone") == COUNT
        assert not list(tmp_path.glob("rest-server-*"))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", one.port), 5)


# ------------------------------------------------------------------------------------------------ metrics


def counted(one, path="/who"):
    line = rf'http_server_requests_total{{method="GET",route="{path}",status="200"}} (\S+)'
    found = re.search(line, get(one, "/metrics").text)
    return float(found[1]) if found else 0.0


def test_metrics_tell_of_all_workers_also_of_those_that_are_gone(program):
    with program(SIMPLE) as one:
        asked = 0

        def ask(times):
            nonlocal asked
            asked += times
            pids = {get(one).json()["pid"] for _ in range(times)}
            while len(pids) < COUNT:  # chance has its say
                pids.add(get(one).json()["pid"])
                asked += 1
            one.until(lambda: counted(one) == asked)
            return pids

        assert len(ask(60)) == COUNT
        victim = children(one).pop()
        os.kill(victim, signal.SIGKILL)
        one.until(lambda: not is_there(victim) and len(children(one)) == COUNT)
        assert counted(one) == asked
        ask(30)
        before = children(one)
        one.process.send_signal(signal.SIGHUP)
        one.until(lambda: children(one).isdisjoint(before) and len(children(one)) == COUNT)
        assert counted(one) == asked
        ask(30)
        text = get(one, "/metrics").text
        assert f'http_server_request_duration_seconds_count{{method="GET",route="/who"}} {asked}.0' in text
        assert 'http_server_requests_in_progress{route="/who"} 0.0' in text


def test_metrics_that_are_added_in_a_lifespan_are_shared_too(program):
    source = """
    @contextlib.asynccontextmanager
    async def lifespan(server):
        server.add_route("/who", Who)
        server.add_standard_routes()
        yield

    RestServer().run("127.0.0.1", 0, processes=3, lifespan=lifespan)
    """
    with program(source) as one:
        seen(one)
        asked = int(counted(one))
        pids = {get(one).json()["pid"] for _ in range(60)}
        one.until(lambda: len(pids) == COUNT or pids.add(get(one).json()["pid"]))
        one.until(lambda: counted(one) >= asked + 60)


def test_what_is_counted_never_goes_back_while_workers_come_and_go(program):
    with program(SIMPLE) as one, Load(one.port, "/who", kept=2, fresh=2, pause=0.002):
        seen(one)
        counts = [0.0]
        while (number := len(counts)) <= 60 or counts[-1] <= 100:
            counts.append(counted(one))
            if number % 20 == 5:
                os.kill(children(one).pop(), signal.SIGKILL)
            if number % 20 == 15:
                one.process.send_signal(signal.SIGHUP)
            time.sleep(0.02)
    assert counts == sorted(counts)
    assert counts[-1] > 100


def test_the_folder_of_the_metrics_is_removed(program, tmp_path):
    with program(SIMPLE) as one:
        seen(one)
        get(one, "/metrics")
        assert list(tmp_path.glob("rest-server-*/worker-*.json"))
        one.process.terminate()
        assert one.ends() == 0
    assert not list(tmp_path.glob("rest-server-*"))

"""What the database promises: nothing that was answered is lost, nothing is half done, nobody is kept waiting."""

from __future__ import annotations

import contextlib
import itertools
import json
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import requests

from restwright.sandbox.keystone import keystone_service


@pytest.fixture(params=["sqlite", "postgresql"])
def lasting(request, tmp_path, new_database):
    """URL of a database that outlives its service."""
    return f"sqlite:///{tmp_path / 'keystone.db'}" if request.param == "sqlite" else new_database()


def test_records_and_sessions_survive_a_restart(lasting, log_in):
    with keystone_service(database=lasting, sample=False) as first:
        staff = log_in(first)
        made = staff.make("allocations/clusters/", name="c")
        port, token = int(first.url.rpartition(":")[2]), first.token(first.settings.staff)
    with keystone_service(database=lasting, sample=False, port=port) as second:
        assert staff.get(f"allocations/clusters/{made['id']}/").json() == made
        assert second.token(second.settings.staff) == token
        logged = staff.get("logs/requests/", method="POST", endpoint="/allocations/clusters/").json()["results"]
        assert [one["response_code"] for one in logged] == [201]


def test_tokens_survive_a_restart_and_so_does_the_blacklist(lasting, log_in):
    with keystone_service(era="jwt", database=lasting, sample=False) as first:
        api = log_in(first, "nobody")
        body = {"username": "admin", "password": "admin-secret"}
        kept, ended = (api.post("authentication/new/", body).json() for _ in range(2))
        api.post("authentication/blacklist/", {"refresh": ended["refresh"]})
        port = int(first.url.rpartition(":")[2])
    with keystone_service(era="jwt", database=lasting, sample=False, port=port):
        assert api.post("authentication/refresh/", {"refresh": kept["refresh"]}).status_code == 200
        assert api.post("authentication/refresh/", {"refresh": ended["refresh"]}).status_code == 401


def test_the_database_of_another_era_is_refused(lasting):
    keystone_service(database=lasting, sample=False).close()
    with pytest.raises(ValueError, match="the database has a keystone of the variant 'session', not 'jwt'"):
        keystone_service(era="jwt", database=lasting)


def test_the_sample_is_written_once(lasting, log_in):
    with keystone_service(database=lasting) as first:
        assert log_in(first).delete("allocations/allocations/1/").status_code == 204
    with keystone_service(database=lasting) as second:
        staff = log_in(second)
        assert staff.get("allocations/allocations/").json()["count"] == 1999
        cluster = staff.make("allocations/clusters/", name="c")["id"]
        assert staff.make("allocations/allocations/", requested=1, cluster=cluster, request=1)["id"] == 2001


def command(database):
    line = ["-m", "restwright.sandbox", "keystone", "--port", "0", "--json", "--no-sample", "--database", database]
    return subprocess.Popen([sys.executable, *line], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def test_a_killed_service_has_lost_nothing_that_it_answered(lasting, log_in):
    answered: list[str] = []
    with command(lasting) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]

        def write(worker: int) -> None:
            with requests.Session() as session, contextlib.suppress(requests.ConnectionError):
                session.post(
                    f"{url}/authentication/login/", json={"username": "admin", "password": "admin-secret"}, timeout=10
                )
                headers = {"X-CSRFToken": session.cookies["csrftoken"]}
                for number in itertools.count():
                    name = f"w{worker}n{number}"
                    answer = session.post(
                        f"{url}/allocations/clusters/", json={"name": name}, headers=headers, timeout=10
                    )
                    assert answer.status_code == 201
                    answered.append(name)

        with ThreadPoolExecutor(3) as pool:
            writers = [pool.submit(write, worker) for worker in range(3)]
            while len(answered) < 60:
                time.sleep(0.01)
            process.kill()  # SIGKILL, in the midst of a request
            for writer in writers:
                writer.result()
    with keystone_service(database=lasting, sample=False) as keystone:
        page = log_in(keystone).get("allocations/clusters/", _limit=1000).json()["results"]
        assert set(answered) <= {one["name"] for one in page}
        assert len(page) <= len(answered) + 3
        assert all(len(one["_history"]) == 1 for one in page)  # nothing is half done
    if lasting.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(lasting.removeprefix("sqlite:///"))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_many_who_want_the_same_name_get_it_once_and_no_500(everywhere, log_in):
    token = everywhere.token(everywhere.settings.staff)
    names = [f"c{number}" for number in range(8)]
    start = threading.Barrier(6)

    def write(_: int) -> list[int]:
        start.wait(60)
        with requests.Session() as session:
            session.headers["Authorization"] = f"Token {token}"
            url = f"{everywhere.url}/allocations/clusters/"
            return [session.post(url, json={"name": name}, timeout=30).status_code for name in names]

    with ThreadPoolExecutor(6) as pool:
        codes = [code for codes in pool.map(write, range(6)) for code in codes]
    assert (codes.count(201), codes.count(400)) == (8, 40)
    assert log_in(everywhere).get("allocations/clusters/").json()["count"] == 8


def test_batches_that_cross_each_other_all_succeed(everywhere, log_in):
    """In PostgreSQL they would deadlock, if they ran at the same time."""
    staff = log_in(everywhere)
    first, second = (staff.make("allocations/clusters/", name=name)["id"] for name in ("a", "b"))
    token = everywhere.token(everywhere.settings.staff)

    def write(order: tuple[int, int]) -> list[int]:
        actions = [
            {"method": "PATCH", "path": f"/allocations/clusters/{one}/", "payload": {"description": f"of {order}"}}
            for one in order
        ]
        with requests.Session() as session:
            session.headers["Authorization"] = f"Token {token}"
            body = {"job": {"actions": actions}}
            return [session.post(f"{everywhere.url}/batch/", json=body, timeout=30).status_code for _ in range(15)]

    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(write, [(first, second), (second, first)] * 2))
    assert codes == [[200] * 15] * 4
    described = {one["description"] for one in staff.get("allocations/clusters/").json()["results"]}
    assert len(described) == 1


def test_what_deadlocks_is_done_again(new_database, log_in):
    database = new_database()
    with keystone_service(database=database, sample=False) as keystone, ThreadPoolExecutor() as pool:
        staff = log_in(keystone)
        first, second = (staff.make("allocations/clusters/", name=name)["id"] for name in ("a", "b"))
        actions = [
            {"method": "PATCH", "path": f"/allocations/clusters/{one}/", "payload": {"description": "batch"}}
            for one in (first, second)
        ]
        update = "UPDATE allocations_cluster SET description = 'other' WHERE id = %s"
        with psycopg.connect(database) as connection:
            connection.execute("SET deadlock_timeout = '1min'")  # not this one shall be ended
            connection.execute(update, [second])
            batch = pool.submit(staff.post, "batch/", {"job": {"actions": actions}})
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            with psycopg.connect(database, autocommit=True) as observer:
                while observer.execute(waiting).fetchone() == (0,):
                    time.sleep(0.01)
            connection.execute(update, [first])  # and this waits for that
        assert batch.result(40).status_code == 200
        described = [one["description"] for one in staff.get("allocations/clusters/").json()["results"]]
        assert described == ["batch", "batch"]


def test_two_services_may_share_a_database(lasting, log_in):
    with (
        keystone_service(database=lasting, sample=False) as one,
        keystone_service(database=lasting, sample=False) as other,
    ):
        clients = [log_in(service) for service in (one, other)]

        def write(number: int) -> list[int]:
            api = clients[number]
            return [api.make("allocations/clusters/", name=f"{number}-{name}")["id"] for name in range(15)]

        with ThreadPoolExecutor(2) as pool:
            made = [number for numbers in pool.map(write, range(2)) for number in numbers]
        assert sorted(made) == sorted(clients[0].ids("allocations/clusters/"))


def test_a_write_that_waits_keeps_nobody_else_waiting(new_database, log_in):
    database = new_database()
    with keystone_service(database=database, sample=False) as keystone, ThreadPoolExecutor() as pool:
        staff, other = log_in(keystone), log_in(keystone)
        path = f"allocations/clusters/{staff.make('allocations/clusters/', name='c')['id']}/"
        with psycopg.connect(database) as connection:
            connection.execute("SELECT * FROM allocations_cluster FOR UPDATE")
            waiting = pool.submit(staff.patch, path, {"description": "d"})
            for _ in range(3):
                assert other.get(path).json()["description"] is None
            assert not waiting.done()
        assert waiting.result(40).json()["description"] == "d"


def test_what_is_at_work_when_it_stops_is_answered(new_database, log_in):
    database = new_database()
    with ThreadPoolExecutor() as pool, keystone_service(database=database, sample=False) as keystone:
        staff = log_in(keystone)
        path = f"allocations/clusters/{staff.make('allocations/clusters/', name='c')['id']}/"
        with psycopg.connect(database) as connection:
            connection.execute("SELECT * FROM allocations_cluster FOR UPDATE")
            waiting = pool.submit(staff.patch, path, {"description": "d"})
            while keystone.count("allocations/clusters", method="PATCH") == 0:
                time.sleep(0.01)
            stopping = pool.submit(keystone.close)
            time.sleep(0.1)
            assert not stopping.done()
        assert waiting.result(40).json()["description"] == "d"
        stopping.result(40)


def test_lost_connections_are_made_anew(new_database, log_in):
    database = new_database()
    with keystone_service(database=database, sample=False) as keystone:
        staff = log_in(keystone)
        for number in range(3):
            with psycopg.connect(database, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            assert staff.make("allocations/clusters/", name=f"c{number}")["name"] == f"c{number}"


def test_a_password_in_the_url_is_not_shown(new_database):
    database = new_database().replace("postgres:@", "postgres:s3cr3t@")  # which it does not ask for
    with keystone_service(database=database, sample=False) as keystone:
        assert "s3cr3t" not in keystone.database
        assert keystone.database.startswith("postgresql+psycopg://postgres:***@")

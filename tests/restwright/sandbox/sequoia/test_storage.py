"""What the database promises: nothing that was answered is lost, nothing is half done."""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from restwright.sandbox.sequoia import sequoia_service


@pytest.fixture(params=["sqlite", "postgresql"])
def lasting(request, tmp_path, new_database):
    """URL of a database that outlives its service."""
    return f"sqlite:///{tmp_path / 'sequoia.db'}" if request.param == "sqlite" else new_database()


def test_resources_and_links_survive_a_restart(lasting, new_api):
    with sequoia_service(database=lasting, sample=False) as first:
        api = new_api(first)
        made = api.make("contents", *({"name": f"c{number}", "n": number} for number in range(3)))
        link = api.follow("/data/contents?continue=true&perPage=1&owner=o&sort=-n")["meta"]["continue"]
        assert first.database.startswith(lasting.partition("://")[0])
    with sequoia_service(database=lasting) as second:  # which is not empty, and gets no sample
        api = new_api(second)
        assert api.follow(link)["contents"] == [made[1]]
        assert api.names(owner="testmock") == []


def test_the_sample_is_written_once(lasting, new_api):
    with sequoia_service(database=lasting) as first:
        assert new_api(first).send("DELETE", "/data/contents/testmock:c1?owner=testmock").status_code == 204
    with sequoia_service(database=lasting) as second:
        names = new_api(second).names(owner="testmock")
        assert ("c1" in names, "c2" in names) == (False, True)


def test_a_killed_service_has_lost_nothing_that_it_answered(lasting, new_api):
    line = ["-m", "restwright.sandbox", "sequoia", "--port", "0", "--json", "--no-sample", "--no-needs-token"]
    answered: list[str] = []
    with subprocess.Popen(
        [sys.executable, *line, "--database", lasting], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["locations"]["metadata"]

        def write(worker: int) -> None:
            with requests.Session() as session, contextlib.suppress(requests.ConnectionError):
                for number in itertools.count():
                    body = {"contents": [{"name": f"w{worker}n{number}", "half": half} for half in ("a",)]}
                    assert session.post(f"{url}/data/contents?owner=o", json=body, timeout=10).status_code == 201
                    answered.append(f"w{worker}n{number}")

        with ThreadPoolExecutor(3) as pool:
            writers = [pool.submit(write, worker) for worker in range(3)]
            while len(answered) < 60:
                time.sleep(0.01)
            process.kill()  # SIGKILL, in the midst of a request
            for writer in writers:
                writer.result()
    with sequoia_service(database=lasting) as sequoia:
        api = new_api(sequoia)
        names = api.names(perPage=1000)
        assert set(answered) <= set(names)
        assert len(names) <= len(answered) + 3
        assert names == api.names(perPage=1000, withHalf="a")  # none is without its values


def test_many_who_store_the_same_store_it_once_and_those_who_read_on_miss_none(everywhere, new_api):
    start, is_over = threading.Barrier(5), threading.Event()

    def write(_: int) -> list[int]:
        api = new_api(everywhere)
        start.wait(60)
        return [api.post("contents", {"name": f"c{number}"}).status_code for number in range(15)]

    def read() -> list[str]:
        api, found = new_api(everywhere), list[str]()
        link = "/data/contents?continue=true&perPage=1&owner=o"
        start.wait(60)
        while True:
            done = is_over.is_set()
            page = api.follow(link)
            if "continue" in page["meta"]:
                link = page["meta"]["continue"]
                found += [one["name"] for one in page["contents"]]
            elif done:
                return found + [one["name"] for one in page["contents"]]

    with ThreadPoolExecutor(5) as pool:
        reader = pool.submit(read)
        codes = [code for codes in pool.map(write, range(4)) for code in codes]
        is_over.set()
        found = reader.result()
    assert (codes.count(201), codes.count(409)) == (15, 45)
    assert found == new_api(everywhere).names()


def test_of_many_who_update_the_same_version_one_does(everywhere, new_api):
    (before,) = new_api(everywhere).make("contents", {"name": "a"})
    start = threading.Barrier(5)

    def update(number: int) -> int:
        api = new_api(everywhere)
        start.wait(60)
        return api.put("o:a", {"name": "a", "number": number}, before["version"]).status_code

    with ThreadPoolExecutor(5) as pool:
        assert sorted(pool.map(update, range(5))) == [200, 412, 412, 412, 412]


def test_a_keystone_may_live_in_the_same_database(lasting, new_api):
    from restwright.sandbox.keystone import keystone_service

    with (
        sequoia_service(database=lasting, sample=False) as sequoia,
        keystone_service(database=lasting, sample=False) as keystone,
    ):
        new_api(sequoia).make("contents", {"name": "a"})
        sequoia.reset()
        assert new_api(sequoia).names() == []
        assert keystone.token(keystone.settings.staff)

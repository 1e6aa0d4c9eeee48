"""What the service does wrong when it is told to, and what it was asked."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from restwright.sandbox.keystone import keystone_service


@pytest.fixture
def version(keystone):
    def ask(**how):
        return requests.get(f"{keystone.url}/version/", **{"timeout": 30, "allow_redirects": False, **how})

    return ask


def test_an_error_comes_as_often_as_demanded_at_its_route(keystone, staff, version):
    keystone.behave("allocations/clusters", status=503, retry_after=7, times=2)
    answers = [staff.get(path) for path in ["allocations/clusters/", "allocations/clusters/1/"]]
    assert [one.status_code for one in answers] == [503, 503]
    assert answers[0].headers["Retry-After"] == "7"
    assert answers[0].json() == {"detail": "this was demanded"}
    assert (version().status_code, staff.get("allocations/clusters/").status_code) == (200, 200)
    assert keystone.count("allocations/clusters", status=503) == 2


def test_a_fault_may_be_at_all_routes_and_at_none(keystone, version):
    keystone.behave(status=502)
    assert version().status_code == 502
    assert requests.get(f"{keystone.url}/nonsense/", timeout=30).status_code == 502
    keystone.behave_well()
    assert version().status_code == 200


def test_an_answer_may_be_late_and_keeps_nobody_waiting(keystone, version):
    keystone.behave("version", delay=4.0, times=1)
    with ThreadPoolExecutor() as pool:
        begin = time.monotonic()
        late = pool.submit(version)
        while keystone.count("version") == 0:
            time.sleep(0.01)
        assert version().status_code == 200
        assert not late.done()
        assert late.result().status_code == 200
        assert time.monotonic() - begin >= 4.0


def test_connections_may_be_dropped_or_refused(keystone, version):
    keystone.behave("version", drop=True, times=1)
    with pytest.raises(requests.ConnectionError):
        version()
    assert version().status_code == 200
    keystone.behave(dead=True)
    with pytest.raises(requests.ConnectionError, match="refused"):
        version()
    keystone.behave_well()
    assert version().status_code == 200


def test_an_answer_may_be_lost_after_the_work_is_not_what_drop_does(keystone, staff):
    """The request never reaches the records: to lose an answer, kill the connection in a proxy."""
    keystone.behave("allocations/clusters", drop=True, times=1)
    with pytest.raises(requests.ConnectionError):
        staff.post("allocations/clusters/", {"name": "c"})
    assert staff.ids("allocations/clusters/") == []


@pytest.mark.parametrize(
    ("endpoint", "how", "error"),
    [
        ("nonsense", {"status": 500}, "endpoint must be one of .*allocations/clusters"),
        (None, {"status": 199}, "status must be 200 to 599"),
        (None, {"clock_skew": 5}, "there is no misbehaviour 'clock_skew', but delay, .*, dead"),
        (None, {"dead": 1}, "dead must be of type bool"),
        ("version", {"dead": True}, "endpoint and times are for faults"),
    ],
)
def test_what_cannot_be_demanded_is_told(keystone, endpoint, how, error):
    with pytest.raises((TypeError, ValueError), match=error):
        keystone.behave(endpoint, **how)


def test_it_tells_what_it_was_asked(keystone, staff):
    staff.post("allocations/clusters/", {"name": "c"}, headers={"X-KEYSTONE-CID": "mine"})
    last = keystone.requests[-1]
    assert (last.endpoint, last.method, last.target, last.status) == (
        "allocations/clusters",
        "POST",
        "/allocations/clusters/",
        201,
    )
    assert last.headers["x-keystone-cid"] == "mine"
    assert keystone.count("authentication/login", method="POST", status=200) == 1
    keystone.reset()
    assert keystone.requests == []


def test_its_routes_can_be_told(keystone, old_keystone):
    assert {"root", "version", "allocations/clusters", "authentication/login", "batch"} <= set(keystone.endpoints)
    assert {"authentication/refresh", "users/researchgroups"} <= set(old_keystone.endpoints)


def test_orders_may_come_by_http():
    with keystone_service(control=True, sample=False) as keystone:
        order = {"endpoint": "version", "status": 429, "retry_after": 3}
        assert requests.post(f"{keystone.control_url}/behave", json=order, timeout=30).status_code == 204
        assert requests.get(f"{keystone.url}/version/", timeout=30).headers["Retry-After"] == "3"
        seen = requests.get(f"{keystone.control_url}/requests", timeout=30).json()["requests"]
        assert seen == [{"endpoint": "version", "method": "GET", "grant_type": None, "status": 429}]
        assert requests.post(f"{keystone.control_url}/reset", json={}, timeout=30).status_code == 204
        assert requests.get(f"{keystone.url}/version/", timeout=30).status_code == 200


def test_a_reset_puts_everything_back(keystone, staff):
    staff.make("allocations/clusters/", name="c")
    keystone.behave(dead=True)
    keystone.reset()
    assert staff.get("authentication/whoami/").status_code == 401
    assert staff.log_in("admin", "admin-secret").ok
    assert staff.ids("allocations/clusters/") == []
    assert staff.make("allocations/clusters/", name="c")["id"] == 1


def test_a_port_in_use_is_an_os_error_and_nothing_is_left_behind(keystone):
    port = int(keystone.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        keystone_service(port=port, sample=False)


def test_it_may_be_closed_twice_and_is_gone_then():
    service = keystone_service(sample=False)
    assert repr(service) == f"<KeystoneService {service.url}>"
    service.close()
    service.close()
    with pytest.raises(requests.ConnectionError):
        requests.get(service.url, timeout=30)
    with pytest.raises(RuntimeError, match="closed"):
        service.reset()

"""The cookies of a session: of one moment, and not taken away by answers that are late."""

from __future__ import annotations

import requests

from keystone_client.cookies import SessionCookies
from keystone_client.logins import Login
from restwright.message import Headers, Request, Response
from restwright.transport import Transport

LOGIN = Request("POST", "/authentication/login/", json={})
READ = Request("GET", "/users/users/")
GONE = "sessionid=; Max-Age=0; Path=/"


def answer(*cookies, status=200):
    return Response(status, headers=Headers([("Set-Cookie", each) for each in cookies]))


def end(plan, response):
    try:
        plan.send(response)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it asked for more")


def test_a_late_answer_does_not_take_a_new_session_away():
    login = Login(Transport(requests.Session(), "http://h"), era="session")
    plan = login.marked(LOGIN)
    next(plan)
    end(plan, answer("sessionid=one; Path=/", "csrftoken=a; Path=/"))
    late = login.marked(READ)
    assert next(late).headers["Cookie"] == "sessionid=one; csrftoken=a"
    plan = login.marked(LOGIN)
    assert next(plan).headers["X-CSRFToken"] == "a"
    end(plan, answer("sessionid=two; Path=/", "csrftoken=b; Path=/"))
    end(late, answer(GONE, status=401))
    assert next(login.marked(READ)).headers["Cookie"] == "sessionid=two; csrftoken=b"
    after = login.marked(READ)
    next(after)
    end(after, answer(GONE, status=401))
    assert not login.has_session
    assert login.csrf == "b"


def test_answers_of_other_adapters_count_too():
    response = requests.Response()
    response.cookies.set("sessionid", "x")
    assert SessionCookies.of({}, 0).after(response, login=1).header == "sessionid=x"


def test_a_cookie_that_is_none_is_passed_over():
    found = SessionCookies.of({}, 0).after(answer("; ;", "a=1; Path=/", 'b="2"'), login=1)
    assert found.values == {"a": "1", "b": "2"}


def test_cookies_of_a_session_that_is_given_count():
    session = requests.Session()
    session.cookies.set("sessionid", "x")
    session.cookies.set("csrftoken", "y")
    login = Login(Transport(session, "http://h"), era="session")
    assert login.has_session
    assert login.csrf == "y"

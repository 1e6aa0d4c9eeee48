from __future__ import annotations

from restwright import Operation, Policy, Request, Response, stack
from restwright.plan import exchange
from restwright.testing import play


def named(name: str):
    def layer(request: Request, inner: Policy = exchange, /) -> Operation[Response]:
        response = yield from inner(request.but(url=f"{request.url}{name}"))
        response.headers.put("Way", f"{response.headers.get('Way', '')}{name}")
        return response

    return layer


def test_layers_are_stacked_outermost_first():
    asked: list[Request] = []
    response = play(stack(named("a"), named("b"), named("c"))(Request("GET", "/")), Response(), asked=asked)
    assert asked[0].url == "/abc"
    assert response.headers["Way"] == "cba"


def test_a_stack_of_nothing_is_the_bare_exchange():
    answer = Response()
    assert play(stack()(Request("GET", "/")), answer) is answer


def test_a_layer_alone_wraps_the_bare_exchange():
    asked: list[Request] = []
    play(named("a")(Request("GET", "/")), Response(), asked=asked)
    assert asked[0].url == "/a"

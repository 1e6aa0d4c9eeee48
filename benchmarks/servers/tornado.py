"""Bare Tornado: arguments are parsed and checked by hand, as long as that takes."""

from __future__ import annotations

import json
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.web import Application, HTTPError, RequestHandler

from benchmarks.servers.contract import FRUIT, GREETING

_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


class Plain(RequestHandler):
    def get(self) -> None:
        self.write(GREETING)


class Query(RequestHandler):
    def get(self) -> None:
        if unknown := self.request.query_arguments.keys() - FRUIT.keys():
            raise HTTPError(400, f"unknown: {', '.join(unknown)}")
        name = self._one("name")
        try:
            amount = float(self._one("amount"))
        except ValueError:
            raise HTTPError(400, "amount is no number") from None
        fresh = False
        if "fresh" in self.request.query_arguments:
            try:
                fresh = _BOOLEANS[self._one("fresh").lower()]
            except KeyError:
                raise HTTPError(400, "fresh is neither yes nor no") from None
        tags = self.get_query_arguments("tags", strip=False)
        self.write({"name": name, "amount": amount, "fresh": fresh, "tags": tags})

    def _one(self, name: str) -> str:
        values = self.get_query_arguments(name, strip=False)
        if len(values) != 1:
            raise HTTPError(400, f"{name} is needed once")
        return values[0]


class Body(RequestHandler):
    def post(self) -> None:
        try:
            given: Any = json.loads(self.request.body)
        except ValueError:
            raise HTTPError(400, "no JSON") from None
        if not isinstance(given, dict):
            raise HTTPError(400, "no object")
        if unknown := given.keys() - FRUIT.keys():
            raise HTTPError(400, f"unknown: {', '.join(unknown)}")
        if not isinstance(name := given.get("name"), str):
            raise HTTPError(400, "name is no text")
        if not isinstance(amount := given.get("amount"), int | float):
            raise HTTPError(400, "amount is no number")
        if not isinstance(fresh := given.get("fresh", False), bool):
            raise HTTPError(400, "fresh is neither yes nor no")
        if not isinstance(tags := given.get("tags", []), list):
            raise HTTPError(400, "tags is no list")
        self.write({"name": name, "amount": float(amount), "fresh": fresh, "tags": tags})


def start(port: int, *, observed: bool) -> None:
    del observed  # Tornado has a request log, and nothing else
    application = Application([("/plain", Plain), ("/arguments", Query), ("/declared", Query), ("/json", Body)])
    HTTPServer(application).listen(port, "127.0.0.1")

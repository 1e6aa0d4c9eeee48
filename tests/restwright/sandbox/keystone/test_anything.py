"""Whatever is sent, the answer is the client's fault or none."""

from __future__ import annotations

import json
import random

import pytest

VALUES = (
    *(None, True, False, 0, 1, -1, 2**31, 2**63, 2**64, -(2**63), 10**30, 1e308, 0.1),
    *("", " ", "a", "a" * 300, "\0", "\ud800", "\N{SNOWMAN}", "\N{GRINNING FACE}", "\N{ARABIC-INDIC DIGIT THREE}"),
    *("1", "1.0", "1e5", "-0", "+5", "1" * 25, "NaN", "Infinity", "10.5", "true", "%", "_", "'; --", "a\nb", "x@y.zz"),
    *("2024-01-01", "2024-13-01", "9999-12-31", "0001-01-01T00:00:00+10:00", "24:00", "AP", "@ref{a}", "@file{x}"),
    *([], [1], [1, 1], [None], ["x"], [[1]], [1] * 1000, {}, {"a": {"b": [1]}}),
)
GOOD = {"date": "2024-01-01", "decimal": "5.5"}


def good_value(chance, schema):
    """One that the field takes."""
    if "enum" in schema:
        return chance.choice(schema["enum"])
    kinds = {"integer": 1, "boolean": True, "array": [1], "string": f"v{chance.randrange(50)}"}
    return GOOD.get(schema.get("format")) or kinds.get(schema.get("type"))


def text(value):
    return str(value).encode("utf-8", "surrogatepass")


def requests_of(chance, document, count):
    """Method, path and options of requests that are more or less wrong."""
    operations = [
        (path, method) for path, item in document["paths"].items() for method in item if method != "parameters"
    ]
    for path, method in chance.choices(operations, k=count):
        operation = document["paths"][path][method]
        query = {
            one["name"]: text(chance.choice(VALUES))
            for one in operation.get("parameters", ())
            if chance.random() < 0.08
        }
        query.pop("_search", None)  # some lists cannot be searched, as in the real service
        target = path.lstrip("/").replace("{id}", chance.choice(["2", "2", "3", "0", "9" * 12, "x", "%00", "%ff"]))
        body = {name: chance.choice(VALUES) for name in ("job", "username", "password", "refresh")}
        if "requestBody" in operation:
            content = next(iter(operation["requestBody"]["content"].values()))
            schema = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
            body = {
                name: good_value(chance, one) if chance.random() < 0.7 else chance.choice(VALUES)
                for name, one in schema["properties"].items()
                if chance.random() < 0.8
            }
        how = chance.random()
        if how < 0.7:
            yield method, target, query, {"data": json.dumps(body), "headers": {"Content-Type": "application/json"}}
        else:
            form = [
                (name, text(one))
                for name, value in body.items()
                for one in (value if isinstance(value, list) else [value])
            ]
            yield method, target, query, {"data": form}


@pytest.mark.parametrize(
    ("era", "database"), [("session", "sqlite://"), ("session", "postgresql"), ("jwt", "sqlite://")]
)
def test_nothing_that_is_sent_is_too_much(services, log_in, era, database):
    staff = log_in(services(era=era, database=database))
    for name in ("a", "b"):
        staff.make("allocations/clusters/", name=name)
        staff.make("users/users/", username=name, password="correct horse")
    token = f"Token {staff.keystone.token(staff.keystone.settings.staff)}" if era == "session" else None
    staff.session.headers.update({"Authorization": token} if token else {})
    document = staff.get("openapi/json/" if era == "session" else "openapi/json").json()
    seed = random.randrange(10**6)  # of pytest-randomly, which tells its own
    for method, target, query, how in requests_of(random.Random(seed), document, 120):
        answer = staff.send(method.upper(), target, params=query, **how)
        assert answer.status_code < 500, (seed, method, target, query, how)

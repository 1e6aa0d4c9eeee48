"""The documentation page as HTTP sees it; tests/system/test_docs_page.py sees it in a browser."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import re
from importlib.resources import files
from urllib.parse import urlsplit

import pytest
import requests

from rest_tools.server import RestServer

ASSETS = files("rest_tools.server.openapi") / "assets"
PATHS = {
    "/docs/": ("text/html", "index.html"),
    "/docs/page.js": ("text/javascript", "page.js"),
    "/docs/page.css": ("text/css", "page.css"),
    "/docs/swagger-ui.css": ("text/css", "swagger-ui/swagger-ui.css"),
    "/docs/swagger-ui-bundle.js": ("text/javascript", "swagger-ui/swagger-ui-bundle.js"),
}


@pytest.fixture
def url(serving):
    server = RestServer()
    server.add_standard_routes()
    with serving(server) as url:
        yield url


def ask(url, method="GET", **headers):
    """The answer as it was sent: not followed, not unpacked."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.request(method, parts.path, headers=headers)
    with connection.getresponse() as answer:
        body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


@pytest.mark.parametrize("path", PATHS)
def test_each_asset_is_the_file_of_the_package(url, path):
    kind, file = PATHS[path]
    status, headers, body = ask(url + path)
    assert (status, headers["Content-Type"]) == (200, f"{kind}; charset=utf-8")
    assert body == (ASSETS / file).read_bytes()
    assert "Content-Encoding" not in headers
    status, headers, body = ask(url + path, "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) == len((ASSETS / file).read_bytes())


def test_the_page_asks_for_nothing_but_these_assets(url):
    asked = re.findall(r'(?:src|href)="([^"]+)"', requests.get(f"{url}/docs", timeout=30).text)
    assert set(asked) - {"data:,", "../openapi.json"} == {path.removeprefix("/docs/") for path in PATHS} - {""}


def test_without_the_slash_it_leads_to_the_page_wherever_a_proxy_has_put_it(url):
    status, headers, _ = ask(f"{url}/docs")
    assert (status, headers["Location"]) == (302, "docs/")
    assert requests.get(f"{url}/docs", timeout=30).url == f"{url}/docs/"


@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [
        ("gzip", True),
        ("br, GZip;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; Q=0.000 , br", False),
        ("gzip;q=0.001", True),
        ("identity", False),
        ("xgzip", False),
        ("", False),
    ],
)
def test_it_is_packed_for_those_who_can_unpack(url, accepted, is_packed):
    _, headers, body = ask(f"{url}/docs/swagger-ui.css", **{"Accept-Encoding": accepted})
    assert headers["Content-Encoding"] == ("gzip" if is_packed else None)
    assert headers["Vary"] == "Accept-Encoding"
    plain = (ASSETS / "swagger-ui/swagger-ui.css").read_bytes()
    assert (gzip.decompress(body) if is_packed else body) == plain
    assert not is_packed or len(body) < len(plain) / 4


@pytest.mark.parametrize("coding", ["gzip", "identity"])
def test_what_one_has_is_not_sent_again(url, coding):
    address = f"{url}/docs/swagger-ui-bundle.js"
    _, headers, _ = ask(address, **{"Accept-Encoding": coding})
    assert headers["Cache-Control"] == "private, no-cache"
    again = ask(address, **{"Accept-Encoding": coding, "If-None-Match": headers["ETag"]})
    assert (again[0], again[2], again[1]["ETag"]) == (304, b"", headers["ETag"])
    other = "identity" if coding == "gzip" else "gzip"
    assert ask(address, **{"Accept-Encoding": other, "If-None-Match": headers["ETag"]})[0] == 200


@pytest.mark.parametrize("path", ["/docs", "/docs/", "/docs/page.js", "/docs/none"])
def test_browsers_are_told_to_ask_nobody_else(url, path):
    _, headers, _ = ask(url + path)
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = dict(one.split(" ", 1) for one in headers["Content-Security-Policy"].split("; "))
    assert policy.pop("default-src") == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert set(" ".join(policy.values()).split()) == {"'self'", "'none'", "data:"}


@pytest.mark.parametrize(
    "path", ["none", "index.html", "swagger-ui/LICENSE", "../page.py", "%2e%2e/page.py", "/etc/passwd"]
)
def test_there_is_nothing_else(url, path):
    status, _, body = ask(f"{url}/docs/{path}")
    assert (status, body) == (404, b'{"code": 404, "error": "Not Found"}')


@pytest.mark.parametrize("options", [{"docs": False}, {"openapi": False}])
def test_only_where_asked_for_and_with_a_document_to_show(serving, options):
    server = RestServer()
    server.add_standard_routes(**options)
    with serving(server) as url:
        assert requests.get(f"{url}/docs", timeout=30).status_code == 404
        assert requests.get(f"{url}/openapi.json", timeout=30).status_code == (404 if "openapi" in options else 200)


def test_there_is_an_xsrf_token_where_one_is_asked_for(serving, url):
    assert not requests.get(f"{url}/docs", timeout=30).cookies
    server = RestServer(cookie_secret="5e" * 32)
    server.add_standard_routes()
    with serving(server) as guarded:
        assert list(requests.get(f"{guarded}/docs", timeout=30).cookies.keys()) == ["_xsrf"]


def test_swagger_ui_is_as_it_was_published():
    folder = ASSETS / "swagger-ui"
    sums = dict(re.findall(r"^    ([0-9a-f]{64})  (\S+)$", (folder / "README.md").read_text(), re.MULTILINE))
    assert {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in sums.values()} == {
        name: checksum for checksum, name in sums.items()
    }
    assert {file.name for file in folder.iterdir()} == {*sums.values(), "README.md"}

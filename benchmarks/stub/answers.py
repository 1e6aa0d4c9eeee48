"""What the stub answers: a root document, a record, a listing in pages, with the headers of a real Kinto.

Every record of the listing has an id of its own: a client may merge pages by id.
"""

from __future__ import annotations

import json

ROOT_PATH = "/v1/"
RECORDS_PATH = "/v1/buckets/default/collections/bench/records"
CLUSTER_PATH = "/v1/allocations/clusters/1/"
LOGIN_PATH = "/v1/authentication/login/"
PAGE_SIZE = 100
PAGES = 2000
TIMESTAMP_MS = 1700000000000
LAST_MODIFIED = "Tue, 14 Nov 2023 22:13:20 GMT"

HEADERS = {
    "ETag": f'"{TIMESTAMP_MS}"',
    "Last-Modified": LAST_MODIFIED,
    "Cache-Control": "no-cache, no-store, must-revalidate, max-age=0",
    "Expires": LAST_MODIFIED,
    "Pragma": "no-cache",
    "Access-Control-Expose-Headers": "Retry-After, Backoff, Content-Length, Alert, ETag, Next-Page",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none';",
    "X-Content-Type-Options": "nosniff",
}
CONTENT_TYPE = "application/json"

ROOT = json.dumps(
    {
        "project_name": "stub",
        "http_api_version": "1.22",
        "url": "/v1/",
        "settings": {"batch_max_requests": 25, "readonly": False},
        "capabilities": {},
    }
)

# As a Keystone answers: to a log-in, and with a cluster.
COOKIES = ("csrftoken=PdF1sbnN2t0bZJ4N0fQy8cJ3kVh9mXaL; Path=/", "sessionid=5h1x9w7z3q; Path=/")
CLUSTER = json.dumps(
    {
        "id": 1,
        "name": "cluster-1",
        "description": "Cluster for the benchmark",
        "enabled": True,
        "access_mode": "OP",
        "access_teams": [],
        "_access_teams": [],
        "_history": [],
    }
)


def record(record_id: str, last_modified_ms: int = TIMESTAMP_MS) -> dict[str, object]:
    """One record, as Kinto would hold it."""
    return {
        "name": "LATIN SMALL LETTER E WITH ACUTE",
        "category": "Ll",
        "block": "Latin-1 Supplement",
        "code": 233,
        "id": record_id,
        "last_modified": last_modified_ms,
    }


def envelope(record_id: str) -> str:
    """The body that answers a GET of one record; about 250 bytes."""
    permissions = {"write": ["basicauth:8f4e1c0a2b7d4f6f9a3b5c7d9e1f2a4b6c8d0e2f4a6b8c0d"]}
    return json.dumps({"data": record(record_id), "permissions": permissions})


def page(number: int) -> str:
    """The body of page `number` (from 0) of the listing."""
    first = number * PAGE_SIZE
    return json.dumps({"data": [record(f"r{n}", TIMESTAMP_MS - n) for n in range(first, first + PAGE_SIZE)]})


def sequoia(base_url: str) -> dict[str, str]:
    """What a Sequoia answers, by path: its registry, a token, a page of contents, one of them."""
    services = [
        {"name": name, "owner": "root", "location": f"{base_url}/sequoia", "title": name}
        for name in ("identity", "metadata")
    ]
    contents = [{"ref": f"o:r{n}", "owner": "o", **record(f"r{n}"), "name": f"r{n}"} for n in range(1, PAGE_SIZE + 1)]
    return {
        "/sequoia/services": json.dumps({"services": services}),
        "/sequoia/oauth/token": json.dumps({"access_token": "at", "token_type": "bearer", "expires_in": 86400}),
        "/sequoia/data/contents": json.dumps({"meta": {"perPage": PAGE_SIZE}, "contents": contents}),
        "/sequoia/data/contents/o:r1": json.dumps({"meta": {}, "contents": contents[:1]}),
    }


def next_page(base_url: str, number: int, pages: int) -> str:
    """The absolute URL that follows page `number`, or "" after the last."""
    if number + 1 >= pages:
        return ""
    return f"{base_url}{RECORDS_PATH}?_limit={PAGE_SIZE}&_token={number + 1}"

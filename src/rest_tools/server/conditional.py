"""Conditional requests (RFC 9110, 13): answers only where something is new, writes only where nothing is.

    class Fruit(RestHandler):
        def get(self, name):
            fruit = find(name)
            check_preconditions(self, etag=fruit.version)  # ends here with 304 if the client has it already
            self.write(fruit.data)

        def put(self, name):
            fruit = find(name)
            check_preconditions(self, etag=fruit.version, required=True)  # ends here with 412 or 428
            fruit.replace(self.json_body_arguments)
            set_validators(self, etag=fruit.version)

The check and the write are two steps: what else can write must be kept out from the one to the other, by a lock, a
transaction, or by not awaiting anything between them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any, TypeAlias

from tornado.escape import json_encode
from tornado.httputil import HTTPHeaders
from tornado.web import Finish

from rest_tools.server.handler import RestHandler
from rest_tools.server.refusal import Refusal
from restwright.headers import ETag, parse_etag, parse_etags, parse_http_date, quote_etag

__all__ = ["ETag", "check_preconditions", "content_etag", "set_validators"]

Version: TypeAlias = ETag | str | int


def content_etag(content: bytes | str | dict[str, Any], *, weak: bool = False) -> ETag:
    """An entity tag that changes with the content.

    Args:
        content: As it is written, a dict too.
        weak: Say that other content may mean the same.
    """
    text = json_encode(content) if isinstance(content, dict) else content
    return ETag(hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:32], weak)


def set_validators(
    handler: RestHandler, *, etag: Version | None = None, last_modified: datetime | float | None = None
) -> None:
    """Set `ETag` and `Last-Modified` of the answer: after a write, those of what there is now.

    Args:
        handler: Whose answer it is.
        etag: An entity tag, or a version that makes a strong one.
        last_modified: Seconds since the epoch or a datetime; one without a zone is in UTC.

    Raises:
        ValueError: The version has characters that no entity tag can hold.
    """
    if etag is not None:
        handler.set_header("ETag", str(_tag(etag)))
    if last_modified is not None:
        handler.set_header("Last-Modified", formatdate(_seconds(last_modified), usegmt=True))


def check_preconditions(
    handler: RestHandler,
    *,
    etag: Version | None = None,
    last_modified: datetime | float | None = None,
    exists: bool = True,
    required: bool = False,
) -> None:
    """Go on only if the request's preconditions hold; set the validators of an answer to GET or HEAD.

    It belongs where the request would succeed otherwise: after what answers 403 or 404, before the work.  Without an
    `etag`, Tornado's own (of the content) is in the answer to GET; no write can be made conditional by that one.

    Args:
        handler: Whose request it is.
        etag: Of what there is now: an entity tag, or a version that makes a strong one.
        last_modified: Of what there is now: seconds since the epoch or a datetime; one without a zone is in UTC.
        exists: False if there is nothing yet, as before a PUT that creates: `If-None-Match: *` holds then.
        required: Refuse a write without a precondition (RFC 6585, 3).

    Raises:
        tornado.web.Finish: 304, the client has it already.
        Refusal: 412, a precondition does not hold; 428, there is none; 400, one that nobody can read.
        ValueError: The version has characters that no entity tag can hold.
    """
    headers, is_read = handler.request.headers, handler.request.method in {"GET", "HEAD"}
    if is_read:
        set_validators(handler, etag=etag, last_modified=last_modified)
    now = _Present(
        etag=None if etag is None else _tag(etag),
        modified=None if last_modified is None else int(_seconds(last_modified)),  # HTTP dates have no fractions
        exists=exists,
    )
    # In the order of 13.2.2.
    is_conditional = _check_unchanged(headers, now)
    is_known = _is_known(headers, now, is_read=is_read)
    if is_known and is_read:
        handler.set_status(304)
        raise Finish
    if is_known:
        raise Refusal(412, "precondition failed: If-None-Match")
    # A list in If-None-Match says what the client does not have; that protects nothing.
    is_conditional = is_conditional or headers.get("If-None-Match", "").strip() == "*"
    if required and not (is_read or is_conditional):
        raise Refusal(428, "this request has to be conditional: send If-Match, or If-None-Match: *")


@dataclass(frozen=True)
class _Present:
    etag: ETag | None
    modified: int | None
    exists: bool


def _check_unchanged(headers: HTTPHeaders, now: _Present) -> bool:
    """Steps 1 and 2; whether there was such a precondition."""
    if "If-Match" in headers:
        tags = _tags(headers, "If-Match")
        if not (now.exists if tags is None else now.etag and any(map(now.etag.matches_strongly, tags))):
            raise Refusal(412, "precondition failed: If-Match")
        return True
    since = _date(headers, "If-Unmodified-Since")
    if since is None or now.modified is None:
        return False
    if now.modified > since:
        raise Refusal(412, "precondition failed: If-Unmodified-Since")
    return True


def _is_known(headers: HTTPHeaders, now: _Present, *, is_read: bool) -> bool:
    """Steps 3 and 4: whether the client has what there is now."""
    if "If-None-Match" in headers:
        tags = _tags(headers, "If-None-Match")
        return now.exists if tags is None else now.etag is not None and any(map(now.etag.matches_weakly, tags))
    since = _date(headers, "If-Modified-Since") if is_read else None
    return since is not None and now.modified is not None and now.modified <= since


def _tag(version: Version) -> ETag:
    tag = version if isinstance(version, ETag) else parse_etag(quote_etag(str(version)))
    assert tag is not None
    return tag


def _seconds(moment: datetime | float) -> float:
    if not isinstance(moment, datetime):
        return moment
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _tags(headers: HTTPHeaders, name: str) -> list[ETag] | None:
    """None for `*`."""
    if headers[name].strip(" \t") == "*":
        return None
    tags = parse_etags(headers[name])
    if tags is None:
        raise Refusal(400, f"{name} must be * or a list of entity tags in quotes")
    return tags


def _date(headers: HTTPHeaders, name: str) -> float | None:
    """None also for what is no date: that counts as not sent (13.1.3, 13.1.4)."""
    return parse_http_date(headers.get(name, "").strip(" \t"))

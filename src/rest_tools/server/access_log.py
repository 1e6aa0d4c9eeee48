"""The access log for machines: one JSON object a line."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from tornado.web import RequestHandler

from rest_tools.server.correlation import correlation_id
from rest_tools.server.redaction import logged_uri, printable
from rest_tools.server.routes import route_of

__all__ = ["json_logger"]

_log = logging.getLogger("rest_tools.access")


def json_logger(handler: RequestHandler) -> None:
    """Log the end of a request to `rest_tools.access`: as error, warning or info, by its status.

    The message is a JSON object in ASCII, without line breaks: `time` (UTC, when the answer was given), `status`,
    `method`, `uri` (without the values of secret parameters), `route` (its pattern, or null), `ip`, `milliseconds`
    and `correlation_id`.
    """
    status = handler.get_status()
    level = logging.INFO if status < 400 else logging.WARNING if status < 500 else logging.ERROR
    if not _log.isEnabledFor(level):
        return
    request = handler.request
    entry = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "status": status,
        "method": printable(request.method or "", 20),
        "uri": logged_uri(request),
        "route": route_of(request),
        "ip": request.remote_ip,
        "milliseconds": round(1000 * request.request_time(), 2),
        "correlation_id": correlation_id(request),
    }
    _log.log(level, "%s", json.dumps(entry))

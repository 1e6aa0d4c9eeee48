"""What the service says about itself: version, health, configuration, the meaning of codes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from restwright.sandbox.keystone.answers import Answer, Spaced
from restwright.sandbox.keystone.attachments import ALLOWED_TYPES, MOST_BYTES, MOST_FILES
from restwright.sandbox.keystone.call import Call, View

__all__ = ["Health", "choices", "configuration", "root", "version"]

_HEALTH_CACHED = 60.0  # seconds


def version(media_type: str) -> View:
    """A view of the plain version, of this media type."""

    def view(call: Call) -> Answer:
        return Answer(body=call.application.version.encode(), media_type=f"{media_type}; charset=utf-8")

    return view


def root(call: Call) -> Answer:
    """What this is."""
    body = f"Keystone API Version {call.application.version}".encode()
    return Answer(body=body, media_type="text/html; charset=utf-8")


def choices(labels: Mapping[str, str]) -> View:
    """A view of codes and what they mean."""
    return lambda _: Answer(body=dict(labels))


def configuration(call: Call) -> Answer:
    """What clients have to know beforehand."""
    return Answer(
        body={
            "version": call.application.version,
            "max_upload_size": MOST_BYTES,
            "max_upload_count": MOST_FILES,
            "allowed_file_types": list(ALLOWED_TYPES),
            "session_age": int(call.application.settings.session_age),
        }
    )


@dataclass
class Health:
    """Whether the service works, in three forms; it is looked at once a minute at most."""

    _checked: float = float("-inf")
    _checks: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def plain(self, call: Call) -> Answer:
        """200, or 500, without a word."""
        is_healthy = all(check["healthy"] for check in self._look(call))
        return Answer(200 if is_healthy else 500, b"", media_type="text/html; charset=utf-8")

    def json(self, call: Call) -> Answer:
        """Each check."""
        return Answer(body=Spaced({"data": self._look(call)}))

    def prometheus(self, call: Call) -> Answer:
        """Each check, for Prometheus."""
        lines: list[str] = []
        for check in self._look(call):
            labels = f'{{name="{check["check"]}"}}'
            lines += [
                f"django_health_check_status{labels} {int(check['healthy'])}",
                f"django_health_check_response_time_seconds{labels} {check['time_taken']:.6f}",
            ]
        return Answer(body="".join(f"{line}\n" for line in lines).encode(), media_type="text/plain; charset=utf-8")

    def _look(self, call: Call) -> list[dict[str, Any]]:
        now = call.application.settings.clock()
        if now - self._checked >= _HEALTH_CACHED:
            self._checked, self._checks = now, [_database_check(call)]
        return self._checks


def _database_check(call: Call) -> dict[str, Any]:
    started, error = time.perf_counter(), ""
    try:
        call.session.execute(text("SELECT 1"))
    except SQLAlchemyError as failure:
        error = type(failure).__name__
    taken = time.perf_counter() - started
    return {"check": "Database", "healthy": not error, "error": error or None, "time_taken": taken}

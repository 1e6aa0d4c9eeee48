"""The two services: what each consists of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from restwright.sandbox.keystone import cookie_login, token_login
from restwright.sandbox.keystone.about import Health, choices, configuration, root, version
from restwright.sandbox.keystone.access import Who
from restwright.sandbox.keystone.answers import Answer
from restwright.sandbox.keystone.application import Era
from restwright.sandbox.keystone.attachments import read_media
from restwright.sandbox.keystone.batch import PATH, batch
from restwright.sandbox.keystone.call import Call
from restwright.sandbox.keystone.catalogue import jwt as jwt_catalogue
from restwright.sandbox.keystone.catalogue import session as session_catalogue
from restwright.sandbox.keystone.feed import feed
from restwright.sandbox.keystone.openapi import openapi_document
from restwright.sandbox.keystone.resource import Catalogue
from restwright.sandbox.keystone.routes import Endpoint, Routes, record_endpoints, root_endpoints, view_endpoint
from restwright.sandbox.keystone.settings import EraName, Settings
from restwright.sandbox.keystone.stats import STATISTICS
from restwright.sandbox.keystone.tables import jwt as jwt_tables
from restwright.sandbox.keystone.tables import session as session_tables
from restwright.sandbox.keystone.tables.shared import REQUEST_STATUS, REVIEW_STATUS

__all__ = ["ERAS"]

_CHOICES: Final = {
    "allocations/request-choices/status": REQUEST_STATUS,
    "allocations/review-choices/status": REVIEW_STATUS,
    "allocations/cluster-choices/access-mode": session_tables.ACCESS_MODE,
    "users/membership-choices/role": session_tables.ROLE,
    "notifications/notification-choices/type": session_tables.NOTIFICATION_TYPE,
}


def _records(catalogue: Catalogue, renamed: Mapping[str, str]) -> Iterator[Endpoint]:
    routes = {one: renamed.get(one.route, one.route) for one in catalogue.resources}
    yield from root_endpoints(routes.values())
    for resource, route in routes.items():
        yield from record_endpoints(resource, route)


def _about(media_type: str) -> Iterator[Endpoint]:
    health = Health()
    yield view_endpoint("/", "API Root", is_public=True, get=root)
    yield view_endpoint("/version/", "Version", is_public=True, get=version(media_type))
    yield view_endpoint("/health/", "Health", is_public=True, get=health.plain)
    yield view_endpoint("/health/json/", "Health Json", is_public=True, get=health.json)
    yield view_endpoint("/health/prom/", "Health Prometheus", is_public=True, get=health.prometheus)


def _staff(_: str) -> Who:
    return Who.STAFF


def _openapi_json(call: Call) -> Answer:
    return Answer(body=openapi_document(call.application), media_type="application/vnd.oai.openapi+json")


def _openapi_yaml(call: Call) -> Answer:
    # Each JSON text is YAML, too.
    return replace(_openapi_json(call), media_type="application/vnd.oai.openapi")


def _jwt_routes(_: Settings) -> Routes:
    views = {"new": token_login.new, "refresh": token_login.refresh, "blacklist": token_login.blacklist}
    return Routes(
        [
            *(
                view_endpoint(f"/authentication/{name}/", f"Token {name}", ignores_credentials=True, post=view)
                for name, view in views.items()
            ),
            *_records(jwt_catalogue.CATALOGUE, {}),
            *_about("text/html"),
            view_endpoint("/openapi/json", "Schema", get=_openapi_json),
            view_endpoint("/openapi/yaml", "Schema", get=_openapi_yaml),
        ]
    )


def _session_routes(settings: Settings) -> Routes:
    # Where lists are bare, the service is older than the plural.
    renamed = {"users/memberships": "users/membership"} if settings.list_style == "bare" else {}
    log_feed = view_endpoint("/logs/feed/", "Feed", get=feed)
    return Routes(
        [
            view_endpoint("/authentication/login/", "Login", is_public=True, post=cookie_login.login),
            view_endpoint("/authentication/logout/", "Logout", post=cookie_login.logout),
            view_endpoint("/authentication/whoami/", "Whoami", get=cookie_login.whoami),
            # Before the records, for a choice is no number of a record.
            *(view_endpoint(f"/{route}/", "Choices", get=choices(labels)) for route, labels in _CHOICES.items()),
            replace(log_feed, reads_log=True, allowed=_staff),
            *_records(session_catalogue.CATALOGUE, renamed),
            *(view_endpoint(f"/stats/{name}/", f"{name} stats", get=view) for name, view in STATISTICS.items()),
            *_about("text/plain"),
            view_endpoint("/config/", "Config", get=configuration),
            view_endpoint(PATH, "Batch", post=batch),
            Endpoint(pattern="/media/.+", route="media", name="Media", views={"GET": read_media}),
            view_endpoint("/openapi/json/", "Schema", is_public=True, get=_openapi_json),
            view_endpoint("/openapi/yaml/", "Schema", is_public=True, get=_openapi_yaml),
        ]
    )


ERAS: Final[Mapping[EraName, Era]] = {
    "jwt": Era(
        name="jwt",
        version="0.3.26",
        base=jwt_tables.Base,
        user=jwt_tables.User,
        request_log=jwt_tables.RequestLog,
        audit_log=None,
        catalogue=jwt_catalogue.CATALOGUE,
        authenticate=token_login.authenticate,
        challenge=token_login.CHALLENGE,
        routes=_jwt_routes,
        is_paged=False,
        has_negations=False,
    ),
    "session": Era(
        name="session",
        version="0.10.7",
        base=session_tables.Base,
        user=session_tables.User,
        request_log=session_tables.RequestLog,
        audit_log=session_tables.AuditLog,
        catalogue=session_catalogue.CATALOGUE,
        authenticate=cookie_login.authenticate,
        challenge=cookie_login.CHALLENGE,
        routes=_session_routes,
        is_paged=True,
        has_negations=True,
        session_cookie=cookie_login.SESSION_COOKIE,
    ),
}

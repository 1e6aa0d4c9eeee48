"""What the service tells of itself."""

from __future__ import annotations

import pytest
import requests
from openapi_spec_validator import validate

from restwright.testing import FakeClock


@pytest.mark.parametrize(
    ("era", "version", "media_type"), [("session", "0.10.7", "text/plain"), ("jwt", "0.3.26", "text/html")]
)
def test_the_version_is_public_and_plain(services, era, version, media_type):
    url = services(era=era).url
    answer = requests.get(f"{url}/version/", timeout=30)
    assert (answer.status_code, answer.text) == (200, version)
    assert answer.headers["Content-Type"] == f"{media_type}; charset=utf-8"
    assert requests.get(f"{url}/", timeout=30).text == f"Keystone API Version {version}"


def test_the_version_may_be_another_one(services):
    assert requests.get(f"{services(version='9.9.9').url}/version/", timeout=30).text == "9.9.9"


@pytest.mark.parametrize("era", ["session", "jwt"])
def test_the_health_is_public_and_looked_at_once_a_minute(services, log_in, era):
    clock = FakeClock(1e9)
    api = log_in(services(era=era, clock=clock), "nobody")
    plain = api.get("health/")
    assert (plain.status_code, plain.content) == (200, b"")
    first = api.get("health/json/")
    (check,) = first.json()["data"]
    assert (check["check"], check["healthy"], check["error"]) == ("Database", True, None)
    assert '{"data": [{"check": "Database", ' in first.text  # Django itself writes with blanks
    assert 'django_health_check_status{name="Database"} 1\n' in api.get("health/prom/").text
    clock.sleep(59)
    assert api.get("health/json/").json() == first.json()
    clock.sleep(2)
    assert api.get("health/json/").json() != first.json()


def test_prometheus_may_ask_the_jwt_era_for_metrics(old_keystone):
    requests.get(f"{old_keystone.url}/version/", timeout=30)
    text = requests.get(f"{old_keystone.url}/metrics/", timeout=30).text
    assert 'http_server_requests_total{method="GET",route="/version/",status="200"}' in text


def test_clients_are_told_what_they_may_upload(staff):
    config = staff.get("config/").json()
    assert sorted(config) == ["allowed_file_types", "max_upload_count", "max_upload_size", "session_age", "version"]
    assert (config["max_upload_size"], config["session_age"], config["version"]) == (2621440, 1209600, "0.10.7")
    assert "application/pdf" in config["allowed_file_types"]


@pytest.mark.parametrize(
    ("path", "code", "label"),
    [
        ("allocations/request-choices/status/", "PD", "Pending"),
        ("allocations/review-choices/status/", "CR", "Changes Requested"),
        ("allocations/cluster-choices/access-mode/", "WL", "Whitelist"),
        ("users/membership-choices/role/", "OW", "Owner"),
        ("notifications/notification-choices/type/", "GM", "General Message"),
    ],
)
def test_codes_are_explained(user, nobody, path, code, label):
    assert user.get(path).json()[code] == label
    assert nobody.get(path).status_code == 401


def test_figures_are_of_what_the_caller_may_see_and_asks_for(services, log_in):
    keystone = services(sample=True)
    staff, user = log_in(keystone), log_in(keystone, "user")
    whole, own = staff.get("stats/requests/").json(), user.get("stats/requests/").json()
    assert (whole["request_count"], whole["allocation_count"]) == (700, 2000)
    assert own["request_count"] == user.get("allocations/requests/").json()["count"]
    assert own["allocation_count"] == user.get("allocations/allocations/").json()["count"]
    assert 0 < own["su_awarded_total"] < whole["su_awarded_total"]
    approved = staff.get("stats/requests/", status="AP").json()
    assert approved["request_count"] == whole["request_approved_count"] == approved["request_approved_count"]

    grants = staff.get("research/grants/", _limit=1000).json()["results"]
    figures = staff.get("stats/grants/").json()
    assert (figures["grant_count"], figures["agency_count"]) == (120, len({one["agency"] for one in grants}))
    assert float(figures["funding_total"]) == sum(float(one["amount"]) for one in grants)
    assert staff.get("stats/grants/", amount__lt=0).json() == {
        "grant_count": 0,
        "grant_active_count": 0,
        "agency_count": 0,
        "funding_total": "0.00",
        "funding_average": "0.00",
    }
    papers = staff.get("research/publications/", _limit=1000).json()["results"]
    figures = staff.get("stats/publications/").json()
    assert figures["publication_count"] == len(papers) == 240
    assert figures["publication_in_review_count"] == sum(one["published"] is None for one in papers)
    figures = user.get("stats/notifications/").json()
    mine = user.get("notifications/notifications/", _limit=1000).json()["results"]
    assert figures["notification_count"] == len(mine)
    assert figures["notification_unread_count"] == sum(not one["read"] for one in mine)
    assert user.get("stats/grants/", amount="x").status_code == 400


@pytest.fixture
def document(nobody):
    return nobody.get("openapi/json/").json()


def test_the_openapi_document_is_valid_in_both_eras(document, old_keystone, log_in, nobody):
    validate(document)
    old = log_in(old_keystone).get("openapi/json")
    validate(old.json())
    assert old.json()["info"] == {"title": "Keystone API", "version": "0.3.26"}
    assert old.headers["Content-Type"] == "application/vnd.oai.openapi+json"
    assert log_in(old_keystone, "nobody").get("openapi/json").status_code == 401
    yaml = nobody.get("openapi/yaml/")
    assert yaml.headers["Content-Type"] == "application/vnd.oai.openapi"
    assert yaml.json() == document  # JSON is YAML


def test_it_has_all_collections_with_the_operations_that_clients_are_made_of(document):
    paths = document["paths"]
    collections = [path for path in paths if f"{path}{{id}}/" in paths]
    names = {
        "allocations": ["allocations", "attachments", "clusters", "comments", "requests", "reviews"],
        "research": ["grants", "publications"],
        "notifications": ["notifications", "preferences"],
        "users": ["memberships", "teams", "users"],
        "logs": ["audit", "requests", "tasks"],
    }
    assert collections == [f"/{root}/{name}/" for root in names for name in names[root]]
    ids = {
        method: operation["operationId"]
        for path in ("/allocations/clusters/", "/allocations/clusters/{id}/")
        for method, operation in paths[path].items()
        if method != "parameters"
        for method in [f"{method} {path.count('{')}"]
    }
    assert ids == {
        "get 0": "allocations_clusters_list",
        "post 0": "allocations_clusters_create",
        "get 1": "allocations_clusters_retrieve",
        "put 1": "allocations_clusters_update",
        "patch 1": "allocations_clusters_partial_update",
        "delete 1": "allocations_clusters_destroy",
    }
    assert set(paths["/notifications/notifications/{id}/"]) == {"get", "patch", "parameters"}
    assert {"/batch/", "/authentication/login/", "/version/", "/config/", "/stats/grants/"} <= set(paths)


def test_it_has_the_fields_of_records_and_the_parameters_of_lists(document):
    schemas = document["components"]["schemas"]
    sent, shown = schemas["ClusterRequest"], schemas["Cluster"]
    assert sent["required"] == ["name"]
    assert sent["properties"]["name"] == {"type": "string", "maxLength": 50}
    assert sent["properties"]["enabled"] == {"type": "boolean", "default": True}
    assert sent["properties"]["access_mode"]["enum"] == ["WL", "BL", "OP"]
    assert shown["properties"]["id"]["readOnly"] is True
    assert {"_access_teams", "_history"} <= set(shown["properties"])
    assert "required" not in schemas["PatchedClusterRequest"]
    assert schemas["PaginatedClusterList"]["properties"]["results"]["items"] == {"$ref": "#/components/schemas/Cluster"}
    assert "password" in schemas["UserRequest"]["properties"]
    assert "password" not in schemas["User"]["properties"]
    assert schemas["AttachmentRequest"]["properties"]["file"] == {"type": "string", "format": "binary"}
    content = document["paths"]["/allocations/attachments/"]["post"]["requestBody"]["content"]
    assert list(content) == ["multipart/form-data"]
    names = {one["name"] for one in document["paths"]["/allocations/clusters/"]["get"]["parameters"]}
    assert {"_limit", "_offset", "_order", "_search", "name__not_contains", "id__lt", "enabled__isnull"} <= names
    assert "access_teams" not in names


def test_records_have_the_members_that_the_document_names(services, log_in):
    staff = log_in(services(sample=True))
    document = staff.get("openapi/json/").json()
    for path, item in document["paths"].items():
        if f"{path}{{id}}/" in document["paths"]:
            page = staff.get(path.lstrip("/"), _limit=1).json()
            schema = item["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
            name = schema.rpartition("/Paginated")[2].removesuffix("List")
            for record in page["results"]:
                assert sorted(record) == sorted(document["components"]["schemas"][name]["properties"]), path

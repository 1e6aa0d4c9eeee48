"""Resources that the client has never heard of, from the service's own document."""

from __future__ import annotations

import re

import pytest

from keystone_client.discovery import Field, resources_of
from restwright.errors import DecodeError
from restwright.testing import Reply, serve

GIZMO = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "name": {"type": "string"},
        "kind": {"type": ["string", "null"], "enum": ["A", "B"]},
    },
}
LIST = {"type": "object", "properties": {"results": {"type": "array", "items": {"$ref": "#/components/schemas/Gizmo"}}}}
WRITTEN = {"type": "object", "required": ["name"], "properties": {"name": {}, "kind": {}, "secret": {"type": "string"}}}


def content(schema):
    return {"content": {"application/json": {"schema": schema}}}


DOCUMENT = {
    "openapi": "3.1.0",
    "paths": {
        "/lab/gizmos/": {
            "get": {
                "parameters": [{"name": "name", "in": "query"}, {"name": "X", "in": "header"}],
                "responses": {"200": content(LIST)},
            },
            "post": {"requestBody": content(WRITTEN)},
        },
        "/lab/gizmos/{id}/": {"get": {}, "patch": {}, "delete": {}},
        "/lab/categories": {"get": {"responses": {"200": content({"type": "array", "items": GIZMO})}}},
        "/lab/gizmos/{id}/parts/": {"get": {"responses": {"200": content(LIST)}}},
        "/archive/clusters/": {"get": {"responses": {"200": content(LIST)}}},
        "/stats/": {"get": {"responses": {"200": content({"type": "object"})}}},
        "/circle/": {"get": {"responses": {"200": content({"$ref": "#/components/schemas/Circle"})}}},
    },
    "components": {"schemas": {"Gizmo": GIZMO, "Circle": {"$ref": "#/components/schemas/Circle"}}},
}


def lab(request):
    """A service with a resource that no release of the client knows."""
    if request.path == "/authentication/login/":
        return Reply(405)
    if request.path == "/openapi/json/":
        return Reply(json=DOCUMENT)
    if request.path == "/lab/gizmos/" and request.method == "GET":
        return Reply(json={"next": None, "results": [{"id": 1, "name": "g"}]})
    if request.path == "/lab/gizmos/":
        return Reply(201, json={"id": 2, **request.json()})
    return Reply(204) if request.method == "DELETE" else Reply(json={"id": 1, "name": "g"})


def test_a_new_resource_has_all_verbs(connect):
    with serve(lab) as server:
        caller = connect(server.url)
        assert caller.create_gizmo(name="new")["id"] == 2
        assert caller.retrieve_gizmo(pk=1) == {"id": 1, "name": "g"}
        assert caller.retrieve_gizmo(filters={"name": "g"}) == [{"id": 1, "name": "g"}]
        assert list(caller.iterate_gizmo()) == [{"id": 1, "name": "g"}]
        assert caller.update_gizmo(pk=1, data={"name": "x"})["id"] == 1
        assert caller.delete_gizmo(pk=1) is None
        asked = [seen.path for seen in server.requests if seen.path.startswith(("/openapi", "/auth"))]
        assert asked == ["/openapi/json/"]


def test_they_wait_in_batches_too(connect):
    with serve(lab) as server:
        caller = connect(server.url)
        with pytest.raises(AttributeError, match=r"call resources\(\) of the client before the batch"):
            caller.batched(lambda batch: batch.create_gizmo(name="new"))
        caller.resources()
        with pytest.raises(Exception, match="this is no answer to a batch"):
            caller.batched(lambda batch: batch.create_gizmo(name="new"))
        actions = server.requests[-1].json()["job"]["actions"]
        assert [action["path"] for action in actions] == ["/lab/gizmos/"]


def test_a_wrong_name_helps(connect):
    with serve(lab) as server:
        caller = connect(server.url)
        with pytest.raises(AttributeError, match="no resource 'gizmoo': did you mean gizmo"):
            caller.retrieve_gizmoo()
        with pytest.raises(AttributeError, match="a category of this service cannot be deleted"):
            caller.delete_category(pk=1)
        with pytest.raises(AttributeError, match="no resource 'gizmoo': did you mean gizmo"):
            _ = caller.client.create_gizmoo
        with pytest.raises(
            AttributeError, match="has no attribute 'retreive_cluster'; did you mean 'retrieve_cluster'"
        ):
            _ = caller.client.retreive_cluster
        with pytest.raises(ValueError, match="gizmo has no filter 'nam'; there is name"):
            caller.retrieve_gizmo(filters={"nam": "x"})


def test_dir_names_them(connect):
    with serve(lab) as server:
        caller = connect(server.url)
        assert "retrieve_cluster" in dir(caller.client)
        assert "create_gizmo" not in dir(caller.client)
        caller.resources()
        found = {name for name in dir(caller.client) if re.search("gizmo|category", name)}
        assert found == {f"{verb}_gizmo" for verb in ("create", "retrieve", "iterate", "update", "delete")} | {
            "retrieve_category",
            "iterate_category",
        }


def test_what_a_document_tells_of_a_resource():
    found = resources_of(DOCUMENT)
    assert {name: one.path for name, one in found.items()} == {
        "gizmo": "/lab/gizmos/",
        "category": "/lab/categories/",
        "archive_cluster": "/archive/clusters/",
    }
    gizmo = found["gizmo"]
    assert gizmo.verbs == ("create", "retrieve", "update", "delete")
    assert gizmo.filters == {"name"}
    assert gizmo.fields == {
        "id": Field("id", "integer", is_read_only=True),
        "name": Field("name", "string", is_required=True),
        "kind": Field("kind", "string", choices=("A", "B")),
        "secret": Field("secret", "string"),
    }


@pytest.mark.parametrize(
    "document", [None, [], {}, {"paths": []}, {"paths": {"/x/": None}}, {"paths": {"/x/": {"get": 1}}}]
)
def test_a_document_that_tells_nothing_has_no_resources(document):
    assert resources_of(document) == {}


def test_the_resources_of_a_real_service(client):
    found = client.resources()
    assert found["cluster"].fields["name"].is_required
    assert found["cluster"].fields["id"].is_read_only
    assert found["request"].fields["status"].choices == ("PD", "AP", "DC", "CR")
    assert found["log_request"].verbs == ("retrieve",)
    group = "team" if client.era == "session" else "research_group"
    assert group in found
    assert client.resources() is found
    assert client.resources(refresh=True) is not found
    assert isinstance(client.retrieve_log_request(), list)


def test_every_resource_of_a_real_service_can_be_listed(client):
    for name in client.resources():
        assert isinstance(getattr(client, f"retrieve_{name}")(), list)


@pytest.mark.parametrize("answer", [5, "x", [], {"detail": "x"}, {"paths": []}])
def test_an_answer_that_is_no_document_is_refused(connect, answer):
    with serve([Reply(json=answer), Reply(json=DOCUMENT)]) as server:
        caller = connect(server.url)
        with pytest.raises(DecodeError, match=r"no OpenAPI document|expected a JSON object"):
            caller.resources()
        assert "gizmo" in caller.resources()

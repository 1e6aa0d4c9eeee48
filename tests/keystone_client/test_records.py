"""Creating, retrieving, updating and deleting, in both eras and both modes."""

from __future__ import annotations

import asyncio
import inspect

import pytest
import requests

from keystone_client import AsyncKeystoneClient, KeystoneClient
from keystone_client.paths import ROUTES
from restwright.errors import BadRequest, DecodeError, NotFound
from restwright.testing import Reply, serve


def test_a_record_is_created_read_changed_and_deleted(client):
    made = client.create_cluster(name="c1", description="first")
    assert (made["name"], made["enabled"]) == ("c1", True)
    assert client.retrieve_cluster(pk=made["id"]) == made
    assert client.retrieve_cluster(filters={"name": "c1"}) == [made]
    changed = client.update_cluster(pk=made["id"], data={"description": "second"})
    assert changed["description"] == "second"
    assert client.delete_cluster(pk=made["id"]) is None
    assert client.retrieve_cluster(pk=made["id"]) is None
    assert client.retrieve_cluster() == []


def test_fields_may_be_given_in_a_dict_too(client):
    made = client.create_cluster({"name": "c1"}, description="both")
    assert (made["name"], made["description"]) == ("c1", "both")
    assert client.update_cluster(made["id"], description="one")["description"] == "one"


def test_null_clears_a_field_and_false_is_false(client):
    if client.era == "session":
        made = client.create_team(name="t", is_active=False)
        assert made["is_active"] is False
    made = client.create_cluster(name="c1", description="x", enabled=False)
    assert made["enabled"] is False
    if client.era == "jwt":
        assert client.update_cluster(made["id"], {"description": None})["description"] is None


def test_deleting_what_is_not_there_is_silent_unless_asked(client):
    assert client.delete_cluster(pk=77) is None
    with pytest.raises(requests.HTTPError) as raised:
        client.delete_cluster(pk=77, raise_not_exists=True)
    assert raised.value.response.status_code == 404


def test_changing_what_is_not_there_is_an_error(client):
    with pytest.raises(NotFound):
        client.update_cluster(pk=77, data={"description": "x"})


def test_a_refusal_says_which_field(client):
    with pytest.raises(BadRequest, match="name: This field is required"):
        client.create_cluster(description="x")


@pytest.mark.parametrize("verb", ["retrieve", "delete", "list"])
def test_a_wrong_route_is_never_nothing(client, verb):
    wrong = "research_group" if client.era == "session" else "team"
    calls = {"list": ("retrieve", {}), "retrieve": ("retrieve", {"pk": 1}), "delete": ("delete", {"pk": 1})}
    name, arguments = calls[verb]
    with pytest.raises(NotFound, match="this service has no /users/"):
        getattr(client, f"{name}_{wrong}")(**arguments)


@pytest.mark.parametrize("pk", ["", ".", "..", "../users/1", None, True, 1.5, [1]])
def test_an_id_that_is_none_is_refused_before_anything_is_sent(client, pk):
    with pytest.raises((TypeError, ValueError), match="pk must be the id of a record"):
        client.delete_cluster(pk=pk)


@pytest.mark.parametrize("pk", ["1?x=2", "1#x", "a b", "@"])
def test_an_id_is_one_segment_of_the_path(client, pk):
    client.create_cluster(name="c1")
    assert client.retrieve_cluster(pk=pk) is None


def test_an_id_and_filters_do_not_go_together(client):
    with pytest.raises(TypeError, match="pk names one record"):
        client.retrieve_cluster(pk=1, filters={"name": "x"})


def test_users_and_requests_and_allocations(client):
    assert {user["username"] for user in client.retrieve_user()} == {"admin", "user"}
    cluster = client.create_cluster(name="c1")
    if client.era == "session":
        group = {"team": client.create_team(name="t")["id"], "submitter": 1}
    else:
        group = {"group": client.create_research_group(name="g", pi=1)["id"]}
    request = client.create_request(title="r", description="why", **group)
    made = client.create_allocation(requested=5, cluster=cluster["id"], request=request["id"])
    assert client.retrieve_allocation(filters={"request": request["id"]})[0]["id"] == made["id"]
    assert client.retrieve_request(pk=request["id"])["title"] == "r"


@pytest.mark.parametrize("kind", [KeystoneClient, AsyncKeystoneClient])
@pytest.mark.parametrize("verb", ["create", "retrieve", "iterate", "update", "delete"])
def test_every_resource_has_every_verb_with_its_signature(kind, verb):
    for resource in ROUTES:
        method = getattr(kind, f"{verb}_{resource}")
        assert method.__name__ == f"{verb}_{resource}"
        expected = {"create": "data", "retrieve": "pk", "iterate": "filters", "update": "pk", "delete": "pk"}[verb]
        assert [*inspect.signature(method).parameters][1] == expected
        is_awaited = kind is AsyncKeystoneClient and verb != "iterate"
        assert asyncio.iscoroutinefunction(method) == is_awaited


@pytest.mark.parametrize("content", [b"[]", b"not JSON", b"3"])
def test_an_answer_that_is_no_record_is_refused(connect, content):
    reply = Reply(200, content=content, headers={"Content-Type": "application/json"})
    with serve(lambda request: reply) as server, pytest.raises(DecodeError):
        connect(server.url).retrieve_cluster(pk=1)


@pytest.mark.parametrize("data", [5, "x", [1], [("name", "x")]])
def test_fields_that_are_no_dict_are_told_by_name(connect, data):
    caller = connect("http://127.0.0.1:9")
    for call in (lambda: caller.create_cluster(data), lambda: caller.update_cluster(1, data)):
        with pytest.raises(TypeError, match=f"data must be a dict of fields, got {type(data).__name__}"):
            call()

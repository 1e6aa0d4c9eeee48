"""Batches: several operations in one request, done together or not at all."""

from __future__ import annotations

import pytest
import requests

from keystone_client import BatchFailed, KeystoneClient
from keystone_client.paths import quoted
from restwright.errors import DecodeError, NotFound
from restwright.testing import Reply, serve

pytestmark = pytest.mark.eras("session")


def test_steps_refer_to_those_before(client):
    def fill(batch):
        team = batch.create_team(name="t")
        member = batch.create_membership(team=team["id"], user=2, role="MB")
        request = batch.create_request(title="r", description="d", team=team["id"], submitter=1)
        changed = batch.update_request(pk=request["id"], data={"title": "better"})
        return team, member, request, changed, batch.retrieve_team(pk=team["id"])

    team, member, request, changed, read = client.batched(fill)
    assert member.result()["team"] == team.result()["id"]
    assert changed.result() == {**request.result(), "title": "better", "_history": changed.result()["_history"]}
    assert read.result()["name"] == "t"
    assert client.retrieve_team()[0]["id"] == team.result()["id"]


def test_all_of_it_is_one_request(connect):
    results = [
        {"ref": f"s{n}", "index": n, "method": "GET", "path": "/", "status": 200, "body": {"id": n}} for n in (1, 2, 3)
    ]
    with serve(lambda request: Reply(json={"results": results})) as server:
        steps = connect(server.url).batched(lambda batch: [batch.retrieve_cluster(pk=n) for n in (1, 2, 3)])
        assert [step.result()["id"] for step in steps] == [1, 2, 3]
        (seen,) = server.requests
        assert seen.path == "/batch/"
        assert seen.json()["job"]["actions"][1] == {"ref": "s2", "method": "GET", "path": "/allocations/clusters/2/"}


def test_a_step_that_fails_undoes_the_others(client):
    client.create_team(name="taken")
    with pytest.raises(BatchFailed) as raised:
        client.batched(lambda batch: [batch.create_team(name="new"), batch.create_team(name="taken")])
    error = raised.value
    assert (error.step, error.step_status) == (2, 400)
    assert "name" in error.body
    assert "step 2, POST /users/teams/, was answered with 400" in str(error)
    assert isinstance(error, requests.HTTPError)
    assert [team["name"] for team in client.retrieve_team()] == ["taken"]


def test_the_steps_of_a_failed_batch_have_its_error(services):
    services["session"].reset()
    with KeystoneClient(services["session"].url) as client:
        client.login("admin", "admin-secret")
        batch = client.batch()
        steps = [batch.create_team(name="a"), batch.delete_team(pk=77)]
        with pytest.raises(BatchFailed):
            batch.send()
        for step in steps:
            with pytest.raises(BatchFailed):
                step.result()


def test_a_dry_run_answers_and_undoes(client):
    made = client.batched(lambda batch: batch.create_team(name="t"), dry_run=True)
    assert made.result()["name"] == "t"
    assert client.retrieve_team() == []


def test_lists_and_deletions_and_plain_requests_wait_too(client):
    cluster = client.create_cluster(name="c1")

    def fill(batch):
        found = batch.retrieve_cluster(filters={"name__in": ["c1"]})
        plain = batch.http_get("users/users?username=admin")
        return found, plain, batch.delete_cluster(pk=cluster["id"])

    found, plain, gone = client.batched(fill)
    assert [each["name"] for each in found.result()] == ["c1"]
    assert plain.result().json()["results"][0]["username"] == "admin"
    assert gone.result() is None
    assert client.retrieve_cluster() == []


def test_a_list_of_several_pages_takes_several_rounds(client, monkeypatch):
    monkeypatch.setattr("keystone_client.listing.PAGE_SIZE", 2)
    for number in range(5):
        client.create_cluster(name=f"c{number}")
    assert len(client.batched(lambda batch: batch.retrieve_cluster()).result()) == 5


def test_files_are_put_beside_the_job(client):
    def fill(batch):
        team = batch.create_team(name="t")
        request = batch.create_request(title="r", description="d", team=team["id"], submitter=1)
        files = {"file": ("a.txt", b"content")}
        return request, batch.create_attachment(request=request["id"], files=files)

    request, made = client.batched(fill)
    assert made.result()["request"] == request.result()["id"]
    assert client.http_get(f"media/{made.result()['file']}").content == b"content"


@pytest.mark.parametrize(
    ("name", "arguments"), [("download", ("media/a.txt", "a.txt")), ("login", ("a", "b")), ("logout", ())]
)
def test_what_cannot_wait_in_a_batch_says_so(connect, name, arguments):
    with pytest.raises(TypeError, match=rf"{name}\(\) cannot wait in a batch: use that of the client"):
        connect("http://127.0.0.1:9").batched(lambda batch: getattr(batch, name)(*arguments))


def test_a_lazy_list_in_a_batch_names_the_whole_one(connect):
    with pytest.raises(TypeError, match=r"iterate_team\(\) is read page by page .*: use retrieve_team\(\)"):
        connect("http://127.0.0.1:9").batched(lambda batch: batch.iterate_team())


def test_a_batch_is_for_its_own_service_only(client):
    with pytest.raises(ValueError, match=r"a batch is for http://127\.0\.0\.1:\d+ only, got 'http://other.test/x/'"):
        client.batched(lambda batch: batch.http_post("http://u:p@other.test/x", {}))


def test_a_batch_that_ends_with_an_error_is_not_sent(client):
    def fill(batch):
        batch.create_team(name="t")
        raise KeyError("x")

    with pytest.raises(KeyError):
        client.batched(fill)
    assert client.retrieve_team() == []


def test_an_unknown_reference_is_told(client):
    def fill(batch):
        return batch.create_membership(team=batch.create_team(name="t")["nothing"]["deeper"], user=2, role="MB")

    with pytest.raises(BatchFailed, match=r"nothing was done: .*@ref"):
        client.batched(fill)


@pytest.mark.eras("jwt")
def test_an_old_service_has_no_batches(client):
    with pytest.raises(NotFound, match=r"batches came with service 0\.10"):
        client.batched(lambda batch: batch.retrieve_cluster(pk=1))


@pytest.mark.parametrize("answer", [[], {}, {"results": []}, {"results": 3}])
def test_an_answer_that_is_none_is_refused(connect, answer):
    with serve(lambda request: Reply(json=answer)) as server, pytest.raises(DecodeError):
        connect(server.url).batched(lambda batch: batch.retrieve_cluster(pk=1))


def test_a_reference_stays_as_it_is_in_a_path(services):
    with KeystoneClient(services["session"].url) as client:
        assert quoted(client.batch().create_team(name="t")["id"]) == "@ref{s1.id}"

"""Copies between real servers: `kinto` with 100 records on a page, and `paginated_kinto` with 5."""

import json
import logging
import math
import subprocess
import sys
import uuid

import pytest

from kinto_http import Client, KintoBatchException, KintoException, replication
from kinto_http.exceptions import CollectionNotFound
from kinto_http.mirroring import Summary
from restwright.testing.faults import reset_before
from restwright.testing.serve import Reply, serve


@pytest.fixture
def origin(kinto, account, bucket):
    """With 12 records."""
    with Client(server_url=kinto.url, auth=account, bucket=bucket, collection="tasks") as client:
        client.create_collection(data={"displayFields": ["n"]})
        for number in range(12):
            client.create_record(f"r{number}", data={"n": number, "last_modified": 1_600_000_000_000 - number * 1000})
        yield client


@pytest.fixture
def destination(paginated_kinto, paginated_account):
    """Empty, and of other names."""
    name = f"mirror-{uuid.uuid4().hex}"
    with Client(server_url=paginated_kinto.url, auth=paginated_account, bucket=name, collection="copy") as client:
        yield client


@pytest.fixture
def watched(paginated_relay, paginated_account, destination):
    """The destination by way of the relay."""
    names = {"bucket": destination.bucket_name, "collection": destination.collection_name}
    with Client(server_url=paginated_relay.url, auth=paginated_account, **names) as client:
        yield client


def replicated(origin, destination, **settings):
    """The summary."""
    told = []
    replication.replicate(origin, destination, report=told.append, **settings)
    return told[0]


def contents(client):
    return sorted((dict(record) for record in client.get_records()), key=lambda record: record["id"])


def without_id(envelope):
    return {name: value for name, value in envelope["data"].items() if name not in ("id", "last_modified")}


def test_records_are_copied_with_their_timestamps(origin, destination):
    assert replicated(origin, destination) == Summary(read=12, created=12)
    assert contents(destination) == contents(origin)
    assert max(record["last_modified"] for record in contents(destination)) == 1_600_000_000_000


def test_it_returns_nothing_as_published(origin, destination):
    assert replication.replicate(origin, destination) is None


def test_bucket_and_collection_are_created_with_what_they_say_and_permit(origin, destination):
    origin.update_bucket(data={"title": "T"}, permissions={"read": ["account:reader"]})
    origin.update_collection(data={"displayFields": ["n"]}, permissions={"record:create": ["account:writer"]})
    replicated(origin, destination)
    bucket, collection = destination.get_bucket(), destination.get_collection()
    assert without_id(bucket) == {"title": "T"}
    assert bucket["permissions"]["read"] == ["account:reader"]
    assert without_id(collection) == {"displayFields": ["n"]}
    assert collection["permissions"]["record:create"] == ["account:writer"]


def test_what_bucket_and_collection_say_is_brought_up_to_date(origin, destination):
    replicated(origin, destination)
    origin.update_bucket(data={"title": "new"})
    origin.update_collection(data={"displayFields": ["m"]})
    replicated(origin, destination)
    assert without_id(destination.get_bucket()) == {"title": "new"}
    assert without_id(destination.get_collection()) == {"displayFields": ["m"]}


def test_a_second_run_writes_nothing(origin, watched, paginated_relay):
    replicated(origin, watched)
    before = len(paginated_relay.seen())
    assert replicated(origin, watched) == Summary(read=12, unchanged=12)
    assert {each.method for each in paginated_relay.seen()[before:]} == {"GET"}


def test_changes_of_the_origin_follow(origin, destination):
    replicated(origin, destination)
    origin.update_record("r3", data={"n": "changed"})
    origin.create_record("new", data={"n": 99})
    origin.delete_record("r0")
    origin.delete_record("r1")
    origin.create_record("r1", data={"n": "again"})
    assert replicated(origin, destination) == Summary(read=12, created=1, updated=2, deleted=1, unchanged=9)
    assert contents(destination) == contents(origin)


def test_changes_at_the_destination_are_undone(origin, destination):
    replicated(origin, destination)
    destination.update_record("r3", data={"n": "here"})
    destination.create_record("only-here", data={"n": 0})
    destination.delete_record("r5")
    assert replicated(origin, destination) == Summary(read=12, created=1, updated=1, deleted=1, unchanged=10)
    left = [record["n"] for record in contents(destination)]
    assert left == [record["n"] for record in contents(origin)]


def test_a_record_that_is_newer_at_the_destination_but_says_the_same_is_left(origin, destination):
    """Its timestamp cannot go back; a run that wrote it again would never find nothing to do."""
    replicated(origin, destination)
    destination.update_record("r3", data={"n": "here"})
    replicated(origin, destination)
    assert destination.get_record("r3")["data"]["last_modified"] > origin.get_record("r3")["data"]["last_modified"]
    assert replicated(origin, destination) == Summary(read=12, unchanged=12)


def test_a_collection_of_many_pages_on_both_sides(origin, destination):
    with origin.batch() as batch:
        for number in range(230):
            batch.create_record(f"m{number}", data={"n": number, "last_modified": 1_500_000_000_000 + number})
    assert replicated(origin, destination) == Summary(read=242, created=242)
    assert contents(destination) == contents(origin)
    assert replicated(destination, origin) == Summary(read=242, unchanged=242)


def test_batches_are_full(origin, watched, paginated_relay):
    with origin.batch() as batch:
        for number in range(60):
            batch.create_record(f"m{number}", data={"n": number, "last_modified": 1_500_000_000_000 + number})
    replicated(origin, watched)
    most = watched.server_info()["settings"]["batch_max_requests"]
    sizes = [len(each.json()["requests"]) for each in paginated_relay.seen("POST", "/batch")]
    assert sizes == [most] * (72 // most) + [72 % most] * (72 % most > 0)
    assert len(sizes) == math.ceil(72 / most) > 1


def test_an_empty_collection_empties_the_other(origin, destination):
    replicated(origin, destination)
    origin.delete_records()
    assert replicated(origin, destination) == Summary(deleted=12)
    assert contents(destination) == []


def test_names_that_the_destination_lacks_are_those_of_the_origin(origin, paginated_kinto, paginated_account):
    with Client(server_url=paginated_kinto.url, auth=paginated_account, bucket=None) as destination:
        replicated(origin, destination)
        there = destination.clone(bucket=origin.bucket_name, collection="tasks")
        assert contents(there) == contents(origin)
        assert (destination.bucket_name, destination.collection_name) == (None, None)


def test_the_personal_bucket_can_be_copied_into(origin, paginated_kinto, paginated_account):
    with Client(server_url=paginated_kinto.url, auth=paginated_account) as destination:  # bucket "default"
        replicated(origin, destination)
        assert contents(destination.clone(collection="tasks")) == contents(origin)
        assert replicated(origin, destination) == Summary(read=12, unchanged=12)


def test_an_origin_without_a_collection_is_refused(kinto, account, destination):
    with Client(server_url=kinto.url, auth=account) as origin, pytest.raises(ValueError, match="must name"):
        replicated(origin, destination)


def test_a_copy_onto_itself_is_refused(origin):
    same = Client(server_url=f"{origin.session.server_url}/", auth=origin.session.auth, bucket=origin.bucket_name)
    with pytest.raises(ValueError, match="the same collection"):
        replicated(origin, same)


def test_a_collection_that_is_not_there_deletes_nothing(origin, destination):
    replicated(origin, destination)
    with pytest.raises(CollectionNotFound):
        replicated(origin.clone(collection="none"), destination)
    assert len(contents(destination)) == 12


def test_a_listing_that_breaks_off_deletes_nothing(destination, origin, relay):
    with origin.batch() as batch:
        for number in range(150):
            batch.create_record(f"m{number}", data={"n": number, "last_modified": 1_500_000_000_000 + number})
    replicated(origin, destination)

    def break_off(request, forward):
        return Reply(500, json={}) if "_token" in request.target else forward()

    relay.meddle = break_off
    names = {"bucket": origin.bucket_name, "collection": "tasks"}
    broken = Client(server_url=relay.url, auth=origin.session.auth, **names)
    with broken, pytest.raises(KintoException, match="500"):
        replicated(broken, destination)
    assert relay.seen("GET", "/records")
    assert len(contents(destination)) == 162


def test_a_run_that_failed_is_taken_up_by_the_next(origin, watched, destination, paginated_relay):
    with origin.batch() as batch:
        for number in range(60):
            batch.create_record(f"m{number}", data={"n": number, "last_modified": 1_500_000_000_000 + number})

    def fail_later(request, forward):
        return Reply(503, json={}) if len(paginated_relay.seen("POST", "/batch")) == 2 else forward()

    paginated_relay.meddle = fail_later
    with pytest.raises(KintoException, match="503"):
        replicated(origin, watched)
    done = len(contents(destination))
    assert 0 < done < 72
    paginated_relay.meddle = lambda request, forward: forward()
    assert replicated(origin, watched) == Summary(read=72, created=72 - done, unchanged=done)
    assert contents(destination) == contents(origin)


def test_an_answer_that_is_lost_costs_nothing(origin, watched, destination, paginated_relay):
    def lose(request, forward):
        answer = forward()
        return reset_before() if len(paginated_relay.seen("POST", "/batch")) == 1 else answer

    paginated_relay.meddle = lose
    assert replicated(origin, watched).created == 12
    assert [record["n"] for record in contents(destination)] == [record["n"] for record in contents(origin)]


def test_a_record_that_changes_before_it_would_be_deleted_is_left_to_the_next_run(
    origin, watched, destination, paginated_relay
):
    replicated(origin, destination)
    origin.delete_record("r0")

    def change(request, forward):
        if request.method == "POST":
            destination.update_record("r0", data={"n": "meanwhile"})
            paginated_relay.meddle = lambda request, forward: forward()
        return forward()

    paginated_relay.meddle = change
    assert replicated(origin, watched) == Summary(read=11, unchanged=11, skipped=1)
    assert replicated(origin, watched) == Summary(read=11, unchanged=11, deleted=1)


@pytest.fixture
def refusing(paginated_relay):
    """Refuses to write r3."""

    def refuse(request, forward):
        body = request.json() if request.path.endswith("/batch") else None
        if body is None or not any(each["path"].endswith("/r3") for each in body["requests"]):
            return forward()
        refusal = {"code": 400, "errno": 107, "message": "no r3 here"}
        answers = [
            {"status": 400, "body": refusal, "headers": {}, "path": each["path"]}
            if each["path"].endswith("/r3")
            else {"status": 200, "body": {"data": {}}, "headers": {}, "path": each["path"]}
            for each in body["requests"]
        ]
        return Reply(json={"responses": answers})

    paginated_relay.meddle = refuse


def test_what_the_destination_refuses_is_told_when_the_rest_is_done(origin, watched, refusing):
    told = []
    with pytest.raises(KintoBatchException, match="no r3 here") as caught:
        replication.replicate(origin, watched, report=told.append)
    assert [error.request.path_url.rpartition("/")[2] for error in caught.value.exceptions] == ["r3"]
    assert told == [Summary(read=12, created=11, refused=1)]


def test_a_destination_that_refuses_everything_is_given_up(origin, watched, paginated_relay):
    with origin.batch() as batch:
        for number in range(300):
            batch.create_record(f"m{number}", data={"n": number, "last_modified": 1_500_000_000_000 + number})

    def refuse(request, forward):
        if request.method != "POST":
            return forward()
        refusal = {"status": 403, "body": {"message": "no"}, "headers": {}, "path": "/"}
        return Reply(json={"responses": [refusal for _ in request.json()["requests"]]})

    paginated_relay.meddle = refuse
    with pytest.raises(KintoBatchException) as caught:
        replicated(origin, watched)
    assert 100 <= len(caught.value.exceptions) <= 125


def test_a_destination_that_may_not_be_written_is_a_clear_error(origin, kinto, bucket):
    kinto.create_account(f"x{bucket}", "p")
    origin.update_bucket(data={}, permissions={"read": [f"account:x{bucket}"]})
    destination = Client(server_url=kinto.url, auth=(f"x{bucket}", "p"), bucket=bucket, collection="copy")
    with destination, pytest.raises(KintoException, match="403"):
        replicated(origin, destination)


def test_the_right_to_the_collections_alone_is_enough(origin, destination, kinto, bucket, paginated_kinto, caplog):
    """Then the metadata of the buckets is left."""
    user = f"x{bucket}"
    for server in (kinto, paginated_kinto):
        server.create_account(user, "p")
    origin.patch_collection(permissions={"read": [f"account:{user}"]})
    destination.create_bucket()
    destination.create_collection(permissions={"write": [f"account:{user}"]})
    names = {"bucket": destination.bucket_name, "collection": "copy"}
    reader = Client(server_url=kinto.url, auth=(user, "p"), bucket=bucket, collection="tasks")
    writer = Client(server_url=paginated_kinto.url, auth=(user, "p"), **names)
    with reader, writer:
        assert replicated(reader, writer).created == 12
    assert "metadata of the bucket is not copied" in caplog.text


def test_an_attachment_that_changes_follows(origin, destination, tmp_path):
    """The service refuses a changed attachment in an update."""
    file = tmp_path / "file.txt"
    for content in ("one", "two"):
        file.write_text(content)
        origin.add_attachment("r3", file)
        replicated(origin, destination)
        assert contents(destination) == contents(origin)
    assert destination.download_attachment(destination.get_record("r3"), tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "two"


@pytest.mark.parametrize("status", [400, 413])
def test_a_record_that_spoils_its_batch_is_refused_alone(origin, watched, paginated_relay, status):
    def refuse(request, forward):
        spoilt = request.path.endswith("/batch") and b"/r3" in request.body
        return Reply(status, json={"code": status, "message": "r3 spoils it"}) if spoilt else forward()

    paginated_relay.meddle = refuse
    told = []
    with pytest.raises(KintoBatchException, match="r3 spoils it") as caught:
        replication.replicate(origin, watched, report=told.append)
    assert len(caught.value.exceptions) == 1
    assert told == [Summary(read=12, created=11, refused=1)]


# --- permissions --------------------------------------------------------------


def readers(client, record):
    return client.get_record(record)["permissions"].get("read", [])


@pytest.fixture
def permitting(origin):
    origin.update_record("r1", data={"n": 1}, permissions={"read": ["account:reader"]})
    origin.update_record(
        "r2", data={"n": 2}, permissions={"read": [f"/buckets/{origin.bucket_name}/groups/editors", "account:bob"]}
    )


def test_permissions_of_records_are_left_unless_asked_for(origin, destination, permitting):
    replicated(origin, destination)
    assert readers(destination, "r1") == []


def test_permissions_of_records_are_copied_on_request(origin, destination, permitting):
    assert replicated(origin, destination, permissions=True) == Summary(read=12, created=12)
    assert contents(destination) == contents(origin)
    assert readers(destination, "r1") == ["account:reader"]
    group = f"/buckets/{destination.bucket_name}/groups/editors"  # that of the same name in the other bucket
    assert set(readers(destination, "r2")) == {group, "account:bob"}
    assert replicated(origin, destination, permissions=True) == Summary(read=12, unchanged=12)


def test_permissions_that_change_follow(origin, destination, permitting):
    replicated(origin, destination, permissions=True)
    origin.patch_record("r1", permissions={"read": []})
    origin.patch_record("r4", permissions={"read": ["account:eve"]})
    summary = replicated(origin, destination, permissions=True)
    assert (summary.updated, summary.unchanged) == (2, 10)
    assert (readers(destination, "r1"), readers(destination, "r4")) == ([], ["account:eve"])
    assert contents(destination) == contents(origin)


def test_permissions_can_be_copied_later(origin, destination, permitting):
    replicated(origin, destination)
    # All: each lets its creator write, who is another one there.
    assert replicated(origin, destination, permissions=True) == Summary(read=12, updated=12)
    assert readers(destination, "r1") == ["account:reader"]
    assert replicated(origin, destination, permissions=True) == Summary(read=12, unchanged=12)


def test_permissions_of_what_is_there_already_follow_on_request(origin, destination):
    replicated(origin, destination)
    origin.patch_bucket(permissions={"read": ["account:bob"]})
    origin.patch_collection(permissions={"record:create": ["account:eve"]})
    replicated(origin, destination)
    assert destination.get_bucket()["permissions"].get("read", []) == []
    replicated(origin, destination, permissions=True)
    assert destination.get_bucket()["permissions"]["read"] == ["account:bob"]
    assert destination.get_collection()["permissions"]["record:create"] == ["account:eve"]


# --- logs, memory -------------------------------------------------------------


def test_progress_and_a_summary_are_logged(origin, destination, caplog, monkeypatch):
    monkeypatch.setattr("kinto_http.mirroring.PROGRESS", 5)
    caplog.set_level(logging.INFO, "kinto_http.replication")
    replicated(origin, destination)
    said = [record.message for record in caplog.records if record.name == "kinto_http.replication"]
    assert "12 records read" in said
    assert said[-1].startswith("12 records in ")
    assert said[-1].endswith(" s: 12 created")


class Endless:
    """A server's part of a replication, whose records are made while they are asked for."""

    def __init__(self, count, filler):
        self.count, self.filler, self.written = count, filler, 0

    def __call__(self, seen):
        if seen.path == "/v1/":
            return Reply(json={"settings": {"batch_max_requests": 25}})
        if seen.path == "/v1/batch":
            asked = seen.json()["requests"]
            self.written += len(asked)
            answers = [{"status": 200, "body": {"data": {}}, "headers": {}, "path": each["path"]} for each in asked]
            return Reply(json={"responses": answers})
        if not seen.path.endswith("/records"):
            return Reply(json={"data": {"id": "x"}, "permissions": {}})
        start = int(seen.query.get("_token", ["0"])[0])
        end = min(start + int(seen.query["_limit"][0]), self.count)
        items = [{"id": f"r{n:06}", "last_modified": n + 1, "filler": self.filler} for n in range(start, end)]
        link = f"http://{seen.headers['Host']}{seen.path}?_limit={seen.query['_limit'][0]}&_token={end}"
        return Reply(json={"data": items}, headers={"Next-Page": link} if end < self.count else {})


MIRROR = r"""
import re, sys
from pathlib import Path
from kinto_http import Client, replication

def held():
    status = Path("/proc/self/status")
    return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) if status.exists() else 0

small, big, destination = (Client(server_url=url, bucket="b", collection="c") for url in sys.argv[1:])
replication.replicate(small, destination)
before = held()
replication.replicate(big, destination)
print(held() - before)
"""


def test_20_000_records_pass_through_little_memory():
    filler = "x" * 2000
    small, big, destination = Endless(500, filler), Endless(20_000, filler), Endless(0, "")
    with serve(small) as one, serve(big) as other, serve(destination) as there:
        urls = [f"{server.url}/v1" for server in (one, other, there)]
        done = subprocess.run(
            [sys.executable, "-c", MIRROR, *urls], capture_output=True, text=True, timeout=200, check=False
        )
    assert done.returncode == 0, done.stderr
    assert destination.written == 20_500
    assert int(done.stdout) < 10 << 10  # KiB; the records are 40 MB


# --- the command line ---------------------------------------------------------


def run(*args):
    command = [sys.executable, "-m", "kinto_http.replication", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


def places(origin, destination):
    return [
        *("-o", origin.session.server_url, "--origin-auth", ":".join(origin.session.auth)),
        *("--origin-bucket", origin.bucket_name, "--origin-collection", origin.collection_name),
        *("-s", destination.session.server_url, "-a", ":".join(destination.session.auth)),
        *("-b", destination.bucket_name, "-c", destination.collection_name),
    ]


def test_the_command_copies_and_says_nothing(origin, destination):
    done = run(*places(origin, destination))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert contents(destination) == contents(origin)


def test_the_command_prints_a_summary_and_logs_what_it_does(origin, destination):
    done = run(*places(origin, destination), "--json", "-v")
    assert done.returncode == 0
    summary = json.loads(done.stdout)
    assert summary.pop("seconds") > 0
    expected = {"updated": 0, "deleted": 0, "unchanged": 0, "skipped": 0, "refused": 0}
    assert summary == {"read": 12, "created": 12, **expected}
    assert "The destination has 0 records" in done.stderr
    assert "12 records in" in done.stderr


def test_the_command_copies_permissions_on_request(origin, destination, permitting):
    assert run(*places(origin, destination), "--permissions").returncode == 0
    assert readers(destination, "r1") == ["account:reader"]


def test_what_the_origin_does_not_name_is_that_of_the_destination(kinto, account, origin, bucket):
    where = ["-s", kinto.url, "-a", ":".join(account), "-b", bucket]
    done = run(*where, "--origin-collection", "tasks", "-c", "second", "--json")
    assert (done.returncode, json.loads(done.stdout)["created"]) == (0, 12)
    assert contents(origin.clone(collection="second")) == contents(origin)


def test_the_command_fails_with_one_line(origin, destination):
    missing = [*places(origin, destination), "--origin-collection", "none"]
    nobody = [*places(origin, destination), "--origin-auth", "x:y"]
    for args, status, message in [
        (missing, 1, "404"),
        (nobody, 1, "401"),
        ([], 2, "--server"),
        (["-s", "http://127.0.0.1:9/v1"], 2, "must name a bucket"),
        (["-s", "http://127.0.0.1:9/v1", "-b", "b", "-c", "c"], 2, "the same collection"),
        (["-s", "ftp://h", "-o", "nonsense", "-b", "b", "-c", "c"], 2, "not an http"),
        (["-s", "http://127.0.0.1:9/v1", "-b", "b", "-c", "c", "--origin-bucket", "a"], 3, "127.0.0.1:9"),
    ]:
        done = run(*args)
        assert done.returncode == status, (args, done)
        assert done.stdout == ""
        assert done.stderr.startswith("error: ")
        assert message in done.stderr
        assert done.stderr.count("\n") == 1


def test_refused_records_are_the_commands_failure(origin, watched, refusing):
    done = run(*places(origin, watched), "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["refused"] == 1
    assert "no r3 here" in done.stderr
    assert "Traceback" not in done.stderr


def arguments(monkeypatch, *args):
    monkeypatch.setattr(sys, "argv", ["replication", *args])
    return replication.get_arguments()


def test_options(monkeypatch):
    args = arguments(monkeypatch, "-o", "http://o", "--origin-auth", "a:b", "--origin-bucket", "x", "-s", "http://d")
    assert (args.origin, args.origin_auth, args.origin_bucket, args.origin_collection) == (
        "http://o",
        ("a", "b"),
        "x",
        None,
    )
    assert (args.server, args.auth, args.bucket, args.collection) == ("http://d", None, None, None)
    assert vars(arguments(monkeypatch))["origin"] is None


def test_the_help_names_the_options():
    text = run("--help").stdout
    for option in (
        "-o",
        "--origin",
        "--origin-auth",
        "--origin-bucket",
        "--origin-collection",
        "--permissions",
        "--json",
    ):
        assert option in text
    assert "Exit status" in text


def test_main_can_be_called(monkeypatch, origin, destination):
    monkeypatch.setattr(sys, "argv", ["replication", *places(origin, destination)])
    assert replication.main() is None
    assert contents(destination) == contents(origin)

"""Uploads to the real Kinto, downloads from its file server, which is another origin; and what may go wrong."""

import asyncio
import email.parser
import email.policy
import errno
import hashlib
import json
import re
import resource
import subprocess
import sys
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest import mock

import pytest
import requests

from kinto_http import AsyncClient, KintoException
from kinto_http.exceptions import AddressException, DownloadException, NetworkException
from restwright.testing.faults import half_body, hang_within_body, reset_before, reset_within_body
from restwright.testing.serve import Reply, serve

pytestmark = pytest.mark.unbatched

CONTENT = bytes(range(256)) * 5000


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def downloads(tmp_path):
    path = tmp_path / "downloads"
    path.mkdir()
    return path


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def parts(seen):
    """(name, filename, content type, content) of each part."""
    head = f"Content-Type: {seen.headers['Content-Type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + seen.body)
    return [
        (
            part.get_param("name", header="content-disposition"),
            part.get_filename(),
            part.get("Content-Type"),
            part.get_payload(decode=True),
        )
        for part in message.iter_parts()
    ]


# --- upload -------------------------------------------------------------------


def test_a_file_is_attached_to_a_new_record(client, file, kinto):
    attachment = client.add_attachment("r1", file)
    assert attachment == {
        "filename": "picture.png",
        "hash": sha256(CONTENT),
        "location": attachment["location"],
        "mimetype": "image/png",
        "size": len(CONTENT),
    }
    assert client.get_record("r1")["data"]["attachment"] == attachment
    assert requests.get(attachment["location"], timeout=10).content == CONTENT


def test_arguments_have_their_published_places(client, file, bucket):
    client.create_collection("other")
    client.add_attachment("r1", str(file), "name.bin", bucket, "other", {"n": 1}, {"read": ["account:reader"]}, "a/b")
    record = client.get_record("r1", collection="other")
    assert record["data"]["n"] == 1
    assert record["permissions"]["read"] == ["account:reader"]
    assert record["data"]["attachment"]["filename"] == "name.bin"
    assert record["data"]["attachment"]["mimetype"] == "a/b"


def test_an_existing_record_keeps_its_fields(client, file):
    client.create_record("r1", data={"n": 1})
    client.add_attachment("r1", file, data={"m": 2})
    data = client.get_record("r1")["data"]
    assert (data["n"], data["m"], data["attachment"]["size"]) == (1, 2, len(CONTENT))


@pytest.mark.parametrize("name", ["ünï cödé.txt", 'quo"te.txt', "日本.txt", "no-extension"])
def test_filenames_of_all_kinds(client, file, name):
    assert client.add_attachment("r1", file, filename=name)["filename"]
    assert client.get_record("r1")["data"]["attachment"]["hash"] == sha256(CONTENT)


@pytest.fixture
def seen_upload(client, relay, file):
    """The parts that an upload sends."""

    def send(*args, **kwargs):
        through = client.clone(server_url=relay.url)
        through.add_attachment(*args, **kwargs)
        return parts(relay.seen("POST", "/attachment")[-1])

    return send


def test_parts_come_in_the_order_of_the_contract(seen_upload, file):
    sent = seen_upload("r1", file, permissions={"read": ["account:reader"]}, data={"é": 1})
    assert [name for name, *_ in sent] == ["data", "permissions", "attachment"]
    assert [json.loads(content) for *_, content in sent[:2]] == [{"é": 1}, {"read": ["account:reader"]}]
    assert [kind for *_, kind, _ in sent] == [None, None, "image/png"]
    assert sent[2] == ("attachment", "picture.png", "image/png", CONTENT)


def test_only_what_was_given_is_sent(seen_upload, file):
    assert [name for name, *_ in seen_upload("r1", file)] == ["attachment"]


def test_an_unknown_type_is_not_told(seen_upload, tmp_path):
    path = tmp_path / "file.unheard-of"
    path.write_bytes(b"x")
    assert seen_upload("r1", path) == [("attachment", "file.unheard-of", None, b"x")]


def test_the_type_is_that_of_the_file_whatever_it_is_called(seen_upload, file):
    assert seen_upload("r1", file, filename="picture.txt")[0][1:3] == ("picture.txt", "image/png")


def test_dates_in_the_data_are_sent_as_text(seen_upload, file):
    assert json.loads(seen_upload("r1", file, data={"on": date(2026, 11, 21)})[0][3]) == {"on": "2026-11-21"}


@pytest.mark.parametrize(
    "fault", [Reply(503), Reply(429), Reply(409), reset_before()], ids=["503", "429", "409", "reset"]
)
def test_a_repetition_sends_all_of_it_again(client, relay, file, fault):
    """The released client attached an empty file."""
    first = [fault]
    relay.meddle = lambda request, forward: first.pop() if first else forward()
    through = client.clone(server_url=relay.url, retry=1, retry_after=0)
    assert through.add_attachment("r1", file)["hash"] == sha256(CONTENT)
    uploads = relay.seen("POST", "/attachment")
    assert [parts(each)[-1][3] == CONTENT for each in uploads] == [True, True]


def test_an_answer_that_is_lost_is_made_up_for(client, relay, file):
    lost = []

    def lose(request, forward):
        answer = forward()
        if request.method == "POST" and not lost:
            lost.append(request)
            return reset_before()
        return answer

    relay.meddle = lose
    attachment = client.clone(server_url=relay.url).add_attachment("r1", file)
    assert attachment["hash"] == sha256(CONTENT)
    assert client.get_record("r1")["data"]["attachment"] == attachment
    assert len(relay.seen("POST")) == 2


def test_a_file_that_is_not_there_is_told_before_anything_is_sent(client, relay, tmp_path):
    with pytest.raises(FileNotFoundError):
        client.clone(server_url=relay.url).add_attachment("r1", tmp_path / "none")
    assert not relay.seen()


def test_what_the_service_refuses_is_a_clear_error(client, stranger, file):
    refused = client.clone(auth=stranger.session.auth)
    with pytest.raises(KintoException, match="403") as caught:
        refused.add_attachment("r1", file)
    assert caught.value.response.status_code == 403


def test_a_refusal_that_comes_before_all_is_sent_is_told(connect, tmp_path):
    path = tmp_path / "big"
    with path.open("wb") as sparse:
        sparse.truncate(30 << 20)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        with pytest.raises(KintoException, match="413"):
            connect(f"http://127.0.0.1:{server.server_port}").add_attachment("r1", path)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Refusing(BaseHTTPRequestHandler):
    """As nginx does: answers at once, and takes the rest for some time."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.send_response(413)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.flush()
        left = int(self.headers["Content-Length"])
        while left and (chunk := self.rfile.read(min(left, 1 << 20))):
            left -= len(chunk)

    def log_message(self, *args):
        pass


def test_an_attachment_can_be_removed(client, file):
    client.add_attachment("r1", file)
    assert client.remove_attachment("r1") is None
    assert client.get_record("r1")["data"]["attachment"] is None


def test_a_write_makes_the_remembered_timestamp_void(client, file):
    client.create_record("r0")
    before = client.get_records_timestamp()
    client.add_attachment("r1", file)
    between = client.get_records_timestamp()
    client.remove_attachment("r1")
    assert before < between < client.get_records_timestamp()


def test_dry_mode_sends_nothing(client, relay, file, downloads):
    dry = client.clone(server_url=relay.url, dry_mode=True)
    assert dry.add_attachment("r1", file) == {}
    assert dry.remove_attachment("r1") is None
    record = {"id": "r1", "attachment": {"filename": "f", "location": "http://127.0.0.1:9/f"}}
    assert dry.download_attachment(record, downloads) == str(downloads / "f")
    assert not relay.seen()
    assert not list(downloads.iterdir())


# --- download from the real service -------------------------------------------


@pytest.fixture
def record(client, file):
    """With an attachment."""
    client.add_attachment("r1", file)
    return client.get_record("r1")["data"]


def test_a_file_is_fetched_into_a_directory(client, record, downloads):
    path = client.download_attachment(record, str(downloads))
    assert path == str(downloads / "picture.png")
    assert (downloads / "picture.png").read_bytes() == CONTENT
    assert [each.name for each in downloads.iterdir()] == ["picture.png"]


def test_a_file_is_fetched_to_a_path_whose_folders_are_made(client, record, downloads):
    target = downloads / "a" / "b" / "mine.png"
    assert client.download_attachment(record, filepath=target) == str(target)
    assert target.read_bytes() == CONTENT


def test_a_path_that_ends_with_a_slash_is_a_directory(client, record, downloads):
    assert client.download_attachment(record, f"{downloads}/new/") == str(downloads / "new" / "picture.png")


def test_without_a_path_it_is_fetched_into_the_working_directory(client, record, downloads, monkeypatch):
    monkeypatch.chdir(downloads)
    assert client.download_attachment(record) == "picture.png"
    assert (downloads / "picture.png").read_bytes() == CONTENT


def test_another_filename_can_be_given(client, record, downloads):
    assert client.download_attachment(record, downloads, filename="mine") == str(downloads / "mine")


def test_an_envelope_will_do(client, record, downloads):
    assert client.download_attachment(client.get_record("r1"), downloads)
    assert (downloads / "picture.png").read_bytes() == CONTENT


def test_arguments_of_a_download_have_their_published_places(client, record, downloads):
    client.download_attachment(record, str(downloads / "f"), True, True, 1024)
    assert json.loads((downloads / "f.meta.json").read_text()) == record


def test_metadata_is_written_on_request_only(client, record, downloads):
    client.download_attachment(record, downloads)
    assert [each.name for each in downloads.iterdir()] == ["picture.png"]
    client.download_attachment(record, downloads, save_metadata=True)  # up to date: nothing is done
    assert [each.name for each in downloads.iterdir()] == ["picture.png"]
    client.download_attachment(record, downloads, save_metadata=True, overwrite=True)
    assert json.loads((downloads / "picture.png.meta.json").read_text()) == record


@pytest.mark.parametrize("attachment", [None, {}, "x", ...])
def test_a_record_without_an_attachment_is_refused(client, attachment, downloads):
    record = {"id": "r1"} if attachment is ... else {"id": "r1", "attachment": attachment}
    with pytest.raises(ValueError, match="'r1' has no attachment"):
        client.download_attachment(record, downloads)


# --- download from a server of ours -------------------------------------------


@pytest.fixture
def files(connect):
    """Downloads `content` from a server that answers as told, by a client of another one."""
    servers = []

    class Files:
        def __init__(self):
            self.root = {"capabilities": {"attachments": {"base_url": None}}}
            servers.append(serve(lambda seen: Reply(json=self.root)))
            self.client = connect(f"{servers[0].url}/v1", headers={"X-Secret": "s"})
            self.server = None

        def answer(self, *answers):
            self.server = serve(list(answers))
            servers.append(self.server)
            self.root["capabilities"]["attachments"]["base_url"] = f"{self.server.url}/files/"

        def fetch(self, target, content=CONTENT, *, client=None, **options):
            described = {"filename": "f", "location": "x/f", "size": len(content), "hash": sha256(content)}
            described |= options.pop("described", {})
            described = {name: value for name, value in described.items() if value is not ...}
            record = {"id": "r1", "attachment": described}
            return (client or self.client).download_attachment(record, target, **options)

        @property
        def asked(self):
            return [seen.target for seen in self.server.requests]

    yield Files()
    for server in servers:
        server.close()


def test_the_base_url_and_the_location_make_the_address(files, downloads):
    files.answer(Reply(content=CONTENT))
    files.fetch(downloads)
    assert files.asked == ["/files/x/f"]


def test_an_absolute_location_needs_no_base_url(files, downloads):
    files.answer(Reply(content=CONTENT))
    files.root = {}
    files.fetch(downloads, described={"location": f"{files.server.url}/elsewhere"})
    assert files.asked == ["/elsewhere"]


@pytest.mark.parametrize("root", [{}, {"capabilities": {"attachments": {"base_url": None}}}, {"capabilities": None}])
def test_without_a_base_url_there_is_a_clear_error(files, downloads, root):
    files.root = root
    with pytest.raises(KintoException, match="does not tell where"):
        files.fetch(downloads)


def test_a_location_that_is_not_http_is_refused(files, downloads, tmp_path):
    (tmp_path / "secret").write_bytes(CONTENT)
    with pytest.raises(AddressException):
        files.fetch(downloads, described={"location": f"file://{tmp_path}/secret"})
    assert not list(downloads.iterdir())


def test_another_origin_gets_no_credentials(files, downloads):
    files.answer(Reply(content=CONTENT))
    files.fetch(downloads)
    (seen,) = files.server.requests
    sent = {name.lower() for name in seen.headers}
    assert not sent & {"authorization", "cookie", "x-secret"}
    assert seen.headers["Accept-Encoding"] == "identity"


def test_the_same_origin_gets_them(connect, downloads):
    with serve([Reply(content=CONTENT)]) as server:
        record = {"attachment": {"filename": "f", "location": f"{server.url}/f"}}
        connect(f"{server.url}/v1").download_attachment(record, downloads)
    assert server.requests[0].headers["Authorization"].startswith("Basic ")


def test_a_redirect_is_followed(files, downloads):
    files.answer(Reply(302, headers={"Location": "/moved"}), Reply(content=CONTENT))
    files.fetch(downloads)
    assert files.asked == ["/files/x/f", "/moved"]
    assert (downloads / "f").read_bytes() == CONTENT


def test_a_file_that_is_up_to_date_is_not_fetched_again(files, downloads):
    files.answer(Reply(content=CONTENT))
    (downloads / "f").write_bytes(CONTENT)
    assert files.fetch(downloads) == str(downloads / "f")
    assert files.asked == []
    files.fetch(downloads, overwrite=True)
    assert len(files.asked) == 1


@pytest.mark.parametrize("there", [b"", CONTENT[:-1] + b"!", CONTENT + b"!"])
def test_a_file_that_differs_is_replaced(files, downloads, there):
    files.answer(Reply(content=CONTENT))
    (downloads / "f").write_bytes(there)
    files.fetch(downloads)
    assert (downloads / "f").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (Reply(404), DownloadException, "404"),
        (Reply(500), requests.HTTPError, "500"),
        (Reply(content=CONTENT[:-1]), KintoException, "the record says"),
        (Reply(content=CONTENT + b"!"), KintoException, "larger than the"),
        (Reply(content=CONTENT[:-1] + b"!"), KintoException, "SHA-256"),
        (Reply(204), KintoException, "0 bytes"),
        (half_body(Reply(content=CONTENT)), NetworkException, "(2 attempts)"),
        (reset_before(), NetworkException, "(2 attempts)"),
        (hang_within_body(Reply(content=CONTENT)), NetworkException, "0.3 s"),
    ],
    ids=["404", "500", "short", "long", "other", "nothing", "half", "reset", "hangs"],
)
def test_a_download_that_fails_leaves_what_was_there(files, downloads, answer, error, message):
    files.answer(answer)
    if message == "0.3 s":
        files.client.client.session.timeout = 0.3
    (downloads / "f").write_bytes(b"before")
    with pytest.raises(error, match=re.escape(message)) as raised:
        files.fetch(downloads)
    assert isinstance(raised.value, KintoException)
    assert [each.name for each in downloads.iterdir()] == ["f"]
    assert (downloads / "f").read_bytes() == b"before"


@pytest.mark.parametrize(
    "fault", [half_body, reset_within_body, lambda reply: Reply(503)], ids=["half", "reset", "503"]
)
def test_a_repetition_begins_anew(files, downloads, fault):
    files.answer(fault(Reply(content=CONTENT)), Reply(content=CONTENT))
    files.fetch(downloads, client=files.client.clone(retry=1, retry_after=0))
    assert (downloads / "f").read_bytes() == CONTENT
    assert len(files.asked) == 2
    assert [each.name for each in downloads.iterdir()] == ["f"]


@pytest.mark.parametrize(
    "name", ["../evil", "/tmp/evil", "a/../../evil", "..\\evil", "C:\\windows\\evil", "C:evil", "a/evil"]
)
def test_the_server_does_not_choose_the_directory(files, downloads, name):
    files.answer(Reply(content=CONTENT))
    assert files.fetch(downloads, described={"filename": name}) == str(downloads / "evil")


@pytest.mark.parametrize("name", ["..", ".", "/", "a/..", "a\0b", "a\nb"])
def test_names_that_are_none_are_refused(files, downloads, name):
    with pytest.raises(KintoException, match="no usable filename"):
        files.fetch(downloads, described={"filename": name})


def test_a_stand_in_for_the_get_of_requests_is_asked(files, downloads):
    """As in tests of programs that were written for `kinto-http`."""
    files.answer(Reply(500))
    with mock.patch("kinto_http.client.requests.get") as get:
        answer = get.return_value.__enter__.return_value
        answer.iter_content.return_value = [CONTENT[:100], CONTENT[100:]]
        assert files.fetch(downloads, chunk_size=100) == str(downloads / "f")
        assert (downloads / "f").read_bytes() == CONTENT
        get.assert_called_once_with(mock.ANY, stream=True)
        answer.iter_content.assert_called_once_with(chunk_size=100)
        answer.raise_for_status.side_effect = requests.HTTPError("404")
        with pytest.raises(requests.HTTPError):
            files.fetch(downloads, overwrite=True)
    assert (downloads / "f").read_bytes() == CONTENT
    assert files.asked == []


def test_a_record_that_says_little_will_do(files, downloads):
    files.answer(Reply(content=CONTENT))
    files.fetch(downloads, described={"filename": ..., "hash": ..., "size": ..., "location": "x/y.bin"})
    assert (downloads / "y.bin").read_bytes() == CONTENT


def test_a_long_name_is_no_obstacle(files, downloads):
    files.answer(Reply(content=CONTENT))
    files.fetch(downloads, described={"filename": "n" * 255})
    assert (downloads / ("n" * 255)).read_bytes() == CONTENT


def test_a_directory_in_the_place_of_the_file_is_told(files, downloads):
    files.answer(Reply(content=CONTENT))
    (downloads / "f").mkdir()
    with pytest.raises(OSError, match="directory"):
        files.fetch(downloads)
    assert [each.name for each in downloads.iterdir()] == ["f"]


def test_a_write_that_fails_is_told_as_such_and_not_tried_again(files, downloads):
    """As on a full disk, which a limit on the size of files stands for."""
    files.answer(Reply(content=CONTENT))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            files.fetch(downloads, client=files.client.clone(retry=3))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (type(caught.value), caught.value.errno) == (OSError, errno.EFBIG)
    assert len(files.asked) == 1
    assert not list(downloads.iterdir())


def test_a_folder_that_cannot_be_made_is_told(files, downloads):
    files.answer(Reply(content=CONTENT))
    (downloads / "file").touch()
    with pytest.raises(OSError, match="file"):
        files.fetch(downloads / "file" / "f", client=files.client.clone(retry=3))
    assert len(files.asked) == 1


# --- big files, and the event loop --------------------------------------------


SIZE = 200 << 20


class Big(BaseHTTPRequestHandler):
    """A service with one big attachment, which it neither keeps nor has."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.startswith("/v1"):
            self.answer(json.dumps({"capabilities": {"attachments": {"base_url": f"http://{self.headers['Host']}/"}}}))
            return
        self.send_response(200)
        self.send_header("Content-Length", str(SIZE))
        self.end_headers()
        block = bytes(1 << 20)
        for _ in range(SIZE >> 20):
            self.wfile.write(block)

    def do_POST(self):
        left = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, 1 << 20)))
        self.server.taken.append(int(self.headers["Content-Length"]))
        self.answer("{}")

    def answer(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        pass


TRANSFER = r"""
import asyncio, hashlib, re, sys, time
from pathlib import Path
from kinto_http import AsyncClient, Client

mode, url, folder, size = sys.argv[1:]
big, target = Path(folder, "big"), Path(folder, "fetched")
record = {"id": "r", "attachment": {"filename": "f", "location": "f", "size": int(size)}}

def held():
    status = Path("/proc/self/status")
    return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) if status.exists() else 0

async def tick(gaps):
    while True:
        started = time.perf_counter()
        await asyncio.sleep(0.005)
        gaps.append(time.perf_counter() - started)

async def transfer():
    async with AsyncClient(server_url=url, bucket="b", collection="c") as client:
        await client.add_attachment("r", sys.executable)
        before, gaps = held(), []
        ticking = asyncio.create_task(tick(gaps))
        await client.add_attachment("r", big)
        await client.download_attachment(record, target)
        ticking.cancel()
        print(held() - before, max(gaps))

if mode == "async":
    asyncio.run(transfer())
else:
    with Client(server_url=url, bucket="b", collection="c") as client:
        client.add_attachment("r", sys.executable)
        before = held()
        client.add_attachment("r", big)
        client.download_attachment(record, target)
        print(held() - before, 0)
"""


def test_big_files_pass_through_little_memory_and_the_event_loop_goes_on(mode, tmp_path):
    with (tmp_path / "big").open("wb") as sparse:
        sparse.truncate(SIZE)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Big)
    server.taken = []
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/v1"
        command = [sys.executable, "-c", TRANSFER, mode, url, tmp_path, str(SIZE)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert done.returncode == 0, done.stderr
    grown, longest_pause = map(float, done.stdout.split())
    assert max(server.taken) > SIZE
    assert (tmp_path / "fetched").stat().st_size == SIZE
    (tmp_path / "fetched").unlink()
    assert grown < 12 << 10  # KiB
    assert longest_pause < 0.5


def test_a_download_that_is_cancelled_leaves_nothing(downloads):
    async def main(url):
        async with AsyncClient(server_url=url) as client:
            record = {"attachment": {"filename": "f", "location": f"{url}/f", "size": 2 * len(CONTENT)}}
            fetching = asyncio.create_task(client.download_attachment(record, downloads))
            while not list(downloads.iterdir()):  # noqa: ASYNC110  # a file sets no event
                await asyncio.sleep(0.01)
            fetching.cancel()
            with pytest.raises(asyncio.CancelledError):
                await fetching

    with serve([hang_within_body(Reply(content=CONTENT * 2))]) as server:
        asyncio.run(main(server.url))
        assert server.wait_for_open_connections(0)
    assert not list(downloads.iterdir())


def test_downloads_of_the_same_file_at_once_do_not_spoil_it(downloads):
    async def main(url):
        async with AsyncClient(server_url=url) as client:
            described = {"filename": "f", "location": f"{url}/f", "size": len(CONTENT), "hash": sha256(CONTENT)}
            record = {"attachment": described}
            await asyncio.gather(*(client.download_attachment(record, downloads, overwrite=True) for _ in range(10)))

    with serve([Reply(content=CONTENT)]) as server:
        asyncio.run(main(server.url))
        assert len(server.requests) == 10
    assert (downloads / "f").read_bytes() == CONTENT
    assert [each.name for each in downloads.iterdir()] == ["f"]

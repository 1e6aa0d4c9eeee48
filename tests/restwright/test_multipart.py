"""The streamed form: what a server reads of it, how little is held of it, and that its errors are its own."""

import email.parser
import email.policy
import errno
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from restwright.multipart import FilePart, Form, Multipart
from restwright.policies import retry
from restwright.testing.faults import reset_before
from restwright.testing.serve import Reply, serve

NAMES = ["plain.txt", "two words.txt", 'quo"ted.txt', "back\\slash.txt", "ünï.txt", "日本.txt", "100%.txt", "a;b=c.txt"]


def form_of(seen):
    """The parts as the standard library's parser reads them: (name, filename, content type, content)."""
    text = f"Content-Type: {seen.headers['Content-Type']}\r\n\r\n".encode() + seen.body
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(text)
    return [
        (
            part.get_param("name", header="content-disposition"),
            part.get_filename(),
            part.get("Content-Type"),
            part.get_payload(decode=True),
        )
        for part in message.iter_parts()
    ]


def form(path, fields=(), **settings):
    settings = {"name": "attachment", "filename": path.name, "content_type": "text/plain", **settings}
    return Multipart(dict(fields), path=path, **settings)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(bytes(range(256)) * 3000)
    return path


def post(caller, body):
    return caller.ask("POST", content=body, headers={"Content-Type": body.content_type})


def test_fields_come_first_in_their_order_and_then_the_file(connect, file):
    fields = [("data", '{"é": 1}'), ("permissions", "{}"), ("empty", "")]
    with serve([Reply()]) as server:
        post(connect(server.url), form(file, fields))
    (seen,) = server.requests
    assert form_of(seen) == [
        ("data", None, None, '{"é": 1}'.encode()),
        ("permissions", None, None, b"{}"),
        ("empty", None, None, b""),
        ("attachment", "file.bin", "text/plain", file.read_bytes()),
    ]
    assert int(seen.headers["Content-Length"]) == len(seen.body)


def test_without_a_content_type_the_part_has_none(connect, file):
    with serve([Reply()]) as server:
        post(connect(server.url), form(file, content_type=None))
    assert form_of(server.requests[0])[0][2] is None


@pytest.mark.parametrize("name", NAMES)
def test_a_filename_may_be_anything_a_field_can_hold(connect, file, name):
    """As browsers send it (WHATWG HTML, multipart/form-data): UTF-8, with quotes and line breaks percent-encoded."""
    with serve([Reply()]) as server:
        post(connect(server.url), form(file, filename=name))
    written = name.replace('"', "%22")
    assert f'filename="{written}"'.encode() in server.requests[0].body


def test_a_filename_cannot_begin_another_field_or_part(connect, file):
    with serve([Reply()]) as server:
        post(connect(server.url), form(file, filename='a"\r\nX-Evil: 1\r\n\r\nb'))
    assert b"X-Evil: 1\r\n" not in server.requests[0].body
    assert len(form_of(server.requests[0])) == 1


def test_an_empty_file_is_a_part_too(connect, tmp_path):
    path = tmp_path / "empty"
    path.touch()
    with serve([Reply()]) as server:
        post(connect(server.url), form(path))
    assert form_of(server.requests[0]) == [("attachment", "empty", "text/plain", b"")]


def test_a_repetition_sends_all_of_it_again(connect, file):
    with serve([reset_before(), Reply(503), Reply()]) as server:
        caller = connect(server.url, policy=retry(3, any_method=True, delay_first=0.0))
        body = form(file)
        caller.ask("PUT", content=body, headers={"Content-Type": body.content_type})
    assert [form_of(seen)[0][3] == file.read_bytes() for seen in server.requests] == [True] * 3


def test_a_missing_file_is_told_at_once(tmp_path):
    with pytest.raises(FileNotFoundError):
        form(tmp_path / "none")


def test_a_file_that_has_gone_meanwhile_is_its_own_error_and_is_not_tried_again(connect, file):
    opened = []

    class Counted(Multipart):
        def chunks(self):
            opened.append(self.path)
            return super().chunks()

    body = Counted({}, name="f", path=file, filename="f", content_type=None)
    file.unlink()
    with serve([Reply()]) as server:
        caller = connect(server.url, policy=retry(3, any_method=True))
        with pytest.raises(FileNotFoundError) as caught:
            caller.ask("PUT", content=body, headers={"Content-Type": body.content_type})
        assert server.wait_for_open_connections(0)
    assert type(caught.value) is FileNotFoundError
    assert opened == [file]
    assert not server.requests


@pytest.mark.parametrize("change", ["shrunk", "grown"])
def test_a_file_that_changes_its_size_meanwhile_is_refused(connect, file, change):
    """Else the rest of it would be taken for the next request, or the server would wait for ever."""
    body = form(file)
    file.write_bytes(b"x" * (10 if change == "shrunk" else 10**6))
    with serve([Reply()]) as server:
        with pytest.raises(OSError, match="changed its size while it was sent"):
            post(connect(server.url), body)
        assert server.wait_for_open_connections(0)
    assert not server.requests


class Full:
    """A disk that takes the first bytes and no more."""

    def __init__(self):
        self.started = 0

    def start(self):
        self.started += 1

    def write(self, chunk):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_a_sink_raises_is_its_own_error_and_is_not_tried_again(connect):
    sink = Full()
    with serve([Reply(content=b"x" * 3_000_000)]) as server:
        caller = connect(server.url, policy=retry(3))
        with pytest.raises(OSError, match="No space left") as caught:
            caller.get(sink=sink)
        assert server.wait_for_open_connections(0)
    assert type(caught.value) is OSError
    assert (sink.started, len(server.requests)) == (1, 1)


def test_a_sink_that_times_out_is_not_the_servers_time_out(connect):
    class Slow(Full):
        def write(self, chunk):
            raise TimeoutError("the tape is not back")

    with serve([Reply(content=b"x")]) as server, pytest.raises(TimeoutError, match="the tape"):
        connect(server.url).get(sink=Slow())


def test_a_sink_that_cannot_start_is_its_own_error(connect):
    class Closed(Full):
        def start(self):
            raise PermissionError("not here")

    with serve([Reply(content=b"x")]) as server, pytest.raises(PermissionError, match="not here"):
        connect(server.url).get(sink=Closed())


UPLOADS = r"""
import asyncio, re, resource, sys
from pathlib import Path
from restwright import AsyncClient, Operations, Request, SyncClient, fetch, operation
from restwright.multipart import FilePart, Form, Multipart

class Uploads(Operations):
    @operation
    def upload(self, name):
        body = Multipart({}, name="f", path=Path(name), filename="f", content_type=None)
        yield from fetch(Request("POST", "/", content=body, headers={"Content-Type": body.content_type}))

class Sync(SyncClient, Uploads): pass
class Async(AsyncClient, Uploads): pass

def held():
    status = Path("/proc/self/status")
    if status.exists():  # in the other number is what the process had before it became this program
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

async def run(url, small, big):
    async with Async(url, Uploads()) as client:
        await client.upload(small)
        before = held()
        await client.upload(big)
        print(held() - before)

mode, *arguments = sys.argv[1:]
if mode == "async":
    asyncio.run(run(*arguments))
else:
    url, small, big = arguments
    with Sync(url, Uploads()) as client:
        client.upload(small)
        before = held()
        client.upload(big)
        print(held() - before)
"""


class Drain(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        left = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, 1 << 20)))
        self.server.drained.append(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


def test_a_file_of_any_size_is_sent_in_little_memory(mode, file, tmp_path):
    big = tmp_path / "big"
    with big.open("wb") as sparse:
        sparse.truncate(200 << 20)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Drain)
    server.drained = []
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        done = subprocess.run(
            [sys.executable, "-c", UPLOADS, mode, url, file, big],
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert done.returncode == 0, done.stderr
    assert max(server.drained) > 200 << 20
    assert int(done.stdout) < 8 << 10  # KiB


@pytest.mark.parametrize("kind", ["path", "bytes", "open file"])
def test_a_form_has_several_fields_and_files(tmp_path, kind):
    path = tmp_path / "a.txt"
    path.write_bytes(b"content")
    with path.open("rb") as file:
        source = {"path": path, "bytes": b"content", "open file": file}[kind]
        form = Form([("a", "1"), ("a", "2")], [FilePart("f", source, "a.txt", "text/plain"), FilePart("g", b"", "g")])
        bodies = [b"".join(form.chunks()) for _ in range(2)]
    assert bodies[0] == bodies[1]
    assert len(bodies[0]) == form.length
    boundary = form.content_type.partition("boundary=")[2].encode()
    parts = bodies[0].split(b"--" + boundary)
    assert [part.split(b"\r\n\r\n")[-1] for part in parts[1:5]] == [b"1\r\n", b"2\r\n", b"content\r\n", b"\r\n"]
    assert parts[-1] == b"--\r\n"
    assert b'name="f"; filename="a.txt"\r\nContent-Type: text/plain' in parts[3]


def test_an_open_file_is_sent_from_where_it_stands(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"before|content")
    with path.open("rb") as file:
        file.seek(7)
        form = Form([], [FilePart("f", file, "a.txt")])
        assert b"before" not in b"".join(form.chunks())
        assert b"content" in b"".join(form.chunks())

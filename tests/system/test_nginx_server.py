"""`rest_tools.server` behind nginx, set up as docs/server.md says."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from benchmarks.load import Load

PAGE = (Path(__file__).parents[2] / "docs/server.md").read_text(encoding="utf-8")
SERVER = """
import asyncio
from rest_tools.server import RestHandler, RestServer

class Fruits(RestHandler):
    async def get(self):
        await asyncio.sleep(0.002)
        self.write({"address": self.request.remote_ip, "protocol": self.request.protocol})

    def post(self):
        self.write({"size": len(self.request.body)})

server = RestServer(max_body_size=1_000_000)
server.add_route("/fruits", Fruits)
server.add_standard_routes()
server.run("127.0.0.1", 0, processes=2)
"""
FRAME = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ }}
http {{
    access_log off; proxy_max_temp_file_size 0; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    client_body_buffer_size 2m; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    {page}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@pytest.fixture
def proxied(tmp_path):
    """The program with its two workers, and the port of the nginx in front of it."""
    program = subprocess.Popen([sys.executable, "-c", SERVER], stderr=subprocess.PIPE, text=True)
    nginx = None
    try:
        port = re.search(r"port (\d+)", program.stderr.readline())[1]
        own = free_port()
        page = re.search(r"```nginx\n(.*?)```", PAGE, re.DOTALL)[1]
        page = page.replace("listen 443 ssl", f"listen 127.0.0.1:{own}").replace("127.0.0.1:8080", f"127.0.0.1:{port}")
        (tmp_path / "nginx.conf").write_text(FRAME.format(folder=tmp_path, page=page))
        nginx = subprocess.Popen(["nginx", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")])
        for _ in range(200):
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", own)) == 0:
                    break
            time.sleep(0.02)
        yield program, own
    finally:
        for process in (nginx, program):
            if process is not None:
                process.terminate()
                process.wait()
        program.stderr.close()


def test_clients_are_known_and_limits_hold(proxied):
    _, port = proxied
    url = f"http://127.0.0.1:{port}"
    forged = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
    assert requests.get(f"{url}/fruits", headers=forged, timeout=10).json() == {
        "address": "127.0.0.1",
        "protocol": "http",
    }
    assert requests.post(f"{url}/fruits", data=b"x" * 900_000, timeout=10).json() == {"size": 900_000}
    assert requests.post(f"{url}/fruits", data=b"x" * 1_100_000, timeout=10).status_code == 413
    assert requests.get(f"{url}/metrics", timeout=10).status_code == 403


def test_rolling_restarts_fail_no_request(proxied):
    program, port = proxied

    def workers():
        return set(Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split())

    def wait_for_others_than(old):
        while old & workers() or len(workers()) != 2:
            time.sleep(0.05)

    wait_for_others_than(set())
    with Load(port, "/fruits", kept=6, fresh=6) as load:
        for _ in range(3):
            before = workers()
            program.send_signal(signal.SIGHUP)
            wait_for_others_than(before)
    assert load.failures == []
    assert load.refused == 0
    assert set(load.statuses) == {200}
    assert load.statuses[200] > 300

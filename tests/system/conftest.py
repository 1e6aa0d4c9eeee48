"""Servers on free ports: ours, as its tests have them, and nginx before them.  And Chromium."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.rest_tools.conftest import loop, serving

__all__ = ["loop", "serving"]

SETTINGS = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr;
events {{ }}
http {{
    access_log off; client_body_buffer_size 1m; proxy_max_temp_file_size 0;  # no files: workers are another user
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{ listen 127.0.0.1:{port}; {inside} }}
}}
"""

CHROMIUM = "/usr/bin/chromium"
OPTIONS = [
    *("--no-sandbox", "--disable-gpu", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@pytest.fixture(scope="module")  # and no longer: as long as there is one, its thread cannot run another event loop
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def nginx(tmp_path: Path) -> Callable[[str], AbstractContextManager[str]]:
    """Called with settings of a server, it gives a context with the URL of that."""

    @contextlib.contextmanager
    def run(inside: str) -> Iterator[str]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        settings = tmp_path / "nginx.conf"
        settings.write_text(SETTINGS.format(folder=tmp_path, port=port, inside=inside))
        process = subprocess.Popen(["nginx", "-p", str(tmp_path), "-c", str(settings)])
        try:
            for _ in range(200):
                with socket.socket() as attempt:
                    if attempt.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.02)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()

    return run

"""The real Kinto server, for demos and tests.

Kinto runs in a process of its own, with everything in memory. The process is on a
leash: its standard input is a pipe that we hold. When the pipe closes because we died, it removes its files
and exits. So no server is ever left behind.

Needs the extra `restwright[kinto]`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import requests

__all__ = ["KintoServer", "kinto_server"]

# Run by path, not with -m: the server has no use for our package, and importing it costs time.
PROCESS = Path(__file__).with_name("_kinto_process.py")
ANSWER_TIMEOUT = 10.0


@dataclass(frozen=True)
class KintoServer:
    """A running Kinto. Accounts, like everything else, are gone after `flush`."""

    url: str
    """Root of the API, such as `http://127.0.0.1:8888/v1`, without a trailing slash."""
    attachments_url: str
    """Where attached files are downloaded, with a trailing slash; not the origin of `url`."""
    directory: Path
    """Holds the attached files in `attachments/` and the server's log in `log`; removed at the end."""

    def create_account(self, user: str, password: str) -> None:
        """Let `user` log in with `password`, by basic authentication."""
        self._send("PUT", f"/accounts/{user}", {"data": {"password": password}})

    def flush(self) -> None:
        """Forget all objects, permissions and accounts."""
        self._send("POST", "/__flush__")

    @property
    def log(self) -> str:
        """What the server has logged so far: warnings and tracebacks."""
        return (self.directory / "log").read_text(errors="replace")

    def _send(self, method: str, path: str, body: Mapping[str, Mapping[str, str]] | None = None) -> None:
        with requests.Session() as session:
            session.trust_env = False  # no proxy between us and the loopback
            session.request(method, self.url + path, json=body, timeout=ANSWER_TIMEOUT).raise_for_status()


@contextmanager
def kinto_server(
    *,
    port: int = 0,
    address: str = "127.0.0.1",
    accounts: Mapping[str, str] | None = None,
    paginate_by: int = 100,
    openid_issuer: str | None = None,
    openid_authority: str | None = None,
    settings: Mapping[str, str | int | bool] | None = None,
    start_timeout: float = 60.0,
) -> Generator[KintoServer]:
    """Start Kinto, wait until it answers, and stop it at the end.

    Enabled are the plugins accounts (anyone may create one), default bucket, history, flush, attachment, and
    the permissions endpoint. Whoever is logged in may create buckets.

    Args:
        port: Of the API; 0 for a free one. The one for attached files is always free.
        address: To listen on, of IPv4; whoever reaches it may create accounts and objects.
        accounts: Who can log in from the start, and their passwords.
        paginate_by: Objects per page at most.
        openid_issuer: URL of an OpenID provider whose bearer tokens are accepted too. It has to be listening
            already: Kinto reads its configuration at start-up. The user id is `openid:<email>`.
        openid_authority: Path of the certificate (PEM) by which that of the provider is checked; those of `requests`
            unless given.
        settings: More settings of Kinto, by their full names; they win over ours.
            For instance `{"kinto.backoff": 30, "kinto.readonly": True}`.
        start_timeout: Seconds.

    Raises:
        ImportError: Kinto is not installed.
        OSError: The address is not ours, or the port is in use.
        ValueError: There is no such file.
        RuntimeError: It did not start; the message ends with its log.
    """
    _require("kinto", "kinto_attachment", "waitress")
    if openid_authority is not None and not Path(openid_authority).is_file():
        raise ValueError(f"openid_authority: there is no file {openid_authority!r}")
    # Kinto asks by requests, which knows no other way to be told so from outside.
    trust = {} if openid_authority is None else {"REQUESTS_CA_BUNDLE": str(Path(openid_authority).absolute())}
    with tempfile.TemporaryDirectory(prefix="restwright-kinto-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        api, attachments = listeners = _listeners(address, port)
        server = KintoServer(
            url=f"http://{_authority(api)}/v1",
            attachments_url=f"http://{_authority(attachments)}/attachments/",
            directory=directory,
        )
        configuration = {
            "directory": name,
            "sockets": [listener.fileno() for listener in listeners],
            "settings": {
                "kinto.attachment.base_url": server.attachments_url,
                **_settings(paginate_by, openid_issuer),
                **{key: _ini(value) for key, value in (settings or {}).items()},
            },
        }
        with (directory / "log").open("wb") as log, _process(directory, log, listeners, trust) as process:
            if not _starts(process, configuration, start_timeout):
                message = (
                    f"Kinto did not start within {start_timeout:g} s, or died. Its log ends with:\n{server.log[-4000:]}"
                )
                raise RuntimeError(message)
            for user, password in (accounts or {}).items():
                server.create_account(user, password)
            yield server


def _listeners(address: str, port: int) -> tuple[socket.socket, socket.socket]:
    """For the API and for attached files; made here, so that a port in use is told at once."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    api = socket.create_server((address, port), family=family, backlog=1024)
    try:
        return api, socket.create_server((address, 0), family=family, backlog=1024)
    except BaseException:
        api.close()
        raise


def _authority(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _require(*packages: str) -> None:
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        message = f"{', '.join(missing)} not found: pip install 'restwright[kinto]'"
        raise ImportError(message)


@contextmanager
def _process(
    directory: Path, log: IO[bytes], listeners: tuple[socket.socket, ...], environment: Mapping[str, str]
) -> Generator[subprocess.Popen[bytes]]:
    # -P: or the script's folder comes first in sys.path, where our kinto.py shadows the server's package.
    # -W: nobody reads its warnings, and PYTHONWARNINGS=error in our environment must not break it.
    command = [sys.executable, "-P", "-W", "ignore", str(PROCESS)]
    with ExitStack() as ours:
        for listener in listeners:
            ours.enter_context(listener)  # closed here once the process has it: it ends with the process
        # cwd: Kinto looks for config/kinto.ini there, and must not find one of the user's.
        # process_group: Ctrl+C in the terminal is for us; we end it.
        process = subprocess.Popen(  # noqa: S603
            command,
            cwd=directory,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            pass_fds=[listener.fileno() for listener in listeners],
            process_group=0,
        )
    try:
        yield process
    finally:
        # Kill, not ask: it holds nothing that is worth a wait.
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _starts(process: subprocess.Popen[bytes], configuration: Mapping[str, object], timeout: float) -> bool:
    """Hand over the configuration; whether the server comes up."""
    assert process.stdin is not None
    assert process.stdout is not None
    watchdog = threading.Timer(timeout, process.kill)
    watchdog.start()
    try:
        process.stdin.write(json.dumps(configuration).encode() + b"\n")
        process.stdin.flush()
        return process.stdout.readline() != b""
    except BrokenPipeError:
        return False
    finally:
        watchdog.cancel()


def _settings(paginate_by: int, openid_issuer: str | None) -> dict[str, str]:
    plugins = ["default_bucket", "accounts", "history", "flush"]
    settings = {
        "kinto.userid_hmac_secret": "not a secret",
        "kinto.storage_backend": "kinto.core.storage.memory",
        "kinto.cache_backend": "kinto.core.cache.memory",
        "kinto.permission_backend": "kinto.core.permission.memory",
        "kinto.paginate_by": str(paginate_by),
        "kinto.experimental_permissions_endpoint": "true",
        "kinto.account_create_principals": "system.Everyone",
        "kinto.bucket_create_principals": "system.Authenticated",
        "kinto.attachment.extensions": "any",
        "multiauth.policies": "account",
        "multiauth.policy.account.use": "kinto.plugins.accounts.AccountsPolicy",
    }
    if openid_issuer is not None:
        plugins.append("openid")
        settings |= {
            "multiauth.policies": "account openid",
            "multiauth.policy.openid.use": "kinto.plugins.openid.OpenIDConnectPolicy",
            "multiauth.policy.openid.issuer": openid_issuer,
            "multiauth.policy.openid.client_id": "restwright",
            "multiauth.policy.openid.client_secret": "not a secret",
            "multiauth.policy.openid.userid_field": "email",
        }
    settings["kinto.includes"] = " ".join([*(f"kinto.plugins.{name}" for name in plugins), "kinto_attachment"])
    return settings


def _ini(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

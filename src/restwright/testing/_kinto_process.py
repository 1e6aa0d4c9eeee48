"""Kinto in a process of its own; started by `kinto.py`, which says what comes in and what goes out.

In: the sockets for the API and for attached files; one line of JSON with their descriptors, the directory and the
settings; then nothing until the end. Out: one line, when requests to both are answered.
"""

# pyright: basic
# (None of the packages that make up the server has types.)

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import sys
import threading

import bcrypt
import kinto
from kinto.core.permission.memory import Permission
from waitress.server import create_server
from werkzeug.middleware.shared_data import SharedDataMiddleware

PERMISSIONS = ["read", "write", "group:create", "collection:create", "record:create"]


def main() -> None:
    report, sys.stdout = sys.stdout, sys.stderr  # Kinto prints; that belongs into the log
    logging.basicConfig(level=logging.WARNING)
    # Tasks that wait for a thread are normal here: hundreds of requests come at once.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    configuration = json.loads(sys.stdin.readline())
    directory: str = configuration["directory"]
    threading.Thread(target=hold_leash, args=[directory], daemon=True).start()

    sockets = [socket.socket(fileno=descriptor) for descriptor in configuration["sockets"]]
    for listener in sockets:
        listener.settimeout(0)  # waitress polls
    files = f"{directory}/attachments"
    settings: dict[str, str] = {"kinto.attachment.base_path": files, **configuration["settings"]}
    # A quarter of a second for each new account and each log-in is right in production, and not here.
    expensive = bcrypt.gensalt
    bcrypt.gensalt = lambda *_: expensive(rounds=4)
    Permission.get_objects_permissions = permissions_of
    server = create_server(
        SharedDataMiddleware(kinto.main({}, **settings), {"/attachments": files}, cache=False),
        sockets=sockets,
        threads=4,
        connection_limit=4096,
        asyncore_use_poll=True,  # select() ends at 1024 descriptors
    )
    print("ready", file=report, flush=True)
    server.run()


def hold_leash(directory: str) -> None:
    """End with the parent: its end of our standard input closes then, however it ends."""
    sys.stdin.read()
    shutil.rmtree(directory, ignore_errors=True)
    os._exit(0)


def permissions_of(
    self: Permission, objects_ids: list[str], permissions: list[str] | None = None
) -> list[dict[str, set[str]]]:
    """Permissions of objects, looked up.  Kinto's own walks the whole memory for each: 34,000 writes took minutes."""
    names = permissions or PERMISSIONS
    keys = [{name: f"permission:{uri}:{name}" for name in names} for uri in objects_ids]
    return [{name: set(self._store[key]) for name, key in of.items() if key in self._store} for of in keys]


if __name__ == "__main__":
    main()

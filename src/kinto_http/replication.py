"""Make a collection the copy of another one, on the same server or elsewhere.

    python -m kinto_http.replication -o https://origin.test/v1 -s https://mirror.test/v1 -b blog -c articles

The ids and timestamps of the destination are held in memory, and nothing else: the records of the origin pass by
page after page, what differs goes out in batches that are full, and what the origin did not have is deleted at
the end.  A second run finds nothing to do.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import sys
from collections.abc import Callable

from kinto_http import cli_utils
from kinto_http.client import Client
from kinto_http.exceptions import AddressException, DeadlineException, KintoException, NetworkException
from kinto_http.mirroring import Mirroring, Summary
from kinto_http.mirroring import logger as progress

logger = logging.getLogger(__name__)  # `progress`, unless this runs as a script


def replicate(
    origin: Client,
    destination: Client,
    *,
    permissions: bool = False,
    report: Callable[[Summary], object] | None = None,
) -> None:
    """Make the destination's collection equal to the origin's: its metadata, and its records with their timestamps.

    A bucket or collection that is not there is created, with its permissions.  Records that the origin does not
    have, or does not show to its client, are deleted.

    Args:
        origin: Its bucket and collection are read.
        destination: A bucket or collection that it does not name is that of the origin.
        permissions: Copy those of each record too, which asks for the records one by one, and bring those of bucket
            and collection up to date.  Groups of the origin's bucket become those of the same name in the other.
        report: Called with a summary at the end.

    Raises:
        ValueError: No collection is named, or both clients name the same one.
        KintoBatchException: The destination refused some of the records; the others were copied.
        KintoException: A server failed, or does not let its client do what is needed.
    """
    bucket, collection = origin.bucket_name, origin.collection_name
    if not bucket or not collection:
        raise ValueError("the origin's client must name a bucket and a collection")
    into = (destination.bucket_name or bucket, destination.collection_name or collection)
    servers = [(getattr(client.session, "server_url", None) or "").rstrip("/") for client in (origin, destination)]
    if (servers[0], bucket, collection) == (servers[1], *into):
        raise ValueError("origin and destination are the same collection")
    # Clones share the session, and leave the caller's clients as they are.
    mirror = destination.clone(bucket=into[0], collection=into[1])
    Mirroring(origin.clone(), mirror, permissions=permissions).run(report)


def get_arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = cli_utils.add_parser_options(
        prog="python -m kinto_http.replication",
        description="Make a collection the copy of another one: what the origin does not have is deleted.",
        epilog="-s, -a, -b and -c are the destination's. Exit status: 0 done, 1 a server refused or failed, "
        "2 wrong arguments, 3 no answer.",
    )
    add = parser.add_argument
    add("-o", "--origin", help="The location of the server to copy from (default: the destination's)")
    add(
        "--origin-auth",
        action=cli_utils.AuthAction,
        help="Credentials for the origin, as for --auth (default: those of the destination)",
    )
    add("--origin-bucket", help="Bucket to copy from (default: the destination's)")
    add("--origin-collection", help="Collection to copy from (default: the destination's)")
    add("--permissions", action="store_true", help="Copy the permissions of records too")
    add("--json", action="store_true", help="Print a summary as JSON")
    return parser.parse_args()


def main() -> None:
    """The command line; its errors are one line on stderr and the exit status."""
    status = _status(get_arguments())
    if status:
        sys.exit(status)


def _status(args: argparse.Namespace) -> int:
    cli_utils.setup_logger(progress, args)
    try:
        _run(args)
    except KintoException as error:
        no_answer = isinstance(error, (NetworkException, DeadlineException))
        return _failed(error, 3 if no_answer else 2 if isinstance(error, AddressException) else 1)
    except ValueError as error:
        return _failed(error, 2)
    except KeyboardInterrupt:
        return _failed("interrupted", 130)  # as the shell says of SIGINT
    return 0


def _run(args: argparse.Namespace) -> None:
    if not args.server:
        raise ValueError("say which server to copy to, with --server")
    settings = vars(args)
    sides = [
        argparse.Namespace(
            **{
                **settings,
                **{name: settings[first + name] or settings[second + name] for name in ("bucket", "collection")},
            },
        )
        for first, second in (("origin_", ""), ("", "origin_"))
    ]
    sides[0].server, sides[0].auth = args.origin or args.server, args.origin_auth or args.auth
    origin, destination = map(cli_utils.create_client_from_args, sides)
    with origin, destination:
        replicate(origin, destination, permissions=args.permissions, report=_print if args.json else None)


def _print(summary: Summary) -> None:
    print(json.dumps(dataclasses.asdict(summary)))  # noqa: T201 - what was asked for


def _failed(error: object, status: int) -> int:
    print(f"error: {error}", file=sys.stderr)  # noqa: T201
    return status


if __name__ == "__main__":
    main()

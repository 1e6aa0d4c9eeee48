"""Options that command-line scripts share, and a client made from them."""

from __future__ import annotations

import argparse
import getpass
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kinto_http.tokens import BearerTokenAuth

if TYPE_CHECKING:
    from kinto_http.client import Client


class AuthAction(argparse.Action):
    """Parses `user:password`, `user` (asks for the password) or `<type> <token>`."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Store the parsed credentials."""
        del parser, option_string
        text = str(values)
        scheme, space, token = text.partition(" ")
        # A password may hold spaces and colons, a token colons: what comes first decides.
        is_token = space and ":" not in scheme
        auth = BearerTokenAuth(token=token, type=scheme) if is_token else get_auth(text)
        setattr(namespace, self.dest, auth)


def get_auth(auth: str) -> tuple[str, str]:
    """User and password of `user:password`; asks for the password at the terminal if there is none."""
    user, colon, password = auth.partition(":")
    return user, password if colon else getpass.getpass(f"Password of {user}: ")


def add_parser_options(
    parser: argparse.ArgumentParser | None = None,
    default_server: str | None = None,
    default_auth: str | None = None,
    default_retry: int = 0,
    default_retry_after: int | None = None,
    default_ignore_batch_4xx: bool = False,
    default_bucket: str | None = None,
    default_collection: str | None = None,
    include_bucket: bool = True,
    include_collection: bool = True,
    **kwargs: Any,
) -> argparse.ArgumentParser:
    """A parser with the options that `create_client_from_args` and `setup_logger` read.

    Args:
        parser: Gets the options added; a new one, made with `kwargs`, when not given.
        default_server: Root of the API, with its version.
        default_auth: Not parsed here: the client does that, so `user:password` and `Bearer token` work.
        default_retry: Times to repeat a refused request.
        default_retry_after: Seconds between; the server says when `None`.
        default_ignore_batch_4xx: Go on when single requests of a batch are refused.
        default_bucket: Bucket when none is named.
        default_collection: Collection when none is named.
        include_bucket: Whether to offer `--bucket` at all.
        include_collection: Whether to offer `--collection` at all.
        kwargs: For `argparse.ArgumentParser`.
    """
    parser = parser or argparse.ArgumentParser(**kwargs)
    add = parser.add_argument
    add("-s", "--server", default=default_server, help="The location of the remote server (with prefix)")
    add(
        *("-a", "--auth"),
        action=AuthAction,
        default=default_auth,
        help="BasicAuth credentials: `token:my-secret` or Authorization header: `Bearer token`",
    )
    if include_bucket:
        add("-b", "--bucket", default=default_bucket, help="Bucket name.")
    if include_collection:
        add("-c", "--collection", default=default_collection, help="Collection name.")
    add("--retry", type=int, default=default_retry, help="Number of retries when a request fails")
    add(
        "--retry-after",
        type=int,
        default=default_retry_after,
        help="Delay in seconds between retries when requests fail (default: provided by server)",
    )
    add(
        "--ignore-batch-4xx",
        action="store_true",
        default=default_ignore_batch_4xx,
        help="Do not fail when requests of a batch are refused (4xx).",
    )
    for flags, level, what in (
        (("-v", "--verbose"), logging.INFO, "Show all messages."),
        (("-q", "--quiet"), logging.CRITICAL, "Show only critical errors."),
        (("-D", "--debug"), logging.DEBUG, "Show all messages, including debug messages."),
    ):
        add(*flags, action="store_const", const=level, dest="verbosity", help=what)
    return parser


set_parser_server_options = add_parser_options  # the name in older documentation


def create_client_from_args(args: argparse.Namespace) -> Client:
    """A client for the parsed options; without a bucket option it has no default bucket."""
    from kinto_http.client import Client  # the one heavy import: a `--help` does without

    return Client(
        server_url=args.server,
        auth=args.auth,
        bucket=getattr(args, "bucket", None),
        collection=getattr(args, "collection", None),
        retry=args.retry,
        retry_after=args.retry_after,
        ignore_batch_4xx=args.ignore_batch_4xx,
    )


def setup_logger(logger: logging.Logger, args: argparse.Namespace) -> None:
    """Let the logger write to stderr, at the level asked for with `-v`, `-q` or `-D`."""
    logger.addHandler(logging.StreamHandler())
    if args.verbosity:
        logger.setLevel(args.verbosity)

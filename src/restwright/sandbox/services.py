"""The services by name, as the command line and `sandbox` start them."""

from __future__ import annotations

import argparse
import errno
import importlib
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

from restwright.sandbox.command import Command, Rows

__all__ = ["SERVICES", "Started", "command_of", "start"]

SERVICES: Final = {
    "identity": "an OpenID provider",
    "keystone": "a Keystone, of both eras",
    "sequoia": "the services of Sequoia, with their registry",
    "kinto": "the real Kinto",
}
"""What there is, in the order in which they start: Kinto looks for the OpenID provider then."""

_MEMORY: Final = "sqlite://"


@dataclass(frozen=True)
class Started:
    """A service that was started by its command."""

    command: Command
    options: argparse.Namespace
    service: Any

    @property
    def control_url(self) -> str | None:
        """Where it takes orders; None if it does not."""
        return self.service.control_url if self.command.is_played else None

    @property
    def rows(self) -> Rows:
        """What people want to know of it."""
        control = self.control_url
        return self.command.rows(self.service) + ([] if control is None else [("control", control)])

    @property
    def tls_rows(self) -> Rows:
        """Where its certificates are; none without TLS."""
        return self.service.tls.rows() if self.command.is_played else []

    @property
    def document(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "url": self.service.url,
            "control": self.control_url,
            "certificates": self.service.tls.files() if self.command.is_played else None,
            **self.command.document(self.service),
        }

    @property
    def is_kept(self) -> bool:
        """Whether its records stay when it stops."""
        return getattr(self.options, "database", _MEMORY) != _MEMORY


def command_of(name: str) -> Command:
    """How it is run; the other services, and what they need, are not even imported.

    Raises:
        ImportError: What it needs is not installed; the message says what to install.
    """
    command: Command = importlib.import_module(f"restwright.sandbox.{name}.command").COMMAND
    return command


def start(stack: ExitStack, name: str, command: Command, options: argparse.Namespace) -> Started:
    """Start a service, which ends with the stack.

    Raises:
        OSError: It cannot listen there; `strerror` says which service, where and why.
        ValueError: An option cannot be that.
        RuntimeError: Kinto does not start.
        ImportError: What it needs is not installed; the message says what to install.
    """
    try:
        service = stack.enter_context(command.start(options))
    except OSError as error:
        raise OSError(
            error.errno, f"{name} cannot listen on {options.address} {_where(error, command, options)}"
        ) from error
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    except RuntimeError as error:
        raise RuntimeError(f"{name}: {error}") from error
    return Started(command, options, service)


def _where(error: OSError, command: Command, options: argparse.Namespace) -> str:
    is_taken = error.errno == errno.EADDRINUSE
    if command.ports == 1 or not options.port:
        return f"port {options.port}: {'the port is in use' if is_taken else error.strerror or error}"
    last = options.port + command.ports - 1
    return f"ports {options.port} to {last}: {'one of them is in use' if is_taken else error.strerror or error}"

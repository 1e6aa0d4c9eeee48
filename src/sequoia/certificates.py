"""The files of two-way TLS, tried before anything is sent: so an error can name the argument that is wrong."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

__all__ = ["check_certificates"]

_NO_PASSWORD: Final = b""  # else OpenSSL asks for one at the terminal


def check_certificates(client_cert: str, client_key: str, server_cert: str) -> None:
    """Can TLS be spoken with these files?

    Args:
        client_cert: Path of our certificate (PEM), with those between it and its authority.
        client_key: Path of its private key (PEM), not encrypted.
        server_cert: Path of the authorities by which the server is checked (PEM), or of a folder of them.

    Raises:
        OSError: A file cannot be read, FileNotFoundError if it is not there.
        ValueError: It is not what its argument wants.
    """
    for name, path in (("client_cert", client_cert), ("client_key", client_key)):
        _read(name, path)
    if not Path(server_cert).is_dir():
        _read("server_cert", server_cert)
        _check_certificate("server_cert", server_cert)
    _check_certificate("client_cert", client_cert)  # then what fails below is about the key
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(client_cert, client_key, _NO_PASSWORD)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ValueError(f"client_key: {client_key!r} is not the key of client_cert, {client_cert!r}") from error
        raise ValueError(f"client_key: {client_key!r} has no private key in PEM without a password") from error


def _read(name: str, path: str) -> None:
    try:
        Path(path).read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{name}: there is no file {path!r}") from error
    except OSError as error:
        raise OSError(error.errno, f"{name} cannot be read: {error.strerror}", path) from error


def _check_certificate(name: str, path: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError as error:
        raise ValueError(f"{name}: {path!r} has no certificate in PEM") from error

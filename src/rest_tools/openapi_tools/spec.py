"""OpenAPI documents: read, completed from the metadata of a package, and validated."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Mapping
from email.utils import getaddresses
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

if TYPE_CHECKING:
    from openapi_core import OpenAPI

__all__ = ["get_version_vmaj", "load_openapi_spec", "openapi_available", "require_openapi_core", "sdict"]

sdict: TypeAlias = dict[str, Any]  # noqa: PYI042  # the contract's name

openapi_available: Final = importlib.util.find_spec("openapi_core") is not None
"""Whether openapi-core is installed."""

_HOMES: Final = ("homepage", "home", "home-page", "documentation", "repository", "source")


def require_openapi_core() -> None:
    """Return if openapi-core is installed.

    Raises:
        RuntimeError: It is not.
    """
    if not openapi_available:
        raise RuntimeError("openapi-core is not installed: pip install 'restwright[openapi]'")


def load_openapi_spec(fpath: Path, metadata_from_package: str) -> tuple[OpenAPI, sdict]:
    """The OpenAPI document of a file, as an object that validates and as the dictionary that may be served.

    Args:
        fpath: A JSON or YAML file; relative references in it are relative to it.
        metadata_from_package: An installed distribution, whose summary (from OpenAPI 3.1 on), description, contact
            and license become those of `info`, as far as there are any; empty for none.

    Raises:
        RuntimeError: openapi-core is not installed, or the file has some of what comes from the distribution.
        importlib.metadata.PackageNotFoundError: There is no such distribution.
        OSError: The file cannot be read.
        ValueError: It holds no JSON or YAML object.
        Exception: Those of openapi-spec-validator: this is no OpenAPI document.
    """
    require_openapi_core()
    from jsonschema_path.readers import FilePathReader
    from openapi_core import OpenAPI

    data, uri = FilePathReader(str(fpath)).read()
    if not isinstance(data, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        held = type(data).__name__
        raise ValueError(f"{fpath} is no OpenAPI document: it holds a {held}, not an object")  # noqa: TRY004  # a file's
    document: sdict = dict(data)
    if metadata_from_package:
        document["info"] = _completed(document, metadata_from_package)
    return OpenAPI.from_dict(document, base_uri=uri), document


def get_version_vmaj(openapi_dict: sdict) -> str:
    """The major version of the service, as it is written in paths.

    >>> get_version_vmaj({"info": {"version": "2.10.3"}})
    'v2'
    """
    return "v" + str(openapi_dict["info"]["version"]).partition(".")[0]


def _completed(document: sdict, package: str) -> sdict:
    info: sdict = dict(document.get("info") or {})
    if filled := sorted(name for name in ("summary", "description", "contact", "license") if info.get(name)):
        raise RuntimeError(f"info.{filled[0]} is in the file, and is to come from the metadata of {package}")
    new = _info_of(package)
    if str(document.get("openapi", "")).startswith("3.0"):  # which has no summary
        new.pop("summary", None)
    return info | new


def _info_of(package: str) -> sdict:
    """What the metadata of a distribution (PEP 566, PEP 639) say in the words of OpenAPI; nothing that is empty."""
    metadata = cast("sdict", importlib.metadata.metadata(package).json)
    names = getaddresses([metadata.get("author_email") or metadata.get("maintainer_email") or ""])
    name, email = names[0] if names else ("", "")
    contact = {
        "name": metadata.get("author") or metadata.get("maintainer") or name,
        "email": email,
        "url": _home(metadata),
    }
    license_name: str = metadata.get("license_expression") or metadata.get("license") or ""
    found: sdict = {
        "summary": metadata.get("summary"),
        "description": metadata.get("description"),
        "contact": {key: value for key, value in contact.items() if value},
        "license": {"name": license_name.strip().partition("\n")[0]} if license_name.strip() else None,
    }
    return {key: value for key, value in found.items() if value}


def _home(metadata: sdict) -> str:
    urls: dict[str, str] = {}
    for entry in metadata.get("project_url") or ():
        label, _, url = str(entry).partition(",")
        urls[label.strip().lower()] = url.strip()
    return metadata.get("home_page") or next((urls[label] for label in _HOMES if label in urls), "")

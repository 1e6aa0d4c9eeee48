"""The documentation page: Swagger UI with our document in it, all of it out of this package.

The page asks nobody else for anything, and its `Content-Security-Policy` has the browser see to that.
"""

from __future__ import annotations

import asyncio
import functools
import gzip
import hashlib
import re
from importlib.resources import files
from typing import Final, NamedTuple

from rest_tools.server.handler import RestHandler
from rest_tools.server.refusal import Refusal, standard_phrase

__all__ = ["DocsHandler"]

_HTML, _JS, _CSS = (f"text/{kind}; charset=utf-8" for kind in ("html", "javascript", "css"))
_ASSETS: Final = {  # file and type, by what follows `/docs/`
    "": ("index.html", _HTML),
    "page.js": ("page.js", _JS),
    "page.css": ("page.css", _CSS),
    "swagger-ui.css": ("swagger-ui/swagger-ui.css", _CSS),
    "swagger-ui-bundle.js": ("swagger-ui/swagger-ui-bundle.js", _JS),
}
_HEADERS: Final = {
    "Cache-Control": "private, no-cache",  # to be kept, but asked for each time, which the ETag makes cheap
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}
_NO_WEIGHT = re.compile(r"\s*q=0(\.0*)?\s*", re.IGNORECASE)


class _Asset(NamedTuple):
    content_type: str
    body: bytes
    compressed: bytes
    digest: str


@functools.cache
def _asset(name: str) -> _Asset:
    """Read and compressed when it is asked for first."""
    file, content_type = _ASSETS[name]
    body = files("rest_tools.server.openapi").joinpath("assets", file).read_bytes()
    return _Asset(content_type, body, gzip.compress(body, mtime=0), hashlib.sha256(body).hexdigest()[:32])


def _takes_gzip(accept_encoding: str) -> bool:
    """Whether a header says so (RFC 9110, 12.5.3)."""
    for entry in accept_encoding.split(","):
        coding, _, weight = entry.partition(";")
        if coding.strip().lower() == "gzip":
            return _NO_WEIGHT.fullmatch(weight) is None
    return False


class DocsHandler(RestHandler):
    """Answers with the page, and with what belongs to it."""

    is_documented = False
    _etag: str | None = None

    def set_default_headers(self) -> None:
        """What browsers are to keep to, in errors too."""
        super().set_default_headers()
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    async def get(self, name: str | None) -> None:
        """The asset; without a slash, the way to the page, whose links are relative to that."""
        if name is None:
            self.redirect("docs/")
            return
        if name not in _ASSETS:
            raise Refusal(404, standard_phrase(404))
        if not name and self.application.settings.get("xsrf_cookies"):
            _ = self.xsrf_token  # sets the cookie that the page sends along with what it tries
        asset = await asyncio.to_thread(_asset, name)  # a tenth of a second, the first time
        self.set_header("Content-Type", asset.content_type)
        if _takes_gzip(self.request.headers.get("Accept-Encoding", "")):
            self.set_header("Content-Encoding", "gzip")
            self._etag = f'"{asset.digest}-gzip"'
            self.write(asset.compressed)
        else:
            self._etag = f'"{asset.digest}"'
            self.write(asset.body)

    head = get

    def compute_etag(self) -> str | None:
        """That of the asset; redirects and errors have none."""
        return self._etag

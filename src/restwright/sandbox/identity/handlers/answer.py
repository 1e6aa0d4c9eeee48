"""What endpoints for programs have in common: they take forms or JSON, and answer in JSON."""

from __future__ import annotations

from typing import Any, Final

from tornado.web import HTTPError

from restwright.sandbox.identity.client_authentication import authenticate
from restwright.sandbox.identity.clients import Client
from restwright.sandbox.identity.errors import OAuthError
from restwright.sandbox.identity.handlers.endpoint import Endpoint
from restwright.sandbox.identity.parameters import Parameters

__all__ = ["AnswerEndpoint"]

_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"


class AnswerEndpoint(Endpoint):
    """Answers in JSON, its refusals as OAuth has them; reads no cookie, so that any site may call it (CORS)."""

    def set_default_headers(self) -> None:
        """Keep answers out of caches (RFC 6749, 5.1)."""
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")
        self.set_header("Pragma", "no-cache")
        self.set_header("Access-Control-Allow-Origin", "*")

    def check_xsrf_cookie(self) -> None:
        """Nobody is known here by a cookie."""

    async def prepare(self) -> None:
        """Leave out of the count what browsers ask before they ask (CORS)."""
        if self.request.method != "OPTIONS":
            await super().prepare()

    def options(self, *_: str) -> None:
        """What browsers ask before they let a page of another site call this."""
        self.set_header("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE")
        self.set_header("Access-Control-Allow-Headers", "Authorization, Content-Type")
        self.set_status(204)

    def write_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Answer as RFC 6749, 5.2 has it."""
        error: BaseException | None = kwargs["exc_info"][1] if "exc_info" in kwargs else None
        if not isinstance(error, OAuthError):
            super().write_error(status_code, **kwargs)
            return
        self.set_status(error.status_code)
        for name, value in error.headers.items():
            self.set_header(name, value)
        self.finish({"error": error.error, "error_description": error.description})

    def form(self) -> Parameters:
        """The form that was sent.

        Raises:
            OAuthError: `invalid_request`, it is no form, or there are parameters in the URL (RFC 6749, 2.3.1).
        """
        self._check_content_type(_FORM)
        if self.request.query:
            raise OAuthError("invalid_request", "parameters belong into the form, not into the URL")
        return Parameters(self.request.body_arguments)

    def document(self) -> dict[str, Any]:
        """The JSON object that was sent.

        Raises:
            OAuthError: `invalid_client_metadata`, there is none.
        """
        self._check_content_type(_JSON)
        try:
            return self.json_body_arguments
        except HTTPError:
            raise OAuthError("invalid_client_metadata", "the body must be a JSON object") from None

    def client(self, form: Parameters) -> Client:
        """The client that asks.

        Raises:
            OAuthError: It does not show that it is one.
        """
        return authenticate(self.provider, self.request.headers.get("Authorization"), form)

    def _check_content_type(self, wanted: str) -> None:
        found = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if found != wanted:
            raise OAuthError("invalid_request", f"Content-Type must be {wanted}")

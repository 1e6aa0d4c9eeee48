"""The end of a login."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from tornado.httputil import url_concat

from restwright.sandbox.identity.errors import PageError
from restwright.sandbox.identity.handlers.page import Page
from restwright.sandbox.identity.parameters import Parameters

__all__ = ["LogoutHandler"]


class LogoutHandler(Page):
    """Logout begun by a client (OpenID Connect RP-Initiated Logout, 2)."""

    endpoint: ClassVar[str] = "logout"

    def get(self) -> None:
        """Log out at the word of a client that shows an id token of this person; ask the person otherwise."""
        query = Parameters(self.request.query_arguments)
        target = self._target(query)
        session, claims = self.session(), self._hint(query)
        if session is not None and (claims is None or claims.get("sub") != session.user.sub):
            self.set_policy(leads_away=target is not None)
            self.show("logout.html", name=session.user.name)
        else:
            self._end(target)

    def post(self) -> None:
        """Take what the person says; or a request, which may come as a form, too."""
        action = self.action()
        if action is None:
            parameters = Parameters(self.request.body_arguments)
            self.redirect(f"{self.base}/logout?{urlencode(parameters.items())}", status=303)
        elif action == "logout":
            self._end(self._target(Parameters(self.request.query_arguments)))
        else:
            self.show("message.html", title="You are still logged in", text="You can close this page.")

    def _end(self, target: str | None) -> None:
        self.end_session()
        if target is None:
            self.show("message.html", title="You are logged out", text="You can close this page.")
        else:
            self.redirect(target, status=303)

    def _hint(self, query: Parameters) -> dict[str, Any] | None:
        return self.provider.keys.claims_of(query.get("id_token_hint") or "")

    def _target(self, query: Parameters) -> str | None:
        uri = query.get("post_logout_redirect_uri")
        if uri is None:
            return None
        claims = self._hint(query)
        its = {query.get("client_id"), claims.get("aud") if claims else None} - {None}
        client = self.provider.clients.get(str(its.pop())) if len(its) == 1 else None
        if client is None or not client.allows_logout(uri):
            raise PageError(
                400, "The program that sent you here wants you back at an address that it did not register."
            )
        state = query.get("state")
        return uri if state is None else url_concat(uri, {"state": state})

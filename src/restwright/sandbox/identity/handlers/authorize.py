"""The authorization endpoint: where a client sends the browser, and a person logs in."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlencode

from restwright.sandbox.identity.authorization import AuthorizationRequest, allow, find_return, read_request, refuse
from restwright.sandbox.identity.errors import RedirectedError
from restwright.sandbox.identity.handlers.page import Page
from restwright.sandbox.identity.parameters import Parameters
from restwright.sandbox.identity.store import Session

__all__ = ["AuthorizeHandler"]


class AuthorizeHandler(Page):
    """The authorization endpoint (RFC 6749, 3.1; OpenID Connect Core, 3.1.2)."""

    endpoint: ClassVar[str] = "authorize"

    def get(self) -> None:
        """Send the browser back with a code, or ask the person first."""
        query = Parameters(self.request.query_arguments)
        back = find_return(self.provider, query)
        try:
            request = read_request(back, query)
            session = self.session()
            if request.needs_login(session, self.provider.now()):
                self._ask_login(request)
            elif "consent" in request.prompts:
                self._ask_consent(request, session)
            else:
                self._allow(request, session)
        except RedirectedError as error:
            self.redirect(refuse(self.provider, back, error), status=303)

    def post(self) -> None:
        """Take what the person says; or a request, which may come as a form, too."""
        action = self.action()
        if action is None:
            parameters = Parameters(self.request.body_arguments)
            self.redirect(f"{self.base}/authorize?{urlencode(parameters.items())}", status=303)
            return
        query = Parameters(self.request.query_arguments)
        back = find_return(self.provider, query)
        try:
            request = read_request(back, query)
            self._answer(action, request)
        except RedirectedError as error:
            self.redirect(refuse(self.provider, back, error), status=303)

    def _answer(self, action: str, request: AuthorizationRequest) -> None:
        if action == "cancel":
            raise RedirectedError("access_denied", "the user said no")
        if action == "login":
            session = self.log_in()
            if session is None:
                self._ask_login(request, name=self.get_body_argument("username", ""), is_wrong=True)
            else:
                self._allow(request, session)
            return
        session = self.session()
        if action != "allow" or request.needs_login(session, self.provider.now()):
            self._ask_login(request)
        else:
            self._allow(request, session)

    def _allow(self, request: AuthorizationRequest, session: Session | None) -> None:
        assert session is not None
        self.redirect(allow(self.provider, request, session), status=303)  # RFC 9700, 4.12

    def _ask_login(self, request: AuthorizationRequest, *, name: str = "", is_wrong: bool = False) -> None:
        if "none" in request.prompts:
            raise RedirectedError("login_required", "nobody is logged in, or not lately enough")
        self.set_policy(leads_away=True)
        self.show_login(
            purpose=f"to continue to {request.back.client.title}",
            scopes=request.scopes,
            name=name or request.login_hint,
            is_wrong=is_wrong,
        )

    def _ask_consent(self, request: AuthorizationRequest, session: Session | None) -> None:
        assert session is not None
        self.set_policy(leads_away=True)
        self.show(
            "consent.html", client=request.back.client.title, scopes=sorted(request.scopes), name=session.user.name
        )

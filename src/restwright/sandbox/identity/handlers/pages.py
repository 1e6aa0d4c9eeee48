"""Pages for people: small, without scripts, and they work by keyboard and on a phone."""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import urlencode, urlsplit

from restwright.sandbox.identity.authorization import (
    AuthorizationRequest,
    allow,
    find_return,
    read_request,
    refuse,
)
from restwright.sandbox.identity.device import answer_device, find_user_code, shown
from restwright.sandbox.identity.errors import OAuthError, PageError, RedirectedError
from restwright.sandbox.identity.handlers.endpoint import Endpoint
from restwright.sandbox.identity.parameters import Parameters
from restwright.sandbox.identity.store import DeviceCode, Session, new_secret
from restwright.sandbox.identity.users import User

__all__ = ["AuthorizeHandler", "DeviceHandler", "LogoutHandler", "StyleHandler"]

_TEMPLATES: Final = Path(__file__).parent.parent / "pages"


class Page(Endpoint):
    """A page, and the session of the person who looks at it."""

    def set_default_headers(self) -> None:
        """Let no other site frame it, nothing run in it, and nobody keep it."""
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("X-Frame-Options", "DENY")
        self.set_header("Referrer-Policy", "no-referrer")
        self._set_policy()

    def _set_policy(self, form_target: str = "") -> None:
        # Browsers hold form-action against the redirects after a form, too.
        self.set_header(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
            f"form-action 'self' {form_target}".rstrip(),
        )

    def get_template_path(self) -> str:
        """Where the pages are."""
        return str(_TEMPLATES)

    def check_xsrf_cookie(self) -> None:
        """Left to those who read a form of ours: a POST may also be a request from elsewhere."""

    def show(self, template: str, *, status: int = 200, **values: Any) -> None:
        """Answer with a page."""
        self.set_status(status)
        self.finish(self.render_string(template, **values))

    def write_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Answer with a page that says what is wrong."""
        error: BaseException | None = kwargs["exc_info"][1] if "exc_info" in kwargs else None
        if isinstance(error, OAuthError):
            error = PageError(400, f"The request is not in order: {error.description}.")
        if isinstance(error, PageError):
            self.show("message.html", status=error.status_code, title="This did not work", text=error.text)
        else:
            super().write_error(status_code, **kwargs)

    def action(self) -> str | None:
        """Which button of a form of ours was pressed; None if the request comes from elsewhere.

        Raises:
            tornado.web.HTTPError: 403, the form was not ours, or is old.
        """
        values = self.get_body_arguments("action")
        if not values:
            return None
        super().check_xsrf_cookie()
        return values[-1]

    @property
    def _cookie(self) -> str:
        # Cookies do not know ports: two sandboxes on one machine must not log each other's people out.
        return f"sandbox_session_{urlsplit(self.provider.issuer).port or 0}"

    def session(self) -> Session | None:
        """Who is logged in here."""
        session = self.provider.store.sessions.get(self.get_cookie(self._cookie))
        return None if session is None or session.expires <= self.provider.now() else session

    def log_in(self) -> Session | None:
        """Begin a session with the name and the password that were typed; None, and a status, if they are wrong."""
        name, password = self.get_body_argument("username", ""), self.get_body_argument("password", "", strip=False)
        provider, now = self.provider, self.provider.now()
        if provider.password_attempts.are_used_up(name, now):
            raise PageError(429, "Too many wrong passwords for this name. Wait a minute, then try again.")
        user = provider.users.get(name)
        if user is None or not hmac.compare_digest(user.password.encode(), password.encode()):
            provider.password_attempts.failed(name, now)
            return None
        return self._begin_session(user)

    def _begin_session(self, user: User) -> Session:
        self.end_session()
        provider, session_id = self.provider, new_secret()
        session = Session(user, provider.now(), provider.now() + provider.settings.lifetime_session)
        provider.store.sessions.put(session_id, session)
        self.set_cookie(  # pyright: ignore[reportUnknownMemberType]  # Tornado says `tuple` alone
            self._cookie, session_id, httponly=True, samesite="Lax", secure=provider.issuer.startswith("https:")
        )
        return session

    def end_session(self) -> None:
        """Log out whoever is logged in here."""
        self.provider.store.sessions.drop(self.get_cookie(self._cookie))
        self.clear_cookie(self._cookie)

    def show_login(self, *, purpose: str, scopes: frozenset[str], name: str = "", is_wrong: bool = False) -> None:
        """Ask who it is."""
        status, error = (400, "Wrong name or password. Both are case-sensitive.") if is_wrong else (200, "")
        self.show("login.html", status=status, purpose=purpose, scopes=sorted(scopes), name=name, error=error)


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
            self.redirect(f"/authorize?{urlencode(parameters.items())}", status=303)
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
        self._set_policy(_form_target(request.back.redirect_uri))
        self.show_login(
            purpose=f"to continue to {request.back.client.title}",
            scopes=request.scopes,
            name=name or request.login_hint,
            is_wrong=is_wrong,
        )

    def _ask_consent(self, request: AuthorizationRequest, session: Session | None) -> None:
        assert session is not None
        self._set_policy(_form_target(request.back.redirect_uri))
        self.show(
            "consent.html", client=request.back.client.title, scopes=sorted(request.scopes), name=session.user.name
        )


class DeviceHandler(Page):
    """The page where user codes are typed (RFC 8628, 3.3)."""

    endpoint: ClassVar[str] = "device"

    def get(self) -> None:
        """Ask for the code, then for the login, then whether the device may."""
        code = self._code()
        if code is None:
            self.show("device_code.html", error="", typed="")
            return
        session = self.session()
        if session is None:
            self.show_login(purpose=f"to connect {code.client.title}", scopes=code.scopes)
        else:
            self._ask(code, session)

    def post(self) -> None:
        """Take what the person says."""
        action = self.action()
        if action == "check":
            typed = self.get_body_argument("user_code", "")
            try:
                found = find_user_code(self.provider, typed)
            except PageError as error:
                self.show("device_code.html", status=error.status_code, error=error.text, typed=typed)
            else:
                self.redirect(f"/device?user_code={shown(found.user_code)}", status=303)
            return
        code = self._code()
        if code is None:
            self.redirect("/device", status=303)
        elif action == "cancel":
            self.show("message.html", title="Nothing was connected", text="You can close this page.")
        elif action == "login":
            self._log_in(code)
        else:
            self._answer(action, code)

    def _code(self) -> DeviceCode | None:
        typed = self.get_query_argument("user_code", "")
        return find_user_code(self.provider, typed) if typed else None

    def _log_in(self, code: DeviceCode) -> None:
        session = self.log_in()
        if session is None:
            name = self.get_body_argument("username", "")
            self.show_login(purpose=f"to connect {code.client.title}", scopes=code.scopes, name=name, is_wrong=True)
        else:
            self.redirect(f"/device?user_code={shown(code.user_code)}", status=303)

    def _answer(self, action: str | None, code: DeviceCode) -> None:
        session = self.session()
        if session is None or action not in ("allow", "deny"):
            self.end_session()
            self.show_login(purpose=f"to connect {code.client.title}", scopes=code.scopes)
            return
        answer_device(self.provider, code, session, allowed=action == "allow")
        if action == "allow":
            self.show("message.html", title="Connected", text="Go back to your device. You can close this page.")
        else:
            self.show("message.html", title="Not connected", text="The device was refused. You can close this page.")

    def _ask(self, code: DeviceCode, session: Session) -> None:
        self.show(
            "device_confirm.html",
            client=code.client.title,
            scopes=sorted(code.scopes),
            user_code=shown(code.user_code),
            name=session.user.name,
        )


class LogoutHandler(Page):
    """Logout begun by a client (OpenID Connect RP-Initiated Logout, 2)."""

    endpoint: ClassVar[str] = "logout"

    def get(self) -> None:
        """Log out at the word of a client that shows an id token of this person; ask the person otherwise."""
        query = Parameters(self.request.query_arguments)
        target = self._target(query)
        session, claims = self.session(), self._hint(query)
        if session is not None and (claims is None or claims.get("sub") != session.user.sub):
            self._set_policy(_form_target(target) if target else "")
            self.show("logout.html", name=session.user.name)
        else:
            self._end(target)

    def post(self) -> None:
        """Take what the person says; or a request, which may come as a form, too."""
        action = self.action()
        if action is None:
            parameters = Parameters(self.request.body_arguments)
            self.redirect(f"/logout?{urlencode(parameters.items())}", status=303)
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
        client_id = query.get("client_id") or (str(claims.get("aud")) if claims else "")
        client = self.provider.clients.get(client_id)
        if client is None or not client.allows_logout(uri):
            raise PageError(
                400, "The program that sent you here wants you back at an address that it did not register."
            )
        state = query.get("state")
        return uri if state is None else f"{uri}{'&' if '?' in uri else '?'}{urlencode({'state': state})}"


class StyleHandler(Endpoint):
    """The style sheet of the pages."""

    endpoint: ClassVar[str] = "style"

    async def prepare(self) -> None:
        """It never misbehaves."""

    def get(self) -> None:
        """Give it."""
        self.set_header("Content-Type", "text/css; charset=utf-8")
        self.finish((_TEMPLATES / "style.css").read_bytes())


def _form_target(uri: str) -> str:
    """What the policy has to allow for a redirect to there: an origin, or the scheme of an app."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} else f"{parts.scheme}:"

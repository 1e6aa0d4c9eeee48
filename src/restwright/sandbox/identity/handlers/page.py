"""Pages for people: small, without scripts, and they work by keyboard and on a phone."""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from rest_tools.server.refusal import Refusal, standard_phrase
from restwright.sandbox.identity.errors import OAuthError, PageError
from restwright.sandbox.identity.handlers.endpoint import Endpoint
from restwright.sandbox.identity.store import Session, new_secret
from restwright.sandbox.identity.users import User

__all__ = ["Page", "StyleHandler"]

_TEMPLATES: Final = Path(__file__).parent.parent / "templates"
_WORDS: Final = {403: "This form is too old, or not ours. Go back, load the page again, and try once more."}


class Page(Endpoint):
    """A page, and the session of the person who looks at it."""

    def set_default_headers(self) -> None:
        """Let no other site frame it, nothing run in it, and nobody keep it."""
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("X-Frame-Options", "DENY")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_policy(leads_away=False)

    def set_policy(self, *, leads_away: bool) -> None:
        """Say what the page may do: show its style, and send its form to us.

        Browsers hold all redirects after a form to `form-action`, also those of a client that sends the browser on,
        as Kinto does; so there is none where the form `leads_away`.
        """
        ours = "" if leads_away else "; form-action 'self'"
        rest = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
        self.set_header("Content-Security-Policy", f"{rest}{ours}")

    def get_template_path(self) -> str:
        """Where the pages are."""
        return str(_TEMPLATES)

    def check_xsrf_cookie(self) -> None:
        """Left to those who read a form of ours: a POST may also be a request from elsewhere."""

    def show(self, template: str, *, status: int = 200, **values: Any) -> None:
        """Answer with a page."""
        self.set_status(status)
        self.finish(self.render_string(template, base=self.base, **values))

    @property
    def base(self) -> str:
        """The path of the issuer, before all of ours; empty unless a proxy leads from there to here."""
        return urlsplit(self.provider.issuer).path

    def write_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Answer with a page that says what is wrong."""
        error: BaseException | None = kwargs["exc_info"][1] if "exc_info" in kwargs else None
        if isinstance(error, OAuthError):
            error = PageError(400, f"The request is not in order: {error.description}.")
        if isinstance(error, Refusal):
            for name, value in error.headers.items():
                self.set_header(name, value)
        if not isinstance(error, PageError):
            error = PageError(status_code, _WORDS.get(status_code, f"{status_code} {standard_phrase(status_code)}"))
        self.show("message.html", status=error.status_code, title="This did not work", text=error.text)

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
        """Begin a session with the name and the password that were typed; None if they are wrong.

        Raises:
            PageError: 429, too many passwords were wrong of late.
        """
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


class StyleHandler(Endpoint):
    """The style sheet of the pages."""

    endpoint: ClassVar[str] = "style"

    async def prepare(self) -> None:
        """It never misbehaves."""

    def get(self) -> None:
        """Give it."""
        self.set_header("Content-Type", "text/css; charset=utf-8")
        self.finish((_TEMPLATES / "style.css").read_bytes())

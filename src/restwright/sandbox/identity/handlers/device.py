"""The page for devices that cannot show one."""

from __future__ import annotations

from typing import ClassVar

from restwright.sandbox.identity.device import answer_device, find_user_code, shown
from restwright.sandbox.identity.errors import PageError
from restwright.sandbox.identity.handlers.page import Page
from restwright.sandbox.identity.store import DeviceCode, Session

__all__ = ["DeviceHandler"]


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
                self._go_on(found)
            return
        code = self._code()
        if code is None or action is None:
            self.redirect(f"{self.base}/device", status=303)
        elif action == "cancel":
            self.show("message.html", title="Nothing was connected", text="You can close this page.")
        elif action == "login":
            self._log_in(code)
        else:
            self._answer(action, code)

    def _code(self) -> DeviceCode | None:
        typed = self.get_query_argument("user_code", "")
        return find_user_code(self.provider, typed) if typed else None

    def _go_on(self, code: DeviceCode) -> None:
        self.redirect(f"{self.base}/device?user_code={shown(code.user_code)}", status=303)

    def _log_in(self, code: DeviceCode) -> None:
        session = self.log_in()
        if session is None:
            name = self.get_body_argument("username", "")
            self.show_login(purpose=f"to connect {code.client.title}", scopes=code.scopes, name=name, is_wrong=True)
        else:
            self._go_on(code)

    def _answer(self, action: str, code: DeviceCode) -> None:
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

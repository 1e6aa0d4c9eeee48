"""Orders by HTTP that a provider alone understands, beside those of all services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from restwright.sandbox import control
from restwright.sandbox.control import Order
from restwright.sandbox.identity.provider import Provider
from restwright.sandbox.identity.shortcuts import answer_user_code

if TYPE_CHECKING:
    from restwright.sandbox.identity.service import IdentityService

__all__ = ["CONTROL_ROUTES"]


class _ProviderOrder(Order):
    @property
    def provider(self) -> Provider:
        return cast("IdentityService", self.service).provider


class _Adjust(_ProviderOrder):
    async def post(self) -> None:
        await self.obey(self.provider.adjust)


class _Keys(_ProviderOrder):
    async def post(self) -> None:
        await self.obey(self.provider.rotate_keys, withdraw=bool)


class _Device(_ProviderOrder):
    async def post(self) -> None:
        def answer(user_code: str, user: str = "alice", allowed: bool = True) -> None:  # noqa: FBT001, FBT002  # JSON
            answer_user_code(self.provider, user_code, user, allowed=allowed)

        await self.obey(answer, user_code=str, user=str, allowed=bool)


CONTROL_ROUTES: Final = (
    *control.CONTROL_ROUTES,
    ("/adjust", _Adjust),
    ("/keys", _Keys),
    ("/device", _Device),
)

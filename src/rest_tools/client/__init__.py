"""The client side: JSON over HTTP, awaited or blocking, with bearer tokens that are renewed."""

from typing import TYPE_CHECKING

from rest_tools._lazy import names_from

if TYPE_CHECKING:
    from rest_tools.client import utils
    from rest_tools.client.client import (
        MAX_RETRIES,
        CalcRetryFromBackoffMax,
        CalcRetryFromWaittimeMax,
        RestClient,
    )
    from rest_tools.client.client_credentials import ClientCredentialsAuth
    from rest_tools.client.device_client import (
        AsyncDeviceGrantAuth,
        AsyncSavedDeviceGrantAuth,
        DeviceGrantAuth,
        SavedDeviceGrantAuth,
    )
    from rest_tools.client.openid_client import OpenIDRestClient
    from rest_tools.client.session import AsyncSession, Session

__all__ = [
    "MAX_RETRIES",
    "AsyncDeviceGrantAuth",
    "AsyncSavedDeviceGrantAuth",
    "AsyncSession",
    "CalcRetryFromBackoffMax",
    "CalcRetryFromWaittimeMax",
    "ClientCredentialsAuth",
    "DeviceGrantAuth",
    "OpenIDRestClient",
    "RestClient",
    "SavedDeviceGrantAuth",
    "Session",
    "utils",
]

_MODULES = ("client", "client_credentials", "device_client", "openid_client", "session", "utils")
_HOMES = {
    "MAX_RETRIES": "client",
    "AsyncDeviceGrantAuth": "device_client",
    "AsyncSavedDeviceGrantAuth": "device_client",
    "AsyncSession": "session",
    "CalcRetryFromBackoffMax": "client",
    "CalcRetryFromWaittimeMax": "client",
    "ClientCredentialsAuth": "client_credentials",
    "DeviceGrantAuth": "device_client",
    "OpenIDRestClient": "openid_client",
    "RestClient": "client",
    "SavedDeviceGrantAuth": "device_client",
    "Session": "session",
}

__getattr__, __dir__ = names_from(
    __name__, {name: f"{__name__}.{home}" for name, home in (*zip(_MODULES, _MODULES, strict=True), *_HOMES.items())}
)

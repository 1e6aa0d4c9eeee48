"""What both sides of a REST service need: tokens, JSON with types, configuration, a daemon."""

from typing import TYPE_CHECKING

from rest_tools._lazy import names_from

if TYPE_CHECKING:
    from rest_tools.utils import json_util
    from rest_tools.utils.auth import Auth, OpenIDAuth
    from rest_tools.utils.config import from_environment
    from rest_tools.utils.daemon import Daemon

__all__ = ["Auth", "Daemon", "OpenIDAuth", "from_environment", "json_util"]

__getattr__, __dir__ = names_from(
    __name__,
    {
        **{name: f"{__name__}.{name}" for name in ("auth", "config", "daemon", "json_util", "pkce")},
        "Auth": "rest_tools.utils.auth",
        "Daemon": "rest_tools.utils.daemon",
        "OpenIDAuth": "rest_tools.utils.auth",
        "from_environment": "rest_tools.utils.config",
    },
)

"""What both sides of a REST service need: tokens, JSON with types, configuration, a daemon."""

from rest_tools.utils import json_util
from rest_tools.utils.auth import Auth, OpenIDAuth
from rest_tools.utils.config import from_environment
from rest_tools.utils.daemon import Daemon

__all__ = ["Auth", "Daemon", "OpenIDAuth", "from_environment", "json_util"]

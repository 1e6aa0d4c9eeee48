"""Defaults."""

from typing import Final

DEFAULT_REQUEST_TIMEOUT_SECONDS: Final = 240

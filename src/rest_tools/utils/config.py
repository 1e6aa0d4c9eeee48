"""Configuration from environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

Setting: TypeAlias = str | int | float | bool

_BOOLS: Final = {
    **dict.fromkeys(("y", "yes", "t", "true", "on", "1"), True),
    **dict.fromkeys(("n", "no", "f", "false", "off", "0"), False),
}


def from_environment(keys: str | Sequence[str] | Mapping[str, Any]) -> dict[str, Setting]:
    """The values of environment variables: each a `str`, or of the type of its default (`bool`, `int`, `float`).

    Args:
        keys: A name or a list of names, which have to be set; or defaults by name, where None has to be set.

    Raises:
        OSError: A variable has to be set, and is not.
        ValueError: Its value is not of the type of the default.  The message does not show it: it may be a secret.
        TypeError: `keys` is none of these, or a name is no text.

    >>> from_environment({"SURELY_NOT_SET": 8080})
    {'SURELY_NOT_SET': 8080}
    """
    if isinstance(keys, str):
        keys = [keys]
    if isinstance(keys, Mapping):
        defaults: dict[str, Any] = dict(keys)
    elif isinstance(cast("object", keys), (list, tuple)):
        defaults = dict.fromkeys(keys)
    else:
        raise TypeError(f"keys must be a name, a list of names or a dict of defaults, not a {type(keys).__name__}")
    for name in defaults:
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"the name of an environment variable must be str, got {name!r}")
    return {name: _value(name, default) for name, default in defaults.items()}


def _value(name: str, default: Any) -> Setting:
    text = os.environ.get(name)
    if text is None:
        if default is None:
            raise OSError(f"Missing environment variable '{name}'")
        return cast("Setting", default)
    kind = type(cast("object", default))
    try:
        if kind is bool:
            return _BOOLS[text.lower()]
        if kind is int:
            return int(text)
        return float(text) if kind is float else text
    except (ValueError, KeyError):
        raise ValueError(f"environment variable '{name}' must be of type '{kind.__name__}'") from None

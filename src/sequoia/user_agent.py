"""Who a client says it is."""

from __future__ import annotations

import platform

import sequoia


def linux_distribution() -> tuple[str, str, str, str]:
    """Name, version, code name and nothing of a Linux distribution; empty elsewhere."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return "", "", "", ""
    return release.get("NAME", ""), release.get("VERSION_ID", ""), release.get("VERSION_CODENAME", ""), ""


def win32_ver() -> tuple[str, str, str, str]:
    """Release, version, service pack and type of a Windows; empty elsewhere."""
    return platform.win32_ver()


def mac_ver() -> tuple[str, str, str, str]:
    """Release, nothing, nothing and machine of a macOS; empty elsewhere."""
    release, _, machine = platform.mac_ver()
    return release, "", "", machine


def os_info() -> str:
    """System, distribution and platform.

    >>> os_info().startswith(platform.system())
    True
    """
    return f"{platform.system()}/{os_versions()} ({platform.platform()})"


def os_versions() -> str:
    """Name and version of the distribution, as far as they are known."""
    found = {"Windows": win32_ver, "Darwin": mac_ver}.get(platform.system(), linux_distribution)()
    return " ".join(part for part in found[:2] if part) or "unknown"


def our_user_agent() -> str:
    """What goes into the `User-Agent` header field."""
    text = f"sequoia-client-sdk-python/{sequoia.__version__} python/{platform.python_version()} {os_info()}"
    return text.encode("ascii", "replace").decode()

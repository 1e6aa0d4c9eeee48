"""Tell a person at a terminal where to log in: a URL, a code, and a QR code where the terminal can show one."""

from __future__ import annotations

import io
import os
import shutil
import sys
import webbrowser
from typing import Final, TextIO

from restwright.oauth2.device import DeviceAuthorization

_BLOCKS: Final = "\u2588\u2580\u2584\u00a0"  # what qrcode draws with
_BORDER: Final = 2  # modules; the standard asks for 4, phones do with less
_WHITE_ON_BLACK: Final = "\x1b[48;5;232m\x1b[38;5;255m"
_AS_BEFORE: Final = "\x1b[0m"


def show_code(authorization: DeviceAuthorization, stream: TextIO | None = None) -> None:
    """Write the URL and the code, and a QR code where the terminal can show one.

    Args:
        authorization: What the provider gave.
        stream: Where to; standard error if None, so that the output of a program stays as it is.
    """
    out = sys.stderr if stream is None else stream
    uri, complete = authorization.verification_uri, authorization.verification_uri_complete
    out.write(f"\nTo log in, go to\n\n    {uri}\n\nand enter the code\n\n    {authorization.user_code}\n\n")
    if complete is not None:
        out.write(f"Or open this page, and compare the code:\n\n    {complete}\n\n")
    if _can_show_blocks(out):
        lines = qr_lines(complete or uri)
        if len(lines[0]) <= shutil.get_terminal_size().columns:
            out.writelines(f"{_WHITE_ON_BLACK}{line}{_AS_BEFORE}\n" for line in lines)
            out.write("\n")
    out.write(f"The code counts for {_duration(authorization.expires_in)}.\n\n")
    out.flush()


def open_browser(url: str, stream: TextIO | None = None) -> None:
    """Open a URL in the browser of the person, and write it too: there may be none, or another one may be wanted."""
    out = sys.stderr if stream is None else stream
    opened = webbrowser.open(url)
    how = "If no browser has opened" if opened else "No browser could be opened"
    out.write(f"\n{how}, open this page in one on this machine to log in:\n\n    {url}\n\n")
    out.flush()


def qr_lines(text: str) -> list[str]:
    """A QR code of a text, in lines of half blocks, for light letters on a dark background."""
    import qrcode

    code = qrcode.QRCode(border=_BORDER)
    code.add_data(text)
    out = io.StringIO()
    code.print_ascii(out=out, invert=True)
    return out.getvalue().splitlines()


def _can_show_blocks(out: TextIO) -> bool:
    if not out.isatty() or os.environ.get("TERM", "") == "dumb":
        return False
    try:
        _BLOCKS.encode(out.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"

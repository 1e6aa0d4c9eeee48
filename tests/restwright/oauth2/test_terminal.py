from __future__ import annotations

import io
import os
import pty
import re
import webbrowser
from dataclasses import replace

import pytest
import qrcode

from restwright.oauth2 import DeviceAuthorization, open_browser, show_code

CODE = DeviceAuthorization(
    user_code="WDJB-MJHT",
    verification_uri="https://idp.example/device",
    verification_uri_complete="https://idp.example/device?user_code=WDJB-MJHT",
    expires_in=1800.0,
    interval=5.0,
    device_code="canary",
)


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")


def shown(stream, authorization=CODE):
    show_code(authorization, stream)
    return stream.getvalue()


def test_plain_text_where_it_is_no_terminal():
    assert shown(io.StringIO()) == (
        "\nTo log in, go to\n\n    https://idp.example/device\n\nand enter the code\n\n    WDJB-MJHT\n\n"
        "Or open this page, and compare the code:\n\n    https://idp.example/device?user_code=WDJB-MJHT\n\n"
        "The code counts for 30 minutes.\n\n"
    )


def modules_of(text):
    """The QR code that is drawn, as rows of booleans: is it dark?"""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in text.splitlines() if "\x1b[" in line]
    rows = []
    for line in lines:  # two rows to a line; what is light is drawn
        rows.append([char in "\u2584\u00a0" for char in line])
        rows.append([char in "\u2580\u00a0" for char in line])
    return rows


def test_a_terminal_gets_a_qr_code_of_the_complete_address():
    text = shown(Terminal())
    code = qrcode.QRCode(border=2)
    code.add_data(CODE.verification_uri_complete)
    expected = code.get_matrix()
    rows = modules_of(text)
    assert rows[: len(expected)] == expected
    assert "WDJB-MJHT" in text


def test_without_a_complete_address_the_qr_code_is_of_the_address():
    text = shown(Terminal(), replace(CODE, verification_uri_complete=None, expires_in=90.0))
    code = qrcode.QRCode(border=2)
    code.add_data(CODE.verification_uri)
    expected = code.get_matrix()
    assert modules_of(text)[: len(expected)] == expected
    assert "Or open this page" not in text
    assert "The code counts for 90 seconds." in text


@pytest.mark.parametrize(("name", "value"), [("TERM", "dumb"), ("COLUMNS", "30")])
def test_a_terminal_that_cannot_show_it_gets_plain_text(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert shown(Terminal()) == shown(io.StringIO())


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "unknown", None])
def test_a_terminal_without_the_characters_gets_plain_text(encoding):
    terminal = Terminal()
    terminal.encoding = encoding
    assert shown(terminal) == shown(io.StringIO())


def test_the_secret_is_not_shown():
    assert "canary" not in shown(Terminal()) + repr(CODE)


def test_it_goes_to_standard_error(capsys):
    show_code(CODE)
    out, err = capsys.readouterr()
    assert out == ""
    assert "WDJB-MJHT" in err


def test_a_real_terminal_gets_the_qr_code():
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        show_code(CODE, stream)
        seen = b""
        while b"counts for 30 minutes" not in seen:
            seen += os.read(reader, 1 << 16)
    os.close(reader)
    assert "\u2580" in seen.decode()


@pytest.mark.parametrize(
    ("opened", "said"), [(True, "If no browser has opened"), (False, "No browser could be opened")]
)
def test_the_address_is_written_whether_a_browser_opens_or_not(monkeypatch, capsys, opened, said):
    urls = []
    monkeypatch.setattr(webbrowser, "open", lambda url: urls.append(url) or opened)
    open_browser("https://idp.example/authorize?state=1")
    assert urls == ["https://idp.example/authorize?state=1"]
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "    https://idp.example/authorize?state=1\n" in err

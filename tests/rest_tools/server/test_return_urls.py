from __future__ import annotations

import pytest

from rest_tools.server.return_urls import is_return_url, origin_of

ORIGINS = {"https://fruits.example:443", "http://localhost:8080"}


@pytest.mark.parametrize(
    "url", ["/", "/x?y=//z#a", "https://fruits.example", "https://FRUITS.example:443/x", "http://localhost:8080/x"]
)
def test_allowed(url):
    assert is_return_url(url, ORIGINS)


@pytest.mark.parametrize(
    "url",
    [
        *("", "x", "//fruits.example/x", "/\\x", "/\tx", " /x", "/x\n", "http://fruits.example/", "data:,x"),
        *("https://fruits.example:444/", "https://fruits.example.evil.example/", "https:///fruits.example"),
        *("https://x@fruits.example/", "https://fruits.example@evil.example/", "https://fruits.example:x/"),
        *("http://localhost/", "https:fruits.example", "//[", "http://["),
    ],
)
def test_not_allowed(url):
    assert not is_return_url(url, ORIGINS | {None})


def test_origins():
    assert origin_of("http://a.example/x") == "http://a.example:80"
    assert origin_of("https://A.example:8443") == "https://a.example:8443"
    assert origin_of("ftp://a.example") is None

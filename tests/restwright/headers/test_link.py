from __future__ import annotations

import time

import pytest
from requests.structures import CaseInsensitiveDict

from restwright.headers import Link, next_link, parse_link


@pytest.mark.parametrize(
    ("value", "links"),
    [
        ("", []),
        ("<http://a/?p=2>; rel=next", [Link("http://a/?p=2", ("next",))]),
        ('<http://a/>; rel="next"', [Link("http://a/", ("next",))]),
        ("</relative>", [Link("/relative")]),
        ("<>; rel=self", [Link("", ("self",))]),
        ('< /x >;rel = "next"', [Link("/x", ("next",))]),
        ('</x>; rel="NEXT last\thttp://ext/Rel"', [Link("/x", ("next", "last", "http://ext/rel"))]),
        ("</a,b;c>; rel=next, </d>; rel=prev", [Link("/a,b;c", ("next",)), Link("/d", ("prev",))]),
        ('</a>; title="x, y; z", </b>', [Link("/a", (), {"title": "x, y; z"}), Link("/b")]),
        (r'</a>; title="say \"hi\", \\o/"', [Link("/a", (), {"title": r'say "hi", \o/'})]),
        ("</a>; rel=next; rel=prev", [Link("/a", ("next",))]),
        ("</a>; TITLE=one; title=two", [Link("/a", (), {"title": "one"})]),
        ("</a>; title*=UTF-8''%e2%82%ac", [Link("/a", (), {"title*": "UTF-8''%e2%82%ac"})]),
        ("</a>; crossorigin; rel=next", [Link("/a", ("next",), {"crossorigin": ""})]),
        ("</a>;;;rel=next;", [Link("/a", ("next",))]),
        (", ,</a>; rel=next,, </b>,", [Link("/a", ("next",)), Link("/b")]),
        ("nonsense, </a>; rel=next", [Link("/a", ("next",))]),
        ('</a>; rel="next"nonsense; x=y, </b>', [Link("/a", ("next",)), Link("/b")]),
        ("</a>; rel=next, <unclosed", [Link("/a", ("next",))]),
        ('</a>; rel="next', [Link("/a", ("next",))]),
        ('</a>; rel="next\\', [Link("/a", ("next",))]),
        ("</a>; rel=", [Link("/a")]),
        ("</a>; =x", [Link("/a")]),
        ("</a>;", [Link("/a")]),
        ("\x00\ud800,<\udfff>; \x00=\x01", [Link("\udfff", (), {"\x00": "\x01"})]),
        ("</a>; title=\u0661\xb2\xa0", [Link("/a", (), {"title": "\u0661\xb2"})]),
    ],
)
def test_links_of_a_value(value, links):
    assert parse_link(value) == links


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        ">",
        "<>",
        "<>,",
        ",",
        ";",
        "<>;",
        ' ; "',
        '"',
        "\\",
        '<>;a="',
        '<>;a="\\',
        " ",
        "<> ",
        "=",
        ";a=",
        "a\t",
    ],
)
@pytest.mark.parametrize("start", ["", "<a>; rel=next ", '<a>; rel="'])
def test_hostile_values_take_linear_time(start, piece):
    """A quadratic reading of 300,000 characters takes many seconds."""
    value = start + piece * (300_000 // len(piece))
    began = time.process_time()
    parse_link(value)
    assert time.process_time() - began < 2


def test_next_link_is_the_first_with_that_relation():
    headers = CaseInsensitiveDict({"link": '</1>; rel=prev, </3>; rel="last next", </4>; rel=next'})
    assert next_link(headers) == "/3"
    assert next_link({"link": "</5>; rel=next"}) == "/5"


@pytest.mark.parametrize("value", ["", "</1>", "</1>; rel=prev", "</1>; rel=nextish", "</1>; rev=next"])
def test_no_next_link(value):
    assert next_link({}) is None
    assert next_link({"Link": value}) is None


def test_a_link_with_an_anchor_is_about_something_else():
    value = '</other?page=2>; rel=next; anchor="/other", </page=2>; rel=next'
    assert next_link({"Link": value}) == "/page=2"

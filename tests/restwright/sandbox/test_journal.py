"""What is kept of many requests, and of large ones."""

from __future__ import annotations

import pytest

from restwright.sandbox.journal import BODY_KEPT, Asked, Journal


def asked(number, body=b"", form=None):
    return Asked("thing", "POST", f"/{number}", {}, form or {}, body)


def test_of_many_large_bodies_the_last_are_kept():
    journal = Journal()
    for number in range(2000):
        journal.add(asked(number, b"x" * BODY_KEPT))
    entries = journal.entries()
    assert [one.target for one in entries] == [f"/{number}" for number in range(2000)]
    assert [one.body is None for one in entries] == [True] * 976 + [False] * 1024
    assert sum(len(one.body or b"") for one in entries) == 64 * 2**20
    with pytest.raises(ValueError, match="the body was forgotten"):
        entries[0].json()
    assert journal.count("thing") == 2000


def test_forms_count_too_even_those_that_are_larger_than_what_is_kept_of_a_body():
    journal = Journal()
    for number in range(3):
        journal.add(asked(number, b"x" * BODY_KEPT, {"a": "x" * 30 * 2**20}))
    assert [(one.body is None, len(one.form)) for one in journal.entries()] == [(True, 0), (False, 1), (False, 1)]


def test_requests_without_a_body_have_none_to_forget():
    journal = Journal()
    journal.add(asked("small"))
    for _ in range(1025):
        journal.add(asked("large", b"x" * BODY_KEPT))
    small, first, second, *_ = journal.entries()
    assert (small.body, small.json(), first.body, len(second.body)) == (b"", None, None, BODY_KEPT)


def test_bodies_of_requests_that_are_gone_count_no_more():
    journal = Journal()
    for number in range(10_000 + 600):
        journal.add(asked(number, b"x" * BODY_KEPT if number < 600 else b""))
    for number in range(1024):
        journal.add(asked(number, b"x" * BODY_KEPT))
    entries = journal.entries()
    assert len(entries) == 10_000
    assert None not in [one.body for one in entries]

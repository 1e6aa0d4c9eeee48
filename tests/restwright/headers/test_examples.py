from __future__ import annotations

import doctest

import pytest

from restwright.headers import etag, http_date, link, retry_after


@pytest.mark.parametrize("module", [etag, http_date, link, retry_after], ids=lambda module: module.__name__)
def test_the_examples_in_the_docstrings(module):
    outcome = doctest.testmod(module)
    assert outcome.attempted > 0
    assert outcome.failed == 0

from __future__ import annotations

import pytest

from restwright import Request, Response, limit_response
from restwright.testing import play


@pytest.mark.parametrize(("own", "kept"), [(None, 1000), (10, 10), (1000, 1000), (5000, 1000), (0, 0)])
def test_the_smaller_limit_counts(own, kept):
    asked: list[Request] = []
    play(limit_response(1000)(Request("GET", "/", max_bytes=own)), Response(), asked=asked)
    assert asked[0].max_bytes == kept


def test_misuse():
    with pytest.raises(ValueError, match="max_bytes must be 0 or more"):
        limit_response(-1)

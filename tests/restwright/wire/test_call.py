from __future__ import annotations

import pytest

from restwright.wire.call import raise_translated


def test_an_error_that_needs_no_translation_does_not_name_itself_as_its_cause():
    """Whoever walks along the causes would never come to an end."""
    error = KeyError("odd")
    with pytest.raises(KeyError) as raised:
        raise_translated(error, error)
    assert raised.value is error
    assert error.__cause__ is None

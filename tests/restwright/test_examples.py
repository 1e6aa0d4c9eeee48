"""The examples in the docstrings of the core run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import restwright

NAMES = [info.name for info in pkgutil.walk_packages(restwright.__path__, "restwright.")]
TESTS = [
    test
    for name in NAMES
    if name != "restwright.testing._kinto_process"  # a script
    for test in doctest.DocTestFinder().find(importlib.import_module(name))
    if test.examples
]


def test_there_are_examples():
    assert len(TESTS) >= 7


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.name)
def test_example(test):
    assert doctest.DocTestRunner().run(test).failed == 0

from __future__ import annotations

import pytest

from rest_tools.utils import from_environment


@pytest.fixture
def environment(monkeypatch):
    def put(**values):
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    for name in "ABC":
        monkeypatch.delenv(name, raising=False)
    return put


def test_names_have_to_be_set(environment):
    environment(A="1", B="")
    assert from_environment("A") == {"A": "1"}
    assert from_environment(["A", "B"]) == from_environment(("A", "B")) == {"A": "1", "B": ""}
    with pytest.raises(OSError, match=r"^Missing environment variable 'C'$"):
        from_environment(["A", "C"])


def test_defaults(environment):
    defaults = {"A": "x", "B": 7, "C": True}
    assert from_environment(defaults) == defaults
    with pytest.raises(OSError, match="'A'"):
        from_environment({"A": None})
    environment(A="text")
    assert from_environment({"A": None}) == {"A": "text"}


@pytest.mark.parametrize(
    ("default", "text", "value"),
    [(1, "-7", -7), (1.5, "2", 2.0), ("x", "7", "7"), ([1], "7", "7"), ("x", "", "")]
    + [(False, text, True) for text in ("y", "Yes", "t", "TRUE", "on", "1")]
    + [(True, text, False) for text in ("n", "No", "f", "FALSE", "off", "0")],
)
def test_values_are_of_the_type_of_their_default(environment, default, text, value):
    environment(A=text)
    found = from_environment({"A": default})["A"]
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(("default", "name"), [(1, "int"), (1.5, "float"), (True, "bool")])
@pytest.mark.parametrize("text", ["s3cret", ""])
def test_a_bad_value_is_told_by_its_name_and_not_shown(environment, default, name, text):
    environment(A=text)
    with pytest.raises(ValueError, match=f"'A'.*'{name}'") as raised:
        from_environment({"A": default})
    assert "s3cret" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_the_defaults_are_left_as_they_are(environment):
    environment(A="7")
    defaults = {"A": 1}
    assert from_environment(defaults) is not defaults
    assert defaults == {"A": 1}


@pytest.mark.parametrize("keys", [{"A"}, 7, None])
def test_what_names_nothing(keys):
    with pytest.raises(TypeError, match="keys"):
        from_environment(keys)


@pytest.mark.parametrize("keys", [[5], {None: 1}])
def test_a_name_is_text(keys):
    with pytest.raises(TypeError, match="the name of an environment variable must be str, got"):
        from_environment(keys)

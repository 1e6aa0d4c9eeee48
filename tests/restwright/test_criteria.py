"""Criteria: how they are written, joined and turned around, and what is refused."""

from __future__ import annotations

import pytest

from restwright import UnsupportedCriteria, where
from restwright.criteria import Condition, Criteria, Is, Render, render


def test_a_comparison_is_one_condition():
    assert [*(where("amount") >= 5)] == [Condition("amount", Is.AT_LEAST, 5)]
    assert [*(where("amount").between(1, 9))] == [Condition("amount", Is.BETWEEN, (1, 9))]
    assert [*where("status").is_in(iter("ab"))] == [Condition("status", Is.IN, ("a", "b"))]


COMPARISONS = {
    "where('a') == 1": where("a") == 1,
    "where('a') != None": where("a") != None,  # noqa: E711
    "where('a') < 1": where("a") < 1,
    "where('a') <= 1": where("a") <= 1,
    "where('a') > 1": where("a") > 1,
    "where('a') >= 1": where("a") >= 1,
    "where('a').between(1, 2)": where("a").between(1, 2),
    "where('a').is_in([1, 2])": where("a").is_in([1, 2]),
    "where('a').not_in([1])": where("a").not_in({1}),
    "where('a').contains('x')": where("a").contains("x"),
    "where('a').not_contains('x')": where("a").not_contains("x"),
    "where('a').starts_with('x')": where("a").starts_with("x"),
    "where('a').not_starts_with('x')": where("a").not_starts_with("x"),
    "where('a').ends_with('x')": where("a").ends_with("x"),
    "where('a').not_ends_with('x')": where("a").not_ends_with("x"),
    "where('a').has_all([1, 2])": where("a").has_all([1, 2]),
    "where('a').has_any([1, 2])": where("a").has_any([1, 2]),
    "where('a').is_null()": where("a").is_null(),
    "where('a').not_null()": where("a").not_null(),
    "where('a').is_missing()": where("a").is_missing(),
    "where('a').is_present()": where("a").is_present(),
}


@pytest.mark.parametrize("text", COMPARISONS)
def test_criteria_are_shown_as_they_are_written(text):
    criteria = COMPARISONS[text]
    assert repr(criteria).strip("()") == text.strip("()")
    assert eval(repr(criteria)) == criteria


def test_every_relation_can_be_written():
    assert {condition.relation for criteria in COMPARISONS.values() for condition in criteria} == set(Is)


def test_criteria_are_joined_in_order():
    both = (where("a") == 1) & where("b").is_null() & (where("a") < 9)
    assert [condition.field for condition in both] == ["a", "b", "a"]
    assert repr(both) == "(where('a') == 1) & where('b').is_null() & (where('a') < 9)"
    assert hash(both) == hash((where("a") == 1) & where("b").is_null() & (where("a") < 9))
    assert both != where("a").is_null()


@pytest.mark.parametrize("text", [text for text in COMPARISONS if "between" not in text and "has_" not in text])
def test_one_condition_can_be_turned_around_and_back(text):
    criteria = COMPARISONS[text]
    assert ~criteria != criteria
    assert ~~criteria == criteria


@pytest.mark.parametrize("criteria", [Criteria(), COMPARISONS["where('a').between(1, 2)"], where("a").has_all([1])])
def test_what_has_no_opposite_says_so(criteria):
    with pytest.raises(UnsupportedCriteria, match="turn this around"):
        _ = ~criteria


def test_a_chained_comparison_is_refused_rather_than_half_forgotten():
    with pytest.raises(TypeError, match="between"):
        1 <= where("a") <= 5  # noqa: B015
    with pytest.raises(TypeError, match="join them with &"):
        (where("a") == 1) and (where("b") == 2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: where(""), "name of a field is a text"),
        (lambda: where(7), "got 7"),
        (lambda: where("a").is_in("abc"), "is_in takes a list of values, got 'abc'"),
        (lambda: where("a").not_in({"a": 1}), "not_in takes a list"),
        (lambda: where("a").has_any(7), "has_any takes a list of values, got 7"),
        (lambda: where("a").is_in([]), "at least one value"),
        (lambda: where("a").contains(7), "contains takes a text that is not empty, got 7"),
        (lambda: where("a").starts_with(""), "starts_with takes a text"),
        (lambda: where("a") == where("b"), "is compared with a value"),
        (lambda: where("a") < (where("b") == 1), "is compared with a value"),
    ],
)
def test_mistakes_are_told_at_once(wrong, message):
    with pytest.raises((TypeError, ValueError), match=message):
        wrong()


def named(prefix: str) -> Render:
    return lambda condition: {prefix + condition.field: str(condition.value)}


GRAMMAR = {Is.EQUAL: named(""), Is.LESS: named("lt_")}


def test_a_grammar_makes_parameters_of_criteria():
    criteria = (where("a") == 1) & (where("a") < 9) & (where("a") == 1)
    assert render(criteria, GRAMMAR, service="Shop") == {"a": "1", "lt_a": "9"}


def test_what_a_service_cannot_say_is_refused_by_name():
    with pytest.raises(UnsupportedCriteria, match=r"Shop has no way to say a contains; it knows ==, <"):
        render(where("a").contains("x"), GRAMMAR, service="Shop")
    with pytest.raises(UnsupportedCriteria, match="only one condition of this kind: a =="):
        render((where("a") == 1) & (where("a") == 2), GRAMMAR, service="Shop")

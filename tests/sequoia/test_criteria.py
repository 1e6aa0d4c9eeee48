from __future__ import annotations

import datetime

import pytest

from restwright import where
from restwright.criteria import UnsupportedCriteria
from sequoia.criteria import Criteria, Inclusion, StringExpressionFactory
from sequoia.criteria._criteria import FieldSelector, Operator, SimpleExpression
from sequoia.criteria.filters import filters

field = StringExpressionFactory.field


def test_an_expression_is_a_parameter():
    expression = field("engine").equal_to("diesel")
    assert isinstance(expression, SimpleExpression)
    assert (expression.property_name, expression.value, expression.op) == ("withEngine", "diesel", Operator.EQUALS)
    assert Criteria().add_criterion(expression).get_criteria_params() == {"withEngine": "diesel"}
    assert StringExpressionFactory.build_with("a.b") == "withA.b"


def test_values_go_out_as_text():
    assert Criteria().add(criterion=field("a").equal_to(None)).get_criteria_params() == {"withA": "None"}


def test_of_expressions_about_a_field_the_last_counts():
    first, second = field("a").equal_to(1), field("a").equal_to(2)
    assert Criteria().add_criterion(first).add_criterion(second).get_criteria_params() == {"withA": "2"}
    again = Criteria().add_criterion(first).add_criterion(second).add_criterion(first)
    assert again.get_criteria_params() == {"withA": "1"}
    assert again.criterion_entries == {first, second}


def test_inclusions_are_sorted_and_each_there_once():
    criteria = Criteria().add_inclusion(Inclusion.resource("b").fields("y").fields("x", "y"))
    criteria.add(inclusion=Inclusion.resource("a")).add(inclusion=Inclusion.resource("b").fields("z"))
    assert criteria.get_criteria_params() == {"include": "a,b", "b.fields": "x,y,z"}
    assert {str(inclusion) for inclusion in criteria.inclusion_entries} == {"a", "b"}
    assert FieldSelector("x") == FieldSelector("x") != FieldSelector("y")


@pytest.mark.parametrize(
    ("criteria", "value"),
    [
        (where("n") == "o:x", "o:x"),
        (where("n") == True, "true"),  # noqa: E712
        (where("n") != 5, "!5"),
        (where("n") >= datetime.date(2026, 1, 2), "2026-01-02/"),
        (where("n") <= 5, "/5"),
        (where("n") > 5, "!/5"),
        (where("n") < 5.5, "!5.5/"),
        (where("n").between(1, 2), "1/2"),
        (where("n").is_in(["a", "b"]), "a||b"),
        (where("n").starts_with("a"), "a*"),
        (where("n").is_present(), "*"),
        (where("n").is_missing(), "!*"),
        (~(where("n") < 5), "5/"),
    ],
)
def test_criteria_of_the_core_in_the_words_of_sequoia(criteria, value):
    assert filters(criteria) == {"withN": value}
    assert Criteria().add_criterion(criteria).get_criteria_params() == {"withN": value}


@pytest.mark.parametrize(
    "criteria",
    [
        where("n").contains("a"),
        where("n").ends_with("a"),
        where("n").not_in(["a"]),
        where("n").has_all(["a"]),
        where("n").is_null(),
        where("n") == None,  # noqa: E711
        where("n") == "a/b",
        where("n") == "!a",
        where("n").is_in(["a||b"]),
        where("n").starts_with("a*"),
        (where("n") >= 1) & (where("n") <= 2),
    ],
)
def test_what_sequoia_cannot_say_is_told_by_name(criteria):
    with pytest.raises(UnsupportedCriteria, match=r"Sequoia .*\bn "):
        Criteria().add_criterion(criteria)


@pytest.mark.parametrize("wrong", ["withA=b", 5, where("a")])
def test_what_is_no_criterion_is_told(wrong):
    with pytest.raises(TypeError, match="criterion"):
        Criteria().add_criterion(wrong)
    with pytest.raises(TypeError, match="inclusion"):
        Criteria().add_inclusion(wrong)


def test_names_are_not_empty():
    with pytest.raises(ValueError, match="field"):
        field("")
    with pytest.raises(ValueError, match="resource"):
        Inclusion("")

"""Queries: criteria, inclusions and expressions."""

from sequoia.criteria._criteria import Criteria, Inclusion, StringExpressionFactory

__all__ = ["Criteria", "Inclusion", "StringExpressionFactory"]

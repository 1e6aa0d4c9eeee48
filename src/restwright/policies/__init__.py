"""Policies: one concern each, a plan around one exchange."""

from restwright.policies.correlation import correlate
from restwright.policies.deadline import deadline
from restwright.policies.layer import Layer, stack
from restwright.policies.limits import limit_response
from restwright.policies.redirect import redirect
from restwright.policies.retry import RetryBudget, retry
from restwright.policies.throttle import throttle

__all__ = [
    "Layer",
    "RetryBudget",
    "correlate",
    "deadline",
    "limit_response",
    "redirect",
    "retry",
    "stack",
    "throttle",
]

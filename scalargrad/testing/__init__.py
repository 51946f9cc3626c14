"""Tests for code that computes with Values: gradient checks, Hypothesis strategies, and a pytest plugin."""

from scalargrad.testing.check import check_gradients
from scalargrad.testing.detach import assert_no_silent_detach
from scalargrad.testing.gates import check_gate
from scalargrad.testing.report import GradientCheckError, Report, SilentDetachError

__all__ = [
    "GradientCheckError",
    "Report",
    "SilentDetachError",
    "assert_no_silent_detach",
    "check_gate",
    "check_gradients",
]

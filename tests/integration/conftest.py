"""Tests against a real broker."""

from harness.fixtures import broker

__all__ = ["broker"]

"""Tests against real servers."""

from harness.fixtures import broker, control_plane

__all__ = ["broker", "control_plane"]

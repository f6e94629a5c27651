"""Watches running jobs and reports their metrics."""

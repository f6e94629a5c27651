"""Stands in for monitor, executor and a job: on the real topics, or in virtual time."""

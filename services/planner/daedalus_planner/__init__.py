"""Decides how many workers each job should have, and says why."""

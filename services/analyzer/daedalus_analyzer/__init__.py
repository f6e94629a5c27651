"""Learns how much each scale-out of a job can process."""

"""Kubernetes' autoscaling rule in a planner's place on the topics, to compare with."""

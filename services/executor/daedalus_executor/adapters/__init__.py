"""What touches the world: Flink's REST API, worker processes, cgroups."""

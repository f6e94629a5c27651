"""The outside world: Flink's REST API, Prometheus, Kafka offsets, the clock."""

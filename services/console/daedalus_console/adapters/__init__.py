"""Where the console meets the world: Kafka and files."""

"""What each command does once its arguments are read: Kafka and files in, words and tables out."""

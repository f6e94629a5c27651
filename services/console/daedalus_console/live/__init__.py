"""What is known of every job right now: folded from the topics, bounded in memory, kept up live."""

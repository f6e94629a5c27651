"""From what is known of a job to the options of its charts: pure functions."""

"""What is known of a job from raw readings: pure functions, without I/O, clock or framework."""

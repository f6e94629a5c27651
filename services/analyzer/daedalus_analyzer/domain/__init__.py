"""What the analyzer computes: pure functions of values, without I/O, clock or framework."""

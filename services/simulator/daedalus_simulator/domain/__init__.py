"""What a simulated job is: pure functions and values, the same for every policy."""

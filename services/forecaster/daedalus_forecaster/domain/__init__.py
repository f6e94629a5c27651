"""The forecaster's rules: pure functions of values, without I/O, clock, log or framework."""

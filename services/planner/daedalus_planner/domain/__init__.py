"""How many workers a job should have: pure functions of values, without I/O, clock or log."""

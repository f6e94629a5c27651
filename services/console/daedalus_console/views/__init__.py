"""What people see: pure functions from events to text and tables."""

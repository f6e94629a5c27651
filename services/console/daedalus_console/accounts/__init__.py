"""What was promised and what came, what it cost and what others would have: pure, from events."""

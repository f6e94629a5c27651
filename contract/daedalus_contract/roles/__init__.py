"""What is played to a service in each role, and what only that role must do."""

"""Contracts between the services: events, job specs, topics; and the shell that carries them."""

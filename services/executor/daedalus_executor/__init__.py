"""Carries out scale commands, and nothing else."""

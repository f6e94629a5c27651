"""What a job's file asks of rescales beside the plan: small functions that stack on a wish.

How they rank, and why, is in docs/method.md (Courtesies).
"""

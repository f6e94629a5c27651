"""What becomes of a scale command: pure functions of the command, the job's state and the target.

No I/O, clock or log here: the time is an argument.
"""

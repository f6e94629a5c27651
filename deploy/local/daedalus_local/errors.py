"""What can go wrong with the local stack, each as one line for the person at the terminal."""


class StackError(RuntimeError):
    """Something outside this program is missing, taken or broken; the message says what to do."""

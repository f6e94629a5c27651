"""Where a command that takes minutes tells how far it is."""

import sys

from rich.console import Console


def console(*, as_json: bool) -> Console:
    """Return standard output, or standard error where JSON goes to the former.

    Lines of a file or a pipe are as long as they are.
    """
    stream = sys.stderr if as_json else sys.stdout
    return Console(
        file=stream, highlight=False, emoji=False, markup=False, soft_wrap=not stream.isatty()
    )

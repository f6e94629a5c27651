"""Figures as people read them in a decision's sentence."""


def count(value: float) -> str:
    """Return a number with three digits that matter and a unit prefix.

    >>> count(41_234.0), count(1_250_000.0), count(950.0), count(7.25), count(0.0)
    ('41.2k', '1.25M', '950', '7.2', '0')
    """
    if abs(value) >= 999_950:
        return f"{value / 1e6:.2f}M"
    if abs(value) >= 999.5:
        return f"{value / 1e3:.1f}k"
    if abs(value) >= 9.95 or value == 0:
        return f"{value:.0f}"
    return f"{value:.1f}"


def rate(value: float) -> str:
    """Return records/s.

    >>> rate(41_234.0)
    '41.2k/s'
    """
    return count(value) + "/s"


def workers(number: int) -> str:
    """Return a number of workers.

    >>> workers(1), workers(4)
    ('1 worker', '4 workers')
    """
    return f"{number} worker" if number == 1 else f"{number} workers"

"""Numbers as people read them: three digits and a unit, `?` for what is unknown."""

from collections.abc import Sequence

from daedalus_shared.durations import text

UNKNOWN = "?"

_BARS = "▁▂▃▄▅▆▇█"


def number(value: float | None) -> str:
    """Return a number to three digits, with k, M, G from a thousand on.

    >>> number(12345.0), number(0.25), number(999.6), number(7), number(None)
    ('12.3k', '0.25', '1k', '7', '?')
    """
    if value is None:
        return UNKNOWN
    for unit in ("", "k", "M", "G"):
        shown = f"{value:.3g}"
        if abs(float(shown)) < 1000:
            return shown + unit
        value /= 1000
    return f"{value:.3g}T"


def rate(value: float | None) -> str:
    """Return records per second.

    >>> rate(41_234.0)
    '41.2k/s'
    """
    return UNKNOWN if value is None else f"{number(value)}/s"


def span(seconds: float | None) -> str:
    """Return a duration.

    >>> span(90.0), span(None)
    ('1m30s', '?')
    """
    return UNKNOWN if seconds is None else text(seconds)


def share(part: float | None, whole: float | None) -> str:
    """Return a part of a whole in percent.

    >>> share(3.0, 4.0), share(3.0, 0.0)
    ('75 %', '?')
    """
    if part is None or not whole:
        return UNKNOWN
    return f"{100 * part / whole:.0f} %"


def workers(count: int | None) -> str:
    """Return a number of workers.

    >>> workers(1), workers(4)
    ('1 worker', '4 workers')
    """
    return f"{UNKNOWN if count is None else count} worker{'' if count == 1 else 's'}"


def change(before: int | None, after: int | None) -> str:
    """Return a rescale.

    >>> change(4, 6), change(None, 6)
    ('4 → 6', '? → 6')
    """
    return " → ".join(UNKNOWN if count is None else str(count) for count in (before, after))


def sparkline(values: Sequence[float | None], top: float | None = None) -> str:
    """Return a line of bars from 0 to the highest value; a blank where it is unknown.

    Args:
        values: In the order of time.
        top: The value of a full bar; the highest of the values when None.

    >>> sparkline([0.0, 4.0, None, 8.0])
    '▁▅ █'
    """
    known = [value for value in values if value is not None]
    highest = max(known, default=0.0) if top is None else top
    return "".join(" " if value is None else _bar(value, highest) for value in values)


def gauge(part: float, width: int) -> str:
    """Return a bar that is filled in proportion, at most to its end.

    >>> gauge(0.5, 4)
    '██░░'
    """
    filled = round(min(max(part, 0.0), 1.0) * width)
    return "█" * filled + "░" * (width - filled)


def _bar(value: float, highest: float) -> str:
    if highest <= 0:
        return _BARS[0]
    place = int(min(max(value, 0.0), highest) / highest * (len(_BARS) - 1) + 0.5)
    return _BARS[place]

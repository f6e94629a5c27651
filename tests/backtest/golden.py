"""Renew the golden record: `make golden`. Look at what changes before you commit it.

Without DAEDALUS_TRACES the records of the traces stay as they are.
"""

import sys

from backtest import record


def main() -> None:
    """Play, tell what is not as it was, and write."""
    before = record.read()
    played = record.play(record.folder())
    for name, now in sorted(played.items()):
        told = "new" if name not in before else "; ".join(record.differences(now, before[name]))
        sys.stdout.write(f"{name:45} J/oracle {now.ratio:.3f}  {told or 'as it was'}\n")
    kept = {} if record.folder() else {n: r for n, r in before.items() if " on shape:" not in n}
    record.write({**kept, **played})


if __name__ == "__main__":
    main()

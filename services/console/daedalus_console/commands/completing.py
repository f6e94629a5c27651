"""What shells complete by asking Kafka."""

import typer


def jobs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the declared jobs whose names begin so.

    None where Kafka does not answer soon: who presses Tab waits.
    """
    from daedalus_console.runs import common

    return common.named(ctx.params.get("bootstrap"), incomplete)

"""`daedalus-contract`, the command by itself."""

import typer

from daedalus_contract.commands import EXAMPLES, contract


def app() -> typer.Typer:
    """Return the command."""
    made = typer.Typer(
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    made.command(epilog=EXAMPLES)(contract)
    return made


def main() -> None:
    """Run the command."""
    app()(prog_name="daedalus-contract")


if __name__ == "__main__":
    main()

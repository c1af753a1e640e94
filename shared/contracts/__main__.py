"""`python -m shared.contracts --write | --check`: the committed schemas against the models."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from shared.contracts.schemas import COMMITTED, broken_promises, out_of_date, write


def main(
    write_: Annotated[bool, typer.Option("--write", help="Write what grew.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Compare only (the default).")] = False,
    directory: Annotated[Path, typer.Option(help="Where the schemas are.")] = COMMITTED,
) -> None:
    """Compare the models with the committed schemas; status 1 where a promise breaks.

    A breaking change is never written: it needs a new type (`.v2`) on a new topic.
    """
    if write_ and check:
        raise typer.BadParameter("Either --write or --check.")
    broken = broken_promises(directory)
    for sentence in broken:
        typer.echo(sentence, err=True)
    if broken:
        sys.exit(1)
    if write_:
        write(directory)
    stale = out_of_date(directory)
    for type_ in stale:
        typer.echo(f"{type_}: the committed schema is out of date; run with --write.", err=True)
    sys.exit(1 if stale else 0)


if __name__ == "__main__":
    typer.run(main)

"""The command line: which commands there are, and how a failure is told."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer

from services.commands import (
    backup,
    dead_letters,
    secret_files,
    sign_in,
    start,
    topics,
)
from services.process import CannotStart, loop_factory
from services.topology import SERVICES

app = typer.Typer(
    help="Andan: rooms, events, evaluations and the report of a year.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(dead_letters.app, name="dead-letters")
app.command(name="sign-in")(sign_in.make_link)
app.command(name="backup")(backup.back_up)
app.command(name="restore")(backup.restore)
app.command(name="secrets")(secret_files.make_secrets)


def _run(work: Coroutine[Any, Any, int]) -> None:
    def run() -> int:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(work)

    raise typer.Exit(_told(run))


def _told(run: Callable[[], int]) -> int:
    """Run a command and return its status; what keeps it from starting is told in a sentence."""
    os.umask(0o077)  # stores, log and letters are for their owner alone
    try:
        return run()
    except CannotStart as error:
        typer.echo(f"Andan cannot start. {error}", err=True)
        return 1
    except KeyboardInterrupt:
        return 130


@app.callback(invoke_without_command=True)
def everything(context: typer.Context) -> None:
    """Run all services in one process (the default)."""
    if context.invoked_subcommand is None:
        _run(start.everything())


def _add_service(name: str) -> None:
    @app.command(name=name, help=f"Run {name} alone, as a process of its own.")
    def one() -> None:
        _run(start.one(name))


for _name in SERVICES:
    _add_service(_name)


@app.command(name="demo")
def play_demo(
    port: Annotated[int | None, typer.Option(help="Where the house answers.")] = None,
    leave: Annotated[bool, typer.Option("--exit", help="End after the year.")] = False,
    mode: Annotated[str, typer.Option(help="`embedded` (one process) or `distributed`.")] = (
        "embedded"
    ),
) -> None:
    """Live the year 2023 and show its figures beside the source's."""
    from services.commands import demo  # it plays with several services' code

    if mode == "distributed":
        raise typer.Exit(_told(lambda: demo.play_distributed(port, leave=leave)))
    if mode != "embedded":
        raise typer.BadParameter(f"there is no mode {mode}", param_hint="--mode")
    _run(demo.play(port, leave=leave))


@app.command(name="up")
def run_distributed(
    port: Annotated[int, typer.Option(help="Where the house answers.")] = 8000,
    replicas: Annotated[
        str, typer.Option(help="More processes of a service: events=2,booking=2.")
    ] = "",
) -> None:
    """Run every service as a process of its own, on real Kafka and PostgreSQL."""
    from services.commands.up import up  # needs what only the development install brings

    raise typer.Exit(_told(lambda: up(port, replicas)))


@app.command(name="topics")
def declare_topics(
    check: Annotated[
        bool, typer.Option("--check", help="Only say what differs; status 1 if anything does.")
    ] = False,
    accept_loss: Annotated[
        bool,
        typer.Option(
            "--accept-loss", help="Also shorten what is kept, though records are lost by it."
        ),
    ] = False,
) -> None:
    """Bring Kafka's topics, users and rules to what is declared; say what was different."""
    _run(topics.declare(check=check, accept_loss=accept_loss))


@app.command(name="documents")
def generate_documents(
    check: Annotated[bool, typer.Option("--check", help="Only say what differs.")] = False,
) -> None:
    """Write docs/openapi.json and docs/asyncapi.yaml from the code."""
    from services.commands import documents  # as above

    raise typer.Exit(documents.generate(check=check))

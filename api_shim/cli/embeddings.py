"""`afterturn embeddings status | switch | abort | drop`: the embedding models of the database."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from afterturn.embedding.embedder import Embedder
    from afterturn.settings import Settings

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="The embedding models of the database. It keeps the model that it was created with, whatever "
    "AFTERTURN_EMBEDDER says, until `switch` builds the vectors of another one.\n\n"
    "`switch` returns at once. The workers embed all facts, episodes and turns again, with a part of their threads, "
    "while the present model serves. New turns are embedded with both. When the last text is embedded, the new model "
    "serves, in one step. The old vectors are deleted an hour later.\n\n"
    "During that time every worker, and afterwards every client too, needs the settings with which the new model is "
    "reached: the key, endpoint or folder. A model of another endpoint or folder than "
    "the present one is named in AFTERTURN_EMBEDDING_OTHER_MODELS.",
)

EXIT_ABORTED = 1
#: A model that embeds this works.
TRIAL_TEXT = "The weather is fine today."

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object; its keys are stable.")]


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show the model that serves, the one that is being built with its progress, and retired ones.

    It also names settings of this shell that have no effect on the database.
    """
    from afterturn import settings as settings_module
    from afterturn.watching import embeddings, reading, reports
    from api_shim.cli import embeddings_table

    settings = settings_module.load()
    found = reading.read_report(settings, reports.embeddings(settings))
    if as_json:
        _print_json(embeddings.as_json(found))
    else:
        embeddings_table.print_status(found)


@app.command()
def switch(
    embedder: Annotated[
        str | None,
        typer.Option(help="hashing, fastembed or openai. Default: AFTERTURN_EMBEDDER.", show_default=False),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="The model. Default: AFTERTURN_EMBEDDING_MODEL, or the embedder's usual one."),
    ] = None,
    dimension: Annotated[
        int | None,
        typer.Option(
            help="Numbers per vector, where the model offers a choice. Default: AFTERTURN_EMBEDDING_DIMENSION."
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the old vectors, so that switching back is quick, until `drop`.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Show the progress until the new model serves. Ctrl-C ends only the display.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Build the vectors of another model in the background, then let it serve. The present one serves until then.

    The model is tried once before anything is changed. Switching to the model that serves already does nothing; to the
    one that is being built, it goes on. While another one is being built, it is refused.

    Exit code 1 with --wait: the switch was aborted.

    Example: `afterturn embeddings switch --embedder openai --model text-embedding-3-small --wait`
    """
    from afterturn.database import pool
    from afterturn.embedding import spaces, switching
    from api_shim.cli import embeddings_table

    settings = _load_target(embedder, model, dimension)
    with closing(spaces.make_configured_embedder(settings)) as chosen:
        size = _try(chosen, settings)
        with pool.worker_connection(settings) as connection:
            begun = switching.begin(
                connection, provider=chosen.provider, model=chosen.model, dimension=size, keeps_previous=keep
            )
        target = {"embedder": chosen.provider, "model": chosen.model, "dimension": size}
    if wait and begun.state == "building":
        found = embeddings_table.wait_until_served(settings, target, is_quiet=as_json)
        begun_state = "aborted" if found is None else "serving"
    else:
        begun_state = begun.state
    if as_json:
        _print_json(target | {"state": begun_state, "is_new": begun.is_new})
    else:
        embeddings_table.print_switch(target, begun_state, is_new=begun.is_new)
    if begun_state == "aborted":
        raise typer.Exit(EXIT_ABORTED)


@app.command()
def abort(as_json: AsJson = False) -> None:
    """Give up the switch that is running. The present model goes on serving; the new vectors are deleted."""
    from afterturn import settings as settings_module
    from afterturn.database import pool
    from afterturn.embedding import switching

    with pool.worker_connection(settings_module.load()) as connection:
        is_aborted = switching.abort(connection)
    if as_json:
        _print_json({"aborted": is_aborted})
    else:
        typer.echo("the switch is aborted; workers delete the new vectors" if is_aborted else "no switch is running")


@app.command()
def drop(as_json: AsJson = False) -> None:
    """Delete the vectors of retired models now. Without this they are deleted an hour after a switch, or kept (--keep).

    The workers delete them, user by user, as soon as no client can use them any more (90 s after the switch).
    """
    from afterturn import settings as settings_module
    from afterturn.database import pool
    from afterturn.embedding import switching

    with pool.worker_connection(settings_module.load()) as connection:
        count = switching.order_drop(connection)
    if as_json:
        _print_json({"spaces": count})
    else:
        typer.echo(
            f"the vectors of {count} retired models are deleted by the workers" if count else "nothing to delete"
        )


def _load_target(embedder: str | None, model: str | None, dimension: int | None) -> Settings:
    """Return the settings that name the new model. Raises SettingsError if they name none."""
    from afterturn import settings as settings_module
    from afterturn.errors import SettingsError

    settings = settings_module.load_with(embedder=embedder, embedding_model=model, embedding_dimension=dimension)
    if not settings.model_fields_set & {"embedder", "embedding_model"}:
        raise SettingsError("no model is named: give --embedder and --model, or set AFTERTURN_EMBEDDER")
    if embedder is not None and settings_module.load().embedder != embedder:
        # The model and the dimension of another embedder are not meant.
        settings = settings.model_copy(update={"embedding_model": model, "embedding_dimension": dimension})
    if settings.embedder == "hashing" and settings.embedding_model is not None:
        raise SettingsError("the hashing embedder has one model: set AFTERTURN_EMBEDDER too, or give --embedder")
    return settings


def _try(embedder: Embedder, settings: Settings) -> int:
    """Embed a text, and return how many numbers the vector has. Raises ModelError, SettingsError or MissingExtra."""
    from afterturn.errors import SettingsError

    size = len(embedder.embed([TRIAL_TEXT])[0])
    if settings.embedding_dimension not in (None, size):
        raise SettingsError(
            f"{embedder.model} gives vectors of dimension {size}, not {settings.embedding_dimension}: leave out "
            "--dimension and AFTERTURN_EMBEDDING_DIMENSION"
        )
    return size


def _print_json(values: dict[str, Any]) -> None:
    typer.echo(json.dumps(values, ensure_ascii=False))

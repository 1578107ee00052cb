"""`afterturn settings`: every setting, its default and what it means."""

from __future__ import annotations

from typing import Annotated

import typer


def settings(
    markdown: Annotated[bool, typer.Option("--markdown", help="As the table in docs/reference/settings.md.")] = False,
) -> None:
    """List every setting, its default and what it means.

    Settings are environment variables; an unknown one that begins with AFTERTURN_ is refused with its name.
    """
    from rich.console import Console
    from rich.table import Table

    from afterturn import settings as settings_module

    if markdown:
        print(settings_module.markdown_table())
        return
    table = Table("setting", "default", "meaning", show_lines=False)
    for line in settings_module.markdown_table().splitlines()[2:]:
        name, default, meaning = (part.strip(" `") for part in line.strip("|").split("|"))
        table.add_row(name, default, meaning)
    Console().print(table)

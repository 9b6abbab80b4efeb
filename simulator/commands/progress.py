"""Progress bars: on standard error, and on a terminal only."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial


@contextmanager
def bar(about: str, total: int, *, shown: bool = True) -> Iterator[Callable[[int], None]]:
    """Show a bar for *total* things; what is yielded is called with how many are done further."""
    if not (shown and sys.stderr.isatty()):
        yield lambda _: None
        return
    # Where nobody looks, nobody is to wait for what draws it.
    from rich.console import Console  # noqa: PLC0415 (for terminals only)
    from rich.progress import (  # noqa: PLC0415 (for terminals only)
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        yield partial(progress.advance, progress.add_task(about, total=total))

"""Progress bars: on standard error, and on a terminal only."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def bar(about: str, total: int, *, shown: bool = True) -> Iterator[Callable[[int], None]]:
    """Show a bar for *total* things; what is yielded is called with how many are done further."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    disable = not (shown and console.is_terminal)
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=disable) as progress:
        yield partial(progress.advance, progress.add_task(about, total=total))

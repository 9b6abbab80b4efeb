"""Where commands write: a file that is replaced whole, or standard output."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO

import click

from simulator.core.files import replacing
from simulator.core.settings import ConfigurationError


@contextmanager
def output_file(path: Path | None, mode: int | None = None) -> Iterator[IO[bytes]]:
    """Give what to write to; *path* is replaced, or standard output written, at the block's end.

    If the block raises, nothing is. ConfigurationError if the file cannot be written.
    """
    if path is None:
        content = BytesIO()
        yield content
        click.echo(content.getvalue(), nl=False)
        return
    try:
        with replacing(path, mode) as file:
            yield file
    except OSError as error:
        why = f"cannot write {path} ({error.strerror}): name another file, or make room"
        raise ConfigurationError(why) from error

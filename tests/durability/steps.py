"""``python -m tests.durability.steps DIR COMMAND``: a command that is killed, or gets no room.

DIR holds a data directory, and what else the command needs; COMMAND is a JSON array, in which
``{}`` stands for that directory. It is run on a copy: in a child that may write no byte, then in
some that get killed before they change a file for the first, second, ...
time. Where there is no file ``out`` after that, it is run again. Prints what became of each.
"""

import json
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import click

from simulator.cli import main

_CHANGES = {"os.rename", "os.remove", "os.link", "os.mkdir", "os.truncate"}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
MOST = 60
"""Steps of a command."""


def in_child(work: Callable[[], object]) -> int:
    """Run *work* in a child; return how that ended, as `os.waitstatus_to_exitcode` has it."""
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    code = 70
    with suppress(BaseException):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        try:
            work()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
    os._exit(code)


def killed_at(step: int, args: list[str]) -> int:
    """Run a command that gets killed before its change number *step*."""
    seen = 0

    def hook(event: str, facts: tuple[object, ...]) -> None:
        nonlocal seen
        opened = event == "open" and isinstance(facts[2], int) and facts[2] & _WRITES
        if event in _CHANGES or (opened and str(facts[0]) != os.devnull):
            seen += 1
            if seen > step:
                os.kill(os.getpid(), signal.SIGKILL)

    def work() -> None:
        sys.addaudithook(hook)
        main(args)

    return in_child(work)


def without_room(args: list[str]) -> int:
    """Run a command that may write no byte to any file."""

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        main(args)

    return in_child(work)


def outcomes(folder: Path, line: list[str]) -> Iterator[dict[str, object]]:
    """Yield what became of each attempt: how it ended, and the same command after it."""
    copy = folder.with_name(folder.name + "-copy")
    args = [one.replace("{}", str(copy)) for one in line]
    attempts: list[tuple[str, Callable[[], int]]] = [
        ("without room", partial(without_room, args)),
        *((f"killed at {step}", partial(killed_at, step, args)) for step in range(MOST)),
    ]
    for about, attempt in attempts:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder, copy)
        ended = attempt()
        out = copy / "out"
        left = out.read_text("utf-8", "replace") if out.exists() else None
        again = in_child(lambda: main(args)) if left is None else 0
        yield {"at": about, "ended": ended, "left": left, "again": again}
        if about.startswith("killed") and ended != -signal.SIGKILL:
            break
    shutil.rmtree(copy)


if __name__ == "__main__":
    # Each child would import it anew.
    main.get_command(click.Context(main), json.loads(sys.argv[2])[0])
    found = list(outcomes(Path(sys.argv[1]), json.loads(sys.argv[2])))
    sys.stdout.write(json.dumps(found))

"""Fuzz the parsers with atheris: ``python -m tests.fuzz [NAME...]``, or ``make fuzz``.

Each target runs in a process of its own for --seconds, from its seeds and from
what earlier runs found worth keeping (build/fuzz/corpus). What makes one fail,
take over 10 s, or take over 1 GB is written to build/fuzz; the exit status is
then 1, and ``python -m tests.fuzz --replay FILE NAME`` shows it again.
"""

import argparse
import importlib
import re
import subprocess
import sys
from pathlib import Path

BUILD = Path("build/fuzz")
SLOWEST_S, MOST_MB, LONGEST = 10, 1024, 16_384
_DONE = re.compile(r"stat::number_of_executed_units: (\d+)")
_COVERED = re.compile(r"cov: (\d+)")


def fuzz(name: str, arguments: list[str]) -> None:
    """Fuzz one target in this process, which it ends."""
    atheris = importlib.import_module("atheris")  # a dependency of this command alone
    # Where the branches are is learnt while modules are imported.
    with atheris.instrument_imports(include=["simulator", "plistlib", "tomllib", "gzip"]):
        from tests.fuzz import targets  # noqa: PLC0415 (inside the instrumentation)
    atheris.Setup(["fuzz", *arguments], targets.TARGETS[name].run)
    atheris.Fuzz()


def replay(name: str, file: Path) -> None:
    """Run one target with the bytes of *file*."""
    from tests.fuzz import targets  # noqa: PLC0415 (after the instrumentation of `fuzz`)

    targets.TARGETS[name].run(file.read_bytes())


def run(name: str, seconds: int) -> bool:
    """Fuzz one target in a process of its own; print a line and return whether it held."""
    from tests.fuzz import targets  # noqa: PLC0415 (after the instrumentation of `fuzz`)

    corpus, seeds = BUILD / "corpus" / name, BUILD / "seeds" / name
    for folder in (corpus, seeds):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(targets.seeds_of(name)):
        (seeds / f"{number}").write_bytes(seed)
    limits = [
        f"-max_total_time={seconds}",
        f"-timeout={SLOWEST_S}",
        f"-rss_limit_mb={MOST_MB}",
        f"-max_len={LONGEST}",
        f"-artifact_prefix={BUILD}/{name}-",
        "-print_final_stats=1",
    ]
    command = [sys.executable, "-m", "tests.fuzz", "--one", name, *limits, str(corpus), str(seeds)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    said = done.stdout + done.stderr
    (BUILD / f"{name}.log").write_text(said)
    tried, covered = _DONE.findall(said), _COVERED.findall(said)
    held = done.returncode == 0
    figures = f"{int((tried or [0])[-1]):>12} tried {int((covered or [0])[-1]):>7} edges"
    ended = "held" if held else f"FAILED: {BUILD / name}.log"
    print(f"{name:10} {seconds:5} s {figures}  {ended}", flush=True)
    return held


def main() -> None:
    """Fuzz what is named, or all."""
    if sys.argv[1:2] == ["--one"]:
        fuzz(sys.argv[2], sys.argv[3:])
        return
    from tests.fuzz import targets  # noqa: PLC0415 (after the instrumentation of `fuzz`)

    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.fuzz")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(targets.TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--replay", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(targets.TARGETS):
        parser.error(f"there is no target {min(unknown)}; there are {', '.join(targets.TARGETS)}")
    names = arguments.names or list(targets.TARGETS)
    if arguments.replay:
        replay(names[0], arguments.replay)
        return
    held = [run(name, arguments.seconds) for name in names]
    sys.exit(not all(held))


if __name__ == "__main__":
    main()

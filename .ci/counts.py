"""Hold the counts of a stage's runner against those that are written in counts.toml.

python3 .ci/counts.py STAGE LOG [RESULTS]           fail if fewer ran than are written
python3 .ci/counts.py --write STAGE LOG [RESULTS]   write down what ran

LOG is what the runner printed; its own closing line has the number. RESULTS is the
JUnit file of pytest, for the number of each folder: what grows in one is not to hide
what another one lost. A file of tests without a test is an error; skipped ones have their reason.
"""

import json
import re
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

WRITTEN = Path(__file__).parent / "counts.toml"


def counted(log: Path, pattern: str) -> int:
    """Return the number in the last line of *log* that *pattern* finds, or 0."""
    found = re.findall(pattern, log.read_text(errors="replace"))
    return int(found[-1]) if found else 0


def counts(results: Path) -> tuple[Counter[str], Counter[str]]:
    """Return how many tests of each file passed, and how many there were, skipped ones included."""
    cases = list(ET.parse(results).iter("testcase"))
    names = ("failure", "error", "skipped")
    bad = {id(one) for one in cases for name in names if one.find(name) is not None}
    all_of_them = Counter(one.get("classname", "") for one in cases)
    return Counter(one.get("classname", "") for one in cases if id(one) not in bad), all_of_them


def files(stage: dict[str, Any]) -> list[str]:
    """Return the files of tests that the stage is to run."""
    command = ["git", "ls-files", *stage["tests"]]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return [one for one in listed if re.fullmatch(r"test_.*\.py", PurePosixPath(one).name)]


def folders(
    files_: list[str], passed: Counter[str], there: Counter[str]
) -> tuple[dict[str, int], list[str]]:
    """Return the number of each folder that passed, and the files that have no test at all."""
    numbers: Counter[str] = Counter()
    empty = []
    for file in files_:
        module = file.removesuffix(".py").replace("/", ".")
        numbers[str(PurePosixPath(file).parent)] += _of(module, passed)
        if not _of(module, there):
            empty.append(file)
    return dict(numbers), empty


def _of(module: str, numbers: Counter[str]) -> int:
    return sum(n for name, n in numbers.items() if f"{name}.".startswith(f"{module}."))


def rewrite(name: str, number: int, by_folder: dict[str, int]) -> None:
    """Write the numbers of one stage down."""
    written = WRITTEN.read_text()
    stages = tomllib.loads(written)
    stages[name]["least"] = number
    if by_folder:
        stages[name]["folders"] = dict(sorted(by_folder.items()))
    lines = [line for line in written.splitlines() if line.startswith("#")]
    for stage, facts in stages.items():
        lines += ["", f"[{stage}]", f"line = '{facts['line']}'", f"least = {facts['least']}"]
        if "tests" in facts:
            lines += [f"tests = {json.dumps(facts['tests'])}", f"[{stage}.folders]"]
            lines += [f'"{folder}" = {least}' for folder, least in facts["folders"].items()]
    WRITTEN.write_text("\n".join(lines) + "\n")


def main(arguments: list[str]) -> int:
    """Compare or write, and return the exit status."""
    write = arguments[:1] == ["--write"]
    name, log, *results = arguments[write:]
    stage = tomllib.loads(WRITTEN.read_text())[name]
    number = counted(Path(log), stage["line"])
    by_folder, empty = folders(files(stage), *counts(Path(results[0]))) if results else ({}, [])
    if write:
        rewrite(name, number, by_folder)
        return 0
    wrong = [f"{file}: 0 tests ran, and it is there to have some" for file in empty]
    if number < stage["least"]:
        wrong.append(f"{number} ran, and {stage['least']} are written in .ci/counts.toml")
    for folder, least in stage.get("folders", {}).items():
        if by_folder.get(folder, 0) < least:
            wrong.append(f"{folder}: {by_folder.get(folder, 0)} passed, and {least} are written")
    for one in wrong:
        print(f"{name}: {one}", file=sys.stderr)
    print(f"{name}: {number} counted, at least {stage['least']} wanted")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""``python -m tests.attacks``: does to a journal what `table.py` lists, and shows what reports say.

Prints for each attack the exit code of ``mdmsim report`` and the first line that it wrote. Damage
ends with 3 and a sentence; a kept ledger that does not fit is not used, so that the report is
what it was before. Exits with 1 if anything else became of one.
"""

import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from simulator.cli import main as mdmsim
from simulator.core.data_directory import CHECKED, DATABASE, LEDGER
from tests.attacks.table import (
    CHANGES,
    FORGERIES,
    PAGE,
    PAGES,
    STATEMENTS,
    delete,
    execute,
    head,
    journal,
    spoiled,
    turned,
)

COUNT = 400
DAMAGE = 3
_SIGNS = ("INCOMPLETE", "damaged", "cannot be used", "is empty", "somebody else")
_WIDTH = 84
_FOLDER = re.compile(r"/\S+/")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attack."""

    attack: str
    code: str
    line: str
    holds: bool

    @classmethod
    def of(cls, attack: str, result: Result, *, holds: bool) -> "Outcome":
        """Return what *result* shows."""
        lines = result.output.split("\n") if result.exit_code in {0, DAMAGE} else []
        crash = repr(result.exception)
        line = next((one for one in lines if any(sign in one for sign in _SIGNS)), "")
        line = _FOLDER.sub("", line or "".join(lines[:1]) or crash)
        return cls(attack, f"{result.exit_code}", line, holds)


def report(data: Path, *more: str) -> Result:
    """Run ``mdmsim report``."""
    return CliRunner().invoke(mdmsim, ["report", "--data", str(data), *more])


def damaged(attack: str, result: Result) -> Outcome:
    """Return the outcome of an attack that has to be found."""
    said = any(sign in result.output for sign in _SIGNS)
    found = result.exit_code == DAMAGE and said and "evidence complete" not in result.output
    return Outcome.of(attack, result, holds=found)


def by_sql(data: Path, copy: Path) -> Iterator[Outcome]:
    """Attack copies of *data* by SQL, and by an empty file."""
    for name, statements in STATEMENTS.items():
        shutil.copytree(data, copy, dirs_exist_ok=True)
        execute(copy, *statements)
        yield damaged(name, report(copy, "--verify"))
    (copy / DATABASE).write_bytes(b"")
    yield damaged("emptied-file", report(copy, "--verify"))


def by_page(data: Path) -> Iterator[Outcome]:
    """Damage each page of the database in turn; nothing of what is reported may be lost."""
    path = data / DATABASE
    whole = path.read_bytes()
    clear = ("--verify", "--format", "json", "--fail-on", "never")
    before = report(data, *clear).output
    for damage in PAGES:
        codes: Counter[int] = Counter()
        odd = []
        found: Outcome | None = None
        for page in range(len(whole) // PAGE):
            content = bytearray(whole)
            damage(content, page)
            path.write_bytes(content)
            result = report(data, *clear)
            codes[result.exit_code] += 1
            # The header may say that it is another program's.
            allowed = {DAMAGE, 2} if page == 0 else {DAMAGE}
            if result.exit_code not in allowed and result.output != before:
                odd.append(page)
            if result.exit_code == DAMAGE and found is None:
                found = damaged("", report(data, "--verify"))
        path.write_bytes(whole)
        told = ", ".join(f"{code}: {count} pages" for code, count in sorted(codes.items()))
        line = f"{told}; {found.line if found else ''}"
        if odd:
            line = f"{told}; not as before, and not found: pages {odd}"
        yield Outcome(f"{damage.__name__}-page", "", line, not odd and found is not None)


def by_forging(data: Path, copy: Path) -> Iterator[Outcome]:
    """Compute the chain anew, which a head that was kept elsewhere tells."""
    kept = head(data, COUNT)
    for name, forge in FORGERIES.items():
        shutil.copytree(data, copy, dirs_exist_ok=True)
        forge(copy)
        alone = report(copy, "--verify")
        yield Outcome.of(f"{name}, no --head", alone, holds=alone.exit_code == 0)
        yield damaged(f"{name}, --head", report(copy, "--verify", "--head", kept))


def by_ledger(data: Path, another: Path) -> Iterator[Outcome]:
    """Change the ledger that is kept for the next report, in each way there is."""
    flags = ("--format", "json", "--fail-on", "never")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("simulator.commands.journal_source.LARGE", 3)
        patch.setattr("simulator.store.file_state.STEP_NS", 1 << 62)  # nothing is noted
        before = report(data, *flags)
        report(another, *flags)
        kept, other = ((one / LEDGER).read_bytes() for one in (data, another))
        for name, content in spoiled(kept, other):
            (data / LEDGER).write_bytes(content)
            result = report(data, *flags)
            same = (result.exit_code, result.output) == (before.exit_code, before.output)
            anew = (data / LEDGER).read_bytes() == kept
            line = "the report of before, made anew" if same and anew else result.output[:_WIDTH]
            yield Outcome(f"ledger.cache: {name}", f"{result.exit_code}", line, same and anew)


def by_note(data: Path, another: Path, copy: Path) -> Iterator[Outcome]:
    """Change the database of which an earlier report noted that all its hashes are right."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("simulator.commands.journal_source.LARGE", 3)
        patch.setattr("simulator.store.file_state.STEP_NS", 0)  # all is, at once
        for of in (data, another):
            report(of, "--rebuild")
        for name, change in CHANGES.items():
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(data, copy)
            report(copy)
            change(copy)
            yield damaged(f"ledger.checked: {name}", report(copy))
        shutil.rmtree(copy)
        shutil.copytree(data, copy)
        turned(copy)
        yield damaged("ledger.checked: directory-copied-and-bit-turned", report(copy))
        shutil.copy(another / CHECKED, copy)
        yield damaged("ledger.checked: of-another-directory", report(copy))


def outcomes(directory: Path) -> Iterator[Outcome]:
    """Make journals in *directory*, and yield what becomes of each attack."""
    data, forged = (journal(directory / name, COUNT) for name in ("data", "forged"))
    delete(data, 2)
    yield from by_sql(data, directory / "sql")
    yield from by_forging(forged, directory / "forging")
    yield from by_ledger(data, forged)
    yield from by_note(data, forged, directory / "noted")
    yield from by_page(data)


def main() -> None:
    """Print the table."""
    total = failed = 0
    print(f"{'attack':48} exit  first line")
    with tempfile.TemporaryDirectory() as name:
        for one in outcomes(Path(name)):
            mark = "" if one.holds else "NOT HELD "
            print(f"{one.attack:48} {one.code:>4}  {mark}{one.line[:_WIDTH]}", flush=True)
            total += 1
            failed += not one.holds
    print(f"{total} attacks, {failed} of them not held off")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

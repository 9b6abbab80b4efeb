"""Programs of the machine that tests hold our output against."""

import shutil

import pytest


def program(name: str) -> str:
    """Return the path of *name*; without it, the test is skipped and says so.

    A machine with nothing but Python passes. The gate counts what ran where they are.
    """
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"not run: the command {name} is not there")
    return found

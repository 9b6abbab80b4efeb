"""Secrets of each kind, planted at each place in each encoding: none reaches anything written."""

import logging
from pathlib import Path

import pytest

from tests.secrets.__main__ import plant


async def test_no_planted_secret_reaches_anything_that_is_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, "mdmsim")

    planted = await plant(tmp_path)

    out, err = capfd.readouterr()
    planted.look("the log", f"{caplog.text}{out}{err}".encode())
    assert len(planted.cases) >= 5000
    assert dict(planted.seen) == {}
    assert planted.elsewhere == []
    assert planted.report == ""

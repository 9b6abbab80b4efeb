"""What measures coverage is left as it is made: what we patch for the tests is not to reach it."""

import sys
import threading
from types import BuiltinMethodType
from typing import Any

import pytest


@pytest.mark.skipif(sys.gettrace() is None, reason="nothing is measured (make coverage)")
def test_the_tracer_of_a_thread_locks_without_running_python() -> None:
    found: list[Any] = []

    def look() -> None:
        tracer: Any = sys.gettrace()
        found.extend([tracer.lock_data, tracer.unlock_data])

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()

    assert [type(one) for one in found] == [BuiltinMethodType] * 2

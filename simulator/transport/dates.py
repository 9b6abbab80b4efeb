"""The Date header, by the simulator's clock."""

from email.utils import formatdate

from simulator.core.clock import Clock


class HttpDate:
    """Gives the Date of responses; it is made once a second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._second, self._date = -1, ""

    def __call__(self) -> str:
        """Return the Date of this second."""
        second = self._clock.now_ms() // 1000
        if second != self._second:
            self._second, self._date = second, formatdate(second, usegmt=True)
        return self._date

"""What could not be recorded, as on a full disk: why, how often, and what the journal owes."""

import logging

from simulator.core.messages import Response
from simulator.store.errors import StoreError

LOG = logging.getLogger("mdmsim")
UNAVAILABLE = Response(
    503,
    (("Content-Type", "text/plain; charset=utf-8"), ("Retry-After", "5")),
    b"mdmsim: the journal cannot be written, and nothing is served unseen\n",
    close=True,
)


class UnjournalledCount:
    """The count of one gateway."""

    def __init__(self, *, serve: bool) -> None:
        """*serve* says whether requests are answered even if they cannot be recorded."""
        self.serve = serve
        self.trouble: StoreError | None = None
        """Why the last exchange could not be recorded; None if it was."""
        self.unjournalled = 0
        """Exchanges that were answered unrecorded, which the journal does not say yet."""
        self.total = 0
        """Exchanges that could not be recorded, so far."""
        self._spell = 0

    def failed(self, error: Exception) -> None:
        """Note why an exchange could not be recorded. The text of other errors is not kept."""
        self.trouble = error if isinstance(error, StoreError) else StoreError(type(error).__name__)

    def note(self, error: Exception | None) -> None:
        """Count one exchange that ends; log where a spell of errors begins, and where it ends."""
        if error is not None:
            self.total += 1
            self._spell += 1
            if self._spell == 1:
                about = "an exchange could not be recorded"
                if isinstance(error, StoreError):
                    LOG.error("%s (%s): %s", about, error, error.advice)
                else:
                    LOG.error(about, exc_info=error)
        elif self._spell:
            LOG.warning("exchanges are recorded again; %d could not be", self._spell)
            self._spell = 0

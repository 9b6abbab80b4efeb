"""The authorities of a data directory that services issue certificates with."""

from collections.abc import Callable
from functools import cached_property

from simulator.pki.push import PushAuthority
from simulator.pki.vendor import Vendor, VendorAuthority


class Authorities:
    """Who issues push certificates, vendors' certificates, and our own vendor's identity.

    The last two are made when they are first asked for: few ever need them, and
    their keys take longer than all else of a start.
    """

    def __init__(
        self,
        push: PushAuthority,
        developer: Callable[[], VendorAuthority],
        vendor: Callable[[VendorAuthority], Vendor],
    ) -> None:
        """Take the first, and what makes or reads the others."""
        self.push = push
        self._developer = developer
        self._vendor = vendor

    @cached_property
    def developer(self) -> VendorAuthority:
        """The authority that vendors' certificates come from."""
        return self._developer()

    @cached_property
    def vendor(self) -> Vendor:
        """The vendor that signs for those who have none of their own."""
        return self._vendor(self.developer)

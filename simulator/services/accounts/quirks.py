"""Whose devices may use Managed Apple Accounts: a setting of the portal, off until switched on."""

from simulator.protocol.head import Quirk

MANAGED_ONLY = Quirk(
    "accounts.managed-devices-only",
    "Managed Apple Accounts sign in on managed devices only: without a token they are refused.",
    "AD",
)
SUPERVISED_ONLY = Quirk(
    "accounts.supervised-devices-only",
    "Managed Apple Accounts sign in on supervised devices only.",
    "AD",
)
ALL = (MANAGED_ONLY, SUPERVISED_ONLY)

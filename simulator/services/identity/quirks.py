"""Oddities of the portal and of those who sign for it, each a switch (more.md 1.5 and 1.8)."""

from simulator.protocol.head import Quirk

VENDOR_EXPIRED = Quirk(
    "identity.vendor-expired",
    "Our own vendor signs with a certificate that has expired: the signer says success, and the "
    "portal refuses.",
    "GH micromdm/micromdm#1069, GH micromdm/micromdm#1082",
)
SHA1 = Quirk("identity.sha1", "Signatures with SHA-1 pass too, as they once did.", "AD")
ANY_SIGNATURE = Quirk(
    "identity.any-signature", "The vendor's signature over the CSR is not looked at.", "AD"
)
ANY_KEY = Quirk("identity.any-key", "CSRs with short keys pass.", "AD")
FREE_MAIL = Quirk(
    "identity.free-mail",
    "Fleet's signer refuses addresses of free-mail providers.",
    "GH fleetdm/fleet#23221",
)
ALL = (VENDOR_EXPIRED, SHA1, ANY_SIGNATURE, ANY_KEY, FREE_MAIL)

"""FileVault: a profile turns it on, and RotateFileVaultKey changes its recovery key."""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from simulator.devices.commands.rows import Command, Done, Execution, command
from simulator.devices.errors import CommandFormatError, refused
from simulator.devices.world import DeviceEnvironment
from simulator.pki.push_identity import UNREADABLE

FILEVAULT = "com.apple.MCX.FileVault2"
"""Type of the payload that turns it on."""
_GROUPS, _GROUP = 6, 4
_NO_KEY = 12071


def new_recovery_key(world: DeviceEnvironment) -> str:
    """Return a personal recovery key: six groups of four characters."""
    digits = world.random_hex(_GROUPS * _GROUP).upper()
    return "-".join(digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP))


def rotate_filevault_key(execution: Execution) -> Done:
    """Change the personal recovery key, if the current one is given; return it encrypted."""
    device = execution.device
    if execution.needed("KeyType", str) != "personal":
        raise refused("The institutional key cannot be rotated.", _NO_KEY)
    unlock = execution.needed("FileVaultUnlock", dict)
    encoded = execution.optional("ReplyEncryptionCertificate", bytes)
    if not device.recovery_key or unlock.get("Password") != device.recovery_key:
        raise refused("FileVault could not be unlocked.", _NO_KEY)
    key = new_recovery_key(execution.world)
    keys = {} if encoded is None else {"EncryptedNewRecoveryKey": sealed(key, encoded)}
    device.recovery_key = key
    return Done({"RotateResult": keys})


def sealed(key: str, certificate: bytes) -> bytes:
    """Return *key* as CMS EnvelopedData, DER, to *certificate*: DER or PEM.

    CommandFormatError if it is no certificate that something can be encrypted to.
    """
    try:
        load = x509.load_der_x509_certificate
        if certificate.lstrip().startswith(b"-----BEGIN"):
            load = x509.load_pem_x509_certificate
        recipient = load(certificate)
        public = recipient.public_key()
    except UNREADABLE:
        raise CommandFormatError("what is to encrypt the key is no certificate") from None
    if not isinstance(public, rsa.RSAPublicKey):
        raise CommandFormatError("the certificate that is to encrypt the key has no RSA key")
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(key.encode()).add_recipient(recipient)
    return builder.encrypt(Encoding.DER, [pkcs7.PKCS7Options.Binary])


COMMANDS: tuple[Command, ...] = (
    command("RotateFileVaultKey", rotate_filevault_key, 4, macos="10.9 !"),
)

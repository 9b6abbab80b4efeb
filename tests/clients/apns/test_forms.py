"""Each form of a push credential is opened by the usual loader of each language."""

import sys
from collections.abc import Callable, Sequence

import pytest

from tests.clients.apns.clients import PUSHY, SIDESHOW
from tests.clients.apns.pushing import Device, Provider
from tests.clients.harness import environment, run

pytestmark = pytest.mark.clients

PASSWORD = "mdmsim"
_NODE = (
    "const fs = require('fs'), tls = require('tls');"
    "tls.createSecureContext({pfx: fs.readFileSync(process.argv[1]), passphrase: process.argv[2]})"
)
_PYTHON = (
    "import sys; from cryptography.hazmat.primitives.serialization import pkcs12;"
    "content = open(sys.argv[1], 'rb').read();"
    "key, own, others = pkcs12.load_key_and_certificates(content, sys.argv[2].encode());"
    "assert key and own and not others"
)
LOADERS: dict[str, Callable[[str], Sequence[str]]] = {
    "node": lambda file: ("node", "-e", _NODE, file, PASSWORD),
    "python": lambda file: (sys.executable, "-c", _PYTHON, file, PASSWORD),
    "java": lambda file: (
        *("keytool", "-list", "-rfc", "-storetype", "PKCS12"),
        *("-keystore", file, "-storepass", PASSWORD),
    ),
    "openssl": lambda file: (
        *("openssl", "pkcs12", "-in", file, "-passin", f"pass:{PASSWORD}", "-nodes"),
    ),
    "openssl-legacy": lambda file: (
        *("openssl", "pkcs12", "-legacy", "-in", file, "-passin", f"pass:{PASSWORD}", "-nodes"),
    ),
}
FORMS = ("pkcs12", "pkcs12_legacy")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("loader", LOADERS)
def test_a_loader_opens_each_form(provider: Provider, loader: str, form: str) -> None:
    command = LOADERS[loader](provider.credential[form])

    done = run(command, env=environment(), cwd=provider.folder)

    assert done.returncode == 0, done.stdout + done.stderr


def test_go_pushes_with_the_legacy_form_and_cannot_read_the_other(
    provider: Provider, device: Device
) -> None:
    # apns2's own loader, over golang.org/x/crypto/pkcs12, as buford has it too.
    (result,) = provider.send(SIDESHOW, device.push(), packed="pkcs12_legacy")

    assert result.status == 200
    with pytest.raises(AssertionError, match="unknown digest algorithm"):
        provider.send(SIDESHOW, device.push(), packed="pkcs12")


def test_java_pushes_with_the_legacy_form(provider: Provider, device: Device) -> None:
    push = device.push(apns_push_type="mdm", apns_topic=device.topic)

    (result,) = provider.send(PUSHY, push, packed="pkcs12_legacy")

    assert result.status == 200

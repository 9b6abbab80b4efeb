"""Scripts of ours with the requests of clients that cannot be had from a registry.

They are no client's code: micromdm's ``mdmctl`` and its module are not there to be
installed, Zentral and Fleet are no libraries. What they ask and how they read is
written after their sources (more.md 1.3, 1.4 and 2.3).
"""

import base64
import json
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7

from simulator.pki.push_requests import sign_request
from simulator.pki.vendor import Vendor
from tests.certificates import self_signed
from tests.clients.harness import Simulator
from tests.vendors import csr, key

pytestmark = pytest.mark.clients
PEM = serialization.Encoding.PEM
WWDR = "https://www.apple.com/certificateauthority/AppleWWDRCAG3.cer"
ROOT = "https://www.apple.com/appleca/AppleIncRootCertificate.cer"


@pytest.fixture
def http(simulator: Simulator) -> Iterator[httpx.Client]:
    """A client as those are run: by the proxy, with the simulator's CA."""
    proxy, trust = simulator.ready["proxy"], ssl.create_default_context(cafile=simulator.ca)
    with httpx.Client(proxy=proxy, verify=trust, headers={"Accept": "*/*"}) as client:
        yield client


def test_mdmctl_completes_the_chain_of_its_vendor_and_signs(
    simulator: Simulator, http: httpx.Client
) -> None:
    """``mdmctl mdmcert vendor``, ``push`` and ``vendor -sign``; then the upload to the portal."""
    pem = csr().public_bytes(PEM).decode()
    cer = simulator.control("POST", "/vendor-certificates", {"csr": pem, "name": "micromdm"})
    leaf = x509.load_der_x509_certificate(base64.b64decode(cer["cer"]))
    fetched = [x509.load_der_x509_certificate(http.get(url).content) for url in (WWDR, ROOT)]

    request = sign_request(csr(), Vendor(leaf, (leaf, *fetched), key())).decode()
    (own,) = simulator.control("GET", "/push-certificates")["push_certificates"]
    body = {"request": request, "renews": own["serial"]}
    made = simulator.control("POST", "/push-certificates", body)

    assert made["topic"] == own["topic"]
    asked = simulator.exchanges(service="identity")
    assert [one["target"] for one in asked] == [httpx.URL(url).path for url in (WWDR, ROOT)]


@pytest.mark.parametrize("flags", [("--san", "mdmcert.download")])
def test_mdmcert_download_signs_for_who_has_no_vendor(
    simulator: Simulator, http: httpx.Client
) -> None:
    """``mdmctl mdmcert.download -new`` and ``-decrypt``: chunked, the answer by mail."""
    own = _own_certificate()
    body = {
        "csr": base64.b64encode(csr().public_bytes(PEM)).decode(),
        "email": "it@school.example",
        "key": "ab" * 32,
        "encrypt": base64.b64encode(own.public_bytes(PEM)).decode(),
    }
    headers = {"Content-Type": "application/json", "User-Agent": "micromdm/certhelper"}
    pieces = iter([json.dumps(body).encode()])
    url = "https://mdmcert.download/api/v1/signrequest"

    answer = http.post(url, content=pieces, headers=headers)

    assert (answer.status_code, answer.json()) == (200, {"result": "success"})
    mails = simulator.control("GET", "/mails")["mails"]
    mail = next(one for one in mails if one["file"])
    plain = pkcs7.pkcs7_decrypt_der(bytes.fromhex(mail["content"]), own, key(), [])
    made = simulator.control("POST", "/push-certificates", {"request": plain.decode()})
    assert made["is_other_topic"] is True


def _own_certificate() -> x509.Certificate:
    now = datetime.now(UTC)  # noqa: TID251 (the tool's own clock)
    return self_signed(key(), "mdmcert.download", start=now)


class Mirror:
    """A table of releases as Zentral keeps it: what is not in the document any more is deleted."""

    def __init__(self) -> None:
        self.rows: dict[tuple[Any, ...], dict[str, Any]] = {}

    def sync(self, document: dict[str, Any]) -> None:
        seen = {}
        for name in ("PublicAssetSets", "PublicBackgroundSecurityImprovements"):
            for platform, assets in document[name].items():
                for asset in assets:
                    parts = tuple(int(part) for part in asset["ProductVersion"].split("."))
                    extra, base = "", ""
                    if name != "PublicAssetSets":
                        extra, base = asset["ProductVersionExtra"], asset["PrerequisiteBuild"]
                    seen[(platform, parts, extra, base, asset["Build"])] = asset
        self.rows = seen


def test_a_mirror_as_zentrals_reads_the_list_and_loses_it_to_an_empty_one(
    simulator: Simulator, http: httpx.Client
) -> None:
    mirror = Mirror()
    mirror.sync(http.get("https://gdmf.apple.com/v2/pmv").json())
    before = len(mirror.rows)
    simulator.control("PUT", "/quirks/gdmf.empty", {"on": True})
    mirror.sync(http.get("https://gdmf.apple.com/v2/pmv").json())

    assert before > 15
    assert mirror.rows == {}


def highest(document: dict[str, Any], platform: str, device: str) -> str:
    """Return the newest version for a device as Fleet picks it."""
    fitting: list[str] = [
        one["ProductVersion"]
        for one in document["PublicAssetSets"][platform]
        if device in one["SupportedDevices"]
    ]
    return max(fitting, key=lambda version: [int(part) for part in version.split(".")])


def test_a_reader_as_fleets_picks_by_device_over_plain_http(simulator: Simulator) -> None:
    url = f"{simulator.ready['http']}/v2/pmv"
    headers = {"User-Agent": "fleet-device-management"}
    first = httpx.get(url, headers=headers).json()
    simulator.control("PUT", "/clock", {"mode": "offset", "advance_s": 21 * 86_400})
    later = httpx.get(url, headers=headers).json()

    assert highest(first, "iOS", "iPhone16,1") == "27.1"
    assert highest(later, "iOS", "iPhone16,1") == "27.1.1"
    assert highest(first, "iOS", "iPad11,1") == "26.7.1"
    assert highest(first, "macOS", "VMA2MACOSAP") == "27.1"


def test_a_reader_as_fleets_tries_again_after_429(simulator: Simulator) -> None:
    url = f"{simulator.ready['http']}/v2/pmv"
    body = {"outcome": {"name": "gdmf.TOO_MANY_REQUESTS", "retry_after_s": 1}, "count": 2}
    simulator.control("POST", "/faults", body)

    answers = [httpx.get(url) for _ in range(3)]

    assert [one.status_code for one in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "1"

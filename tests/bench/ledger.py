"""Exchanges per second of projection, and bytes per exchange on disk.

Fills a journal through the engine as pushes and DEP calls come in, then adds
it up as `mdmsim report` does: from nothing, again with a few more, and once more
with none. Prints what it measured, and adds it to bench.json.
"""

import argparse
import hashlib
import json
import os
import platform
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from simulator.core.data_directory import DATABASE, Directory
from simulator.core.messages import Peer, Request, Tls
from simulator.core.state import State
from simulator.journal.chain import Chain
from simulator.services.apns import registry, topics
from simulator.store.opening import open_journal, open_store
from tests.apple import ORG, START_MS, Apple
from tests.bench.tree import THIS, Tree

BATCH = 250
TLS = Tls("TLSv1.3", "TLS_AES_128_GCM_SHA256", "api.push.apple.com", "h2")
MAGIC = "7E2C1A9B-55D1-4A60-8F0E-7B6C1D2E3F40"
TOPIC = "com.apple.mgmt.External.5f0e4a52-6d0b-4c8e-9a53-2b7f6c1d8e90"


def push(number: int, devices: int) -> Request:
    """Return one push to one of so many devices."""
    return Request(
        "POST",
        f"/3/device/{token(number % devices).hex()}",
        (
            ("Host", "api.push.apple.com"),
            ("User-Agent", "ExampleMDM/9.4.1"),
            ("apns-topic", TOPIC),
            ("apns-push-type", "mdm"),
            ("apns-priority", "10"),
        ),
        f'{{"mdm":"{MAGIC}"}}'.encode(),
        "https",
        Peer("127.0.0.1", 50000, 1, TLS, first=number == 0),
        http="2",
    )


def token(device: int) -> bytes:
    """Return the token of a device."""
    return hashlib.sha256(b"%d" % device).digest()


def assign(number: int, session: str, profile: str) -> Request:
    """Return one DEP call with ten serial numbers."""
    serials = ",".join(f'"0Z{number * 10 + one:010}"' for one in range(10))
    return Request(
        "PUT",
        "/profile/devices",
        (
            ("Host", "mdmenrollment.apple.com"),
            ("User-Agent", "ExampleMDM/9.4.1"),
            ("X-Server-Protocol-Version", "10"),
            ("X-ADM-Auth-Session", session),
            ("Content-Type", "application/json"),
        ),
        f'{{"profile_uuid":"{profile}","devices":[{serials}]}}'.encode(),
        "https",
        Peer("127.0.0.1", 50001, 2, TLS, first=number == 0),
    )


def enrol(home: State, devices: int) -> None:
    """Let so many devices check in."""
    for number in range(devices):
        message = {
            "MessageType": "TokenUpdate",
            "Topic": TOPIC,
            "UDID": f"bench-{number}",
            "Token": token(number),
            "PushMagic": MAGIC,
        }
        registry.check_in(home, message, 0)


def fill(
    data: Path, exchanges: int, devices: int, after: int = 0, *, index_texts: bool | None = None
) -> float:
    """Record *exchanges* that are taken, one in ten of them DEP; return how many a second.

    They come a millisecond after each other, those *after* so many included. *index_texts* is
    as for `open_store`.
    """
    directory = Directory(str(data))
    keys = directory.keys("")
    store = open_store(directory.database, index_texts=index_texts)
    apple = Apple(store, keys.fingerprint, keys.secret, push_auth="none")
    apple.now_ms += after
    apple.run(lambda state: topics.add(state, ORG["id"], TOPIC))
    apple.home(lambda home: enrol(home, devices))
    session = apple.session()
    offered = {"profile_name": "bench", "url": "https://mdm.example/enrol"}
    profile = apple.call("POST", "/profile", offered, session=session).json["profile_uuid"]
    begun = time.perf_counter()
    done = 0
    while done < exchanges:
        with store.transaction() as state:
            for number in range(after + done, after + min(done + BATCH, exchanges)):
                dep = number % 10 == 9
                request = assign(number, session, profile) if dep else push(number, devices)
                answer = apple.engine.process(request, state, START_MS + number)
                if answer.status != 200:
                    raise SystemExit(f"{request.target} was answered with {answer.status}")
        done += BATCH
    speed = exchanges / (time.perf_counter() - begun)
    store.close()
    directory.release()
    return speed


def walk(data: Path) -> float:
    """Return how many hashes a second can be checked."""
    journal = open_journal(data / DATABASE)
    chain = Chain()
    begun = time.perf_counter()
    for _ in journal.walk(chain):
        pass
    speed = chain.checked / (time.perf_counter() - begun)
    journal.close()
    return speed


def report(data: Path, *flags: str, tree: Tree = THIS) -> tuple[float, float]:
    """Run ``mdmsim report`` of *tree*; return its seconds, and the MiB of its largest process.

    It finds its modules compiled, as they are where it was installed.
    """
    tree.run("-m", "compileall", "-q", "simulator")
    command = [tree.python, "-m", "simulator", "report", "--data", str(data), *flags]
    command += ["--format", "json", "--fail-on", "never", "--output", os.devnull]
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=tree.root)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("the report failed")
    return time.perf_counter() - begun, used.ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exchanges", type=int, default=1_000_000)
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        recorded = fill(data, wanted.exchanges, wanted.devices)
        size = (data / DATABASE).stat().st_size / wanted.exchanges
        checked = walk(data)
        first, memory = report(data)
        fill(data, 100, wanted.devices, wanted.exchanges)
        second, _ = report(data)
        unchanged, _ = report(data)
    found: dict[str, Any] = {
        "exchanges": wanted.exchanges,
        "recorded_per_s": recorded,
        "hashes_checked_per_s": checked,
        "projected_per_s": wanted.exchanges / first,
        "first_report_s": first,
        "next_report_s": second,
        "unchanged_report_s": unchanged,
        "report_peak_mb": memory,
        "bytes_per_exchange": size,
    }
    print(f"journal of {wanted.exchanges} exchanges, Python {platform.python_version()}")
    for name, value in found.items():
        print(f"{name.replace('_', ' '):24}{value:12.1f}")
    kept = json.loads(wanted.output.read_text()) if wanted.output.exists() else {}
    wanted.output.write_text(json.dumps(kept | {"ledger": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()

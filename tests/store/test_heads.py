"""A head that was kept elsewhere finds what the chain alone cannot: exchanges written anew."""

import base64
import json
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from simulator.cli import main
from simulator.core.data_directory import DATABASE, Directory
from simulator.journal import heads
from simulator.store.opening import open_journal
from tests.attacks.table import cut_off, delete, forge, head, journal

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
COUNT = 10


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return journal(tmp_path / "data", COUNT)


def verify(data: Path, *given: str) -> Result:
    flags = [word for one in given for word in ("--head", one)]
    return CliRunner().invoke(main, ["report", "--verify", "--data", str(data), *flags])


@pytest.mark.parametrize("seq", [1, 4, COUNT])
def test_a_forgery_before_a_kept_head_is_found(data: Path, seq: int) -> None:
    kept = head(data, COUNT)
    assert verify(data, kept).exit_code == 0

    forge(data, seq)

    assert verify(data).exit_code == 0  # the chain alone is whole
    result = verify(data, kept)
    assert result.exit_code == 3
    assert "what it stood for was written anew" in result.output


def test_what_came_after_a_kept_head_is_not_proved_by_it(data: Path) -> None:
    kept = head(data, 5)

    forge(data, 6)
    assert verify(data, kept).exit_code == 0

    forge(data, 5)
    assert verify(data, kept).exit_code == 3


def test_exchanges_that_were_cut_off_are_missed(data: Path) -> None:
    kept, before = head(data, COUNT), head(data, 6)
    cut_off(data, 6)

    assert verify(data).exit_code == 0
    assert verify(data, kept).exit_code == 3
    assert verify(data, before).exit_code == 0


def test_what_lies_before_a_deletion_needs_a_head_of_its_own(data: Path) -> None:
    early, kept = head(data, 3), head(data, COUNT)
    delete(data, 4)

    result = verify(data, kept)

    assert result.exit_code == 3
    assert "exchanges 1 to 3: is before a deletion" in result.output
    assert verify(data, kept, early).exit_code == 0
    forge(data, 2, through=3)
    assert verify(data).exit_code == 0
    assert verify(data, kept, early).exit_code == 3


def test_a_head_whose_exchange_was_deleted_proves_what_is_left_only_if_nothing_is(
    data: Path,
) -> None:
    kept = head(data, 4)
    delete(data, 4)

    assert "its exchange was deleted" in verify(data, kept).output

    for seq in (1, 2, 3):
        delete(data, seq)
    assert verify(data, kept).exit_code == 0


def test_a_signed_head_is_read_back_and_any_change_of_it_is_found(
    data: Path, tmp_path: Path
) -> None:
    with closing(open_journal(data / DATABASE)) as opened:
        newest = opened.head()
    assert newest is not None
    line = heads.sign(KEY, newest.seq, newest.link, "2026-01-05T10:00:00Z")
    kept = tmp_path / "heads"
    kept.write_text(f"{line}\n")
    document = json.loads(line)
    KEY.public_key().verify(
        base64.b64decode(document.pop("signature")),
        json.dumps(document, sort_keys=True, separators=(",", ":")).encode(),
    )
    assert (document["exchange"], document["sha256"]) == (COUNT, newest.link.hex())

    assert verify(data, str(kept)).exit_code == 0

    kept.write_text(line.replace('"exchange":10', '"exchange":11'))
    result = verify(data, str(kept))
    assert result.exit_code == 2
    assert "line 1 is not what was signed" in result.output


@pytest.mark.parametrize("given", ["abc", "g" * 64, "", "[]", "/nowhere/heads"])
def test_what_is_no_head_is_refused(data: Path, given: str) -> None:
    result = verify(data, given)

    assert result.exit_code == 2
    assert "it is no hash, and there is no such file: give 64 hex digits" in result.output


@pytest.mark.parametrize(
    ("content", "says"), [("", "holds no head"), ("[]", "line 1 is no signed head")]
)
def test_a_file_without_a_head_is_refused(data: Path, content: str, says: str) -> None:
    kept = data / "kept"
    kept.write_text(content)

    result = verify(data, str(kept))

    assert result.exit_code == 2
    assert says in result.output


def test_a_head_goes_with_verify_only(data: Path) -> None:
    result = CliRunner().invoke(main, ["report", "--data", str(data), "--head", "0" * 64])

    assert result.exit_code == 2
    assert "--head goes with --verify" in result.output


def test_the_key_of_a_data_directory_stays(tmp_path: Path) -> None:
    directory = Directory(str(tmp_path / "data"))
    first, second = directory.evidence_key(), directory.evidence_key()
    directory.release()

    path = directory.path / "evidence.key"
    assert first.private_bytes_raw() == second.private_bytes_raw()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.with_suffix(".pub").read_bytes().startswith(b"-----BEGIN PUBLIC KEY-----")

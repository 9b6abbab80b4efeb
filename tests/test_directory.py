"""The data directory."""

import json
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulator.core.data_directory import Directory, holder
from simulator.core.files import write_file
from simulator.core.settings import ConfigurationError
from simulator.pki.push import PushAuthority
from simulator.services.provisioning import File, Held, Making
from simulator.worlds import credentials

NOW = datetime(2026, 8, 1, tzinfo=UTC)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    directory = Directory(str(tmp_path / "data"))
    yield directory
    directory.release()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_directory_and_its_secrets_are_private(directory: Directory) -> None:
    directory.keys("")
    directory.authority((), NOW)

    assert mode(directory.path) == 0o700
    assert mode(directory.path / "keys.json") == 0o600
    assert mode(directory.path / "ca.key") == 0o600
    assert mode(directory.path / "ca.pem") == 0o644


def test_clients_get_a_directory_of_their_own(directory: Directory, tmp_path: Path) -> None:
    public = tmp_path / "shared" / "public"
    directory.keys("")
    directory.authority((), NOW)

    directory.publish(str(public))
    directory.publish(str(public))

    assert [one.name for one in public.iterdir()] == ["ca.pem"]
    assert (public / "ca.pem").read_bytes() == (directory.path / "ca.pem").read_bytes()
    assert (mode(public), mode(public / "ca.pem")) == (0o755, 0o644)


def test_what_clients_share_is_not_where_the_keys_are(directory: Directory, tmp_path: Path) -> None:
    directory.authority((), NOW)
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(directory.path)

    with pytest.raises(ConfigurationError, match="link is the data directory, which holds keys"):
        directory.publish(str(tmp_path / "link"))
    with pytest.raises(ConfigurationError, match=r"cannot write to .*file/a .* --public-dir"):
        directory.publish(str(tmp_path / "file" / "a"))


def test_keys_and_ca_stay(directory: Directory) -> None:
    keys, authority = directory.keys(""), directory.authority(["mdm.example"], NOW)

    assert directory.keys("") == keys
    assert directory.authority(["mdm.example"], NOW).certificate == authority.certificate
    assert len(keys.secret) == 32


def test_the_key_of_fingerprints_can_be_given(directory: Directory) -> None:
    made = directory.keys("")

    given = directory.keys("key")

    assert given.fingerprint == b"key"
    assert given.secret == made.secret


def test_keys_are_not_shown(directory: Directory) -> None:
    keys = directory.keys("")

    assert keys.control_token not in repr(keys)
    assert keys.secret.hex() not in repr(keys)


@pytest.mark.parametrize("content", ["", "[]", '{"fingerprint_key": "zz"}', '{"secret": 1}'])
def test_damaged_keys_are_refused(directory: Directory, content: str) -> None:
    (directory.path / "keys.json").write_text(content)

    with pytest.raises(ConfigurationError, match=r"keys\.json is damaged: restore it"):
        directory.keys("")


def test_half_a_ca_is_refused(directory: Directory) -> None:
    directory.authority((), NOW)
    (directory.path / "ca.key").unlink()

    with pytest.raises(ConfigurationError, match=r"ca\.key is missing beside its other half"):
        directory.authority((), NOW)


def test_a_damaged_ca_is_refused(directory: Directory) -> None:
    directory.authority((), NOW)
    (directory.path / "ca.pem").write_text("x")

    with pytest.raises(ConfigurationError, match="the CA certificate is no PEM certificate"):
        directory.authority((), NOW)


def test_a_name_that_the_ca_was_not_made_for_is_refused(directory: Directory) -> None:
    directory.authority((), NOW)

    with pytest.raises(ConfigurationError, match=r"may not sign for mdm\.example"):
        directory.authority(["mdm.example"], NOW)


def test_a_name_that_is_none_is_refused(directory: Directory) -> None:
    with pytest.raises(ConfigurationError, match="'a b' is neither an IP address nor a DNS name"):
        directory.authority(["a b"], NOW)


def test_a_second_user_is_told_who_the_first_is(directory: Directory) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Directory(str(directory.path))

    assert str(raised.value) == (
        f"the data directory {directory.path} is in use by process {os.getpid()}: "
        "stop it or choose another with --data"
    )


def test_the_holder_is_known_until_the_directory_is_released(tmp_path: Path) -> None:
    directory = Directory(str(tmp_path))
    held = holder(tmp_path)

    directory.release()

    assert held == os.getpid()
    assert holder(tmp_path) == 0


def test_a_directory_that_never_was_has_no_holder(tmp_path: Path) -> None:
    assert holder(tmp_path / "none") == 0


def test_a_directory_that_others_can_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o770)

    with pytest.raises(ConfigurationError, match=f"chmod go-w {tmp_path}"):
        Directory(str(tmp_path))


def test_a_file_is_no_data_directory(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()

    with pytest.raises(ConfigurationError, match="cannot make the data directory"):
        Directory(str(path))


def test_a_directory_in_memory_leaves_nothing() -> None:
    directory = Directory(":memory:")
    directory.keys("")

    directory.release()

    assert directory.database is None
    assert not directory.path.exists()


def test_a_shared_directory_is_for_those_who_share_it(tmp_path: Path) -> None:
    one, other = (Directory(str(tmp_path), shared=True) for _ in range(2))

    with pytest.raises(ConfigurationError, match="is in use by process"):
        Directory(str(tmp_path))

    one.release()
    other.release()
    alone = Directory(str(tmp_path))
    with pytest.raises(ConfigurationError, match="is in use by process"):
        Directory(str(tmp_path), shared=True)
    alone.release()


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_file(path, json.dumps({}).encode(), 0o600)

    with pytest.raises(TypeError):
        write_file(path, "text", 0o600)  # type: ignore[arg-type]  # that is the failure

    assert path.read_bytes() == b"{}"
    assert list(tmp_path.iterdir()) == [path]


def test_files_of_credentials_stay_in_the_directory_whatever_their_holder_is_called(
    tmp_path: Path,
) -> None:
    data = tmp_path / "a" / "b" / "data"
    (data / "axm-x").mkdir(parents=True)
    making = Making(now=NOW, push_authority=PushAuthority.create(NOW))
    names = ("axm-x/../../../evil.pem", "/etc/evil.pem", "axm-\0\r\n.pem", "push/good-1.pem")
    held = Held(
        id="x",
        name="x",
        entry={},
        files=tuple(File(key=name, name=name) for name in names),
        make=lambda _: [b"k"] * len(names),
    )

    files = credentials.make_files(data, making, held)
    made = credentials.entry(data, held)

    assert [str(file) for file in files] == [*made.values()]
    assert {Path(path).resolve().is_relative_to(data.resolve()) for path in made.values()} == {True}
    assert Path(made["push/good-1.pem"]) == data / "push/good-1.pem"
    assert [path for path in tmp_path.rglob("*evil*") if not path.is_relative_to(data)] == []

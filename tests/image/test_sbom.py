"""The bill of materials of an image, over a file system that is laid out like one."""

import json
import sys
from pathlib import Path
from sysconfig import get_path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.image.sbom import bill

STATUS = """Package: base-files
Status: install ok installed
Architecture: amd64
Version: 12.4+deb12u1
Description: Debian base system miscellaneous files
 of several lines

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a root whose environment is that of these tests."""
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    place = tmp_path / f"opt/mdmsim/lib/{python}"
    place.mkdir(parents=True)
    (place / "site-packages").symlink_to(get_path("purelib"))
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").write_text(STATUS)
    return tmp_path


def test_it_names_what_is_there_and_fits_the_schema(root: Path) -> None:
    made = bill(root)

    named = {one["purl"].partition("@")[0] for one in made["components"]}
    assert {"pkg:pypi/aiohttp", "pkg:pypi/cryptography", "pkg:deb/debian/base-files"} <= named
    assert "pkg:deb/debian/gone" not in named
    assert made["metadata"]["component"]["name"] == "mdmsim"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(made)) is None


def test_a_root_without_mdmsim_has_none(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no mdmsim"):
        bill(tmp_path)

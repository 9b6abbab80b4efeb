"""Write the bill of materials (CycloneDX 1.6) of a file system with mdmsim in it.

``python tests/image/sbom.py ROOT`` lists the Python distributions below
ROOT/opt/mdmsim and the Debian packages of its base, as ROOT itself names them.
"""

import json
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, DistributionFinder, MetadataPathFinder
from pathlib import Path
from typing import Any
from urllib.parse import quote

Component = dict[str, Any]


def distributions(root: Path) -> list[Distribution]:
    """Return what is installed for Python."""
    places = [str(path) for path in sorted(root.glob("opt/mdmsim/lib/python3*/site-packages"))]
    found = MetadataPathFinder.find_distributions(DistributionFinder.Context(path=places))
    return sorted(found, key=lambda one: one.name.lower())


def python_component(one: Distribution) -> Component:
    """Return the row of one Python distribution."""
    name = one.name.lower().replace("_", "-")
    reference = f"pkg:pypi/{quote(name)}@{quote(one.version)}"
    row: Component = {
        "type": "library",
        "bom-ref": reference,
        "name": one.name,
        "version": one.version,
        "purl": reference,
    }
    if "License-Expression" in one.metadata:
        row["licenses"] = [{"expression": one.metadata["License-Expression"]}]
    return row


def debian_components(root: Path) -> Iterator[Component]:
    """Yield a row for each Debian package that is installed."""
    status = root / "var/lib/dpkg/status"
    for paragraph in status.read_text().split("\n\n") if status.exists() else ():
        lines = (line.partition(": ") for line in paragraph.splitlines() if line[:1] != " ")
        facts = {name: value for name, _, value in lines}
        if facts.get("Status") == "install ok installed":
            name, version, machine = (facts[one] for one in ("Package", "Version", "Architecture"))
            reference = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={quote(machine)}"
            yield {
                "type": "library",
                "bom-ref": reference,
                "name": name,
                "version": version,
                "purl": reference,
            }


def bill(root: Path) -> dict[str, Any]:
    """Return the whole document."""
    found = distributions(root)
    own = [one for one in found if one.name == "mdmsim"]
    if not own:
        raise SystemExit(f"there is no mdmsim below {root}/opt/mdmsim")
    product = python_component(own[0]) | {"type": "application"}
    others = [python_component(one) for one in found if one.name != "mdmsim"]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": product},
        "components": [*others, *debian_components(root)],
    }


if __name__ == "__main__":
    print(json.dumps(bill(Path(sys.argv[1])), indent=1))

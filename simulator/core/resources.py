"""Files that ship with the simulator: worlds, manifests and guides.

In an installed wheel they lie in the package's ``data/``; in a checkout worlds
and manifests lie in ``fixtures/`` beside it, where they are edited.
"""

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

_CHECKOUT = Path(__file__).parents[2] / "fixtures"


def _folder(name: str) -> Traversable:
    shipped = resources.files("simulator").joinpath("data", name)
    return shipped if shipped.is_dir() else _CHECKOUT / name


def names(folder: str) -> list[str]:
    """Return the file names in *folder* (such as ``worlds``), sorted; none if there is none."""
    place = _folder(folder)
    if not place.is_dir():
        return []
    return sorted(entry.name for entry in place.iterdir() if entry.is_file())


def read_text(folder: str, name: str) -> str:
    """Return the text of file *name* in *folder*; FileNotFoundError if it does not ship."""
    if name not in names(folder):
        raise FileNotFoundError(f"{folder}/{name}")
    return _folder(folder).joinpath(name).read_text(encoding="utf-8")

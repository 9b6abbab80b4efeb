"""mdmsim: a simulator of Apple's servers for MDM, with a record of what an MDM discloses.

The names here are what other programs may build on; nothing else is.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"
__all__ = ["Mdmsim", "Settings", "Simulator", "__version__", "serving"]

if TYPE_CHECKING:
    from simulator.app import Simulator
    from simulator.core.settings import Settings
    from simulator.testing.client import Mdmsim
    from simulator.testing.serving import serving

_HOMES = {
    "Mdmsim": "simulator.testing.client",
    "Settings": "simulator.core.settings",
    "Simulator": "simulator.app",
    "serving": "simulator.testing.serving",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for: commands start without what they do not use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib  # noqa: PLC0415 (commands start without it)

    return getattr(importlib.import_module(_HOMES[name]), name)

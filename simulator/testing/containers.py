"""A simulator in a container, seen from outside: other ports, and none of its files.

What starts the container is no matter of this module: see `simulator.testing.testcontainers`.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from simulator.core import ready_file
from simulator.core.configuration import PREFIX, load_settings
from simulator.core.files import PRIVATE, write_file
from simulator.core.settings import ROWS, ConfigurationError


def environment(**settings: Any) -> dict[str, str]:
    """Return *settings*, as those of `Settings`, as environment variables of a container.

    ConfigurationError says what is wrong with them: here, not in a log of the container.
    """
    known = {row.name for row in ROWS}
    if unknown := sorted(settings.keys() - known):
        raise ConfigurationError(f"no setting is called {unknown[0]}: see mdmsim serve --help")
    found = {PREFIX + name.upper(): _text(value) for name, value in settings.items()}
    load_settings({}, found)
    return found


def _text(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return ",".join(map(_text, value))
    return "off" if value is None else str(value)


def reached(
    inside: Mapping[str, Any],
    host: str,
    port_of: Callable[[int], int],
    read: Callable[[str], bytes],
    folder: Path,
) -> dict[str, Any]:
    """Return what `ready.json` says, *inside* the container, as it is true outside of it.

    *port_of* tells at which port of *host* a port of the container is reached.
    The files that it names are *read* and copied into *folder*, keys with mode 0600;
    the journal stays where it is.
    """
    outside = deepcopy(dict(inside))

    def moved(url: str) -> str:
        parts = urlsplit(url)
        return ready_file.url(parts.scheme, host, port_of(parts.port or 0))

    def copied(path: str) -> str:
        target = folder / path.lstrip("/").replace("/", "-")
        write_file(target, read(path), PRIVATE)
        return str(target)

    outside["tls"] = [moved(url) for url in inside["tls"]]
    for name in ("http", "control", "proxy"):
        outside[name] = inside[name] and moved(inside[name])
    outside["ca"] = copied(inside["ca"])
    outside["journal"] = None
    for organisation in outside["organisations"]:
        for topic in organisation["push_topics"]:
            for name in ("certificate", "key"):
                topic[name] = copied(topic[name])
    return outside

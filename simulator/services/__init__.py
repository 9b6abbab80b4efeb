"""The services. A new package beside the others is found by walking this one.

`simulator.services.provisioning` says how to add one.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator
from functools import cache
from types import ModuleType

from simulator.protocol.catalogue import Catalogue
from simulator.protocol.operations import Operation
from simulator.protocol.service import Service
from simulator.services.provisioning import Provisioning


@cache
def load(*further: ModuleType) -> Catalogue:
    """Walk the package and freeze what its modules define into the catalogue.

    *further* are packages of services that stand elsewhere. The catalogue is made once.
    """
    found = []
    for package in _packages(further):
        operations = [one for module in _modules(package) for one in _operations(module)]
        services = [value for value in vars(package).values() if isinstance(value, Service)]
        found += [(service, operations) for service in services]
    return Catalogue(found)


def hosts(catalogue: Catalogue) -> tuple[str, ...]:
    """Return the names of all hosts that a client may take us for."""
    named = (host for one in catalogue.services.values() for host in one.hosts)
    return tuple(dict.fromkeys(named))


def provisionings(*further: ModuleType) -> tuple[Provisioning, ...]:
    """Return what the services need around them, by rank; *further* as in `load`."""
    found = []
    for package in _packages(further):
        name = f"{package.__name__}.provisioning"
        if importlib.util.find_spec(name) is not None:
            value = vars(importlib.import_module(name)).get("PROVISIONING")
            found += [value] if isinstance(value, Provisioning) else []
    return tuple(sorted(found, key=lambda one: (one.rank, one.name)))


def _packages(further: tuple[ModuleType, ...]) -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(__path__):
        if found.ispkg:
            yield importlib.import_module(f"{__name__}.{found.name}")
    yield from further


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def _operations(module: ModuleType) -> Iterator[Operation]:
    for value in vars(module).values():
        if isinstance(value, Operation):
            yield value

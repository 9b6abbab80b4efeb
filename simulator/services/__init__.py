"""The services. A new module beside the others is found by walking this package."""

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

from simulator.protocol.catalogue import Catalogue
from simulator.protocol.operations import Operation, Service


def load() -> Catalogue:
    """Walk the package and freeze what its modules define into the catalogue."""
    found = []
    for package in _packages():
        operations = [one for module in _modules(package) for one in _operations(module)]
        services = [value for value in vars(package).values() if isinstance(value, Service)]
        found += [(service, operations) for service in services]
    return Catalogue(found)


def _packages() -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(__path__):
        if found.ispkg:
            yield importlib.import_module(f"{__name__}.{found.name}")


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def _operations(module: ModuleType) -> Iterator[Operation]:
    for value in vars(module).values():
        if isinstance(value, Operation):
            yield value

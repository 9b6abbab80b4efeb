"""What stands around the software look-up: the releases that a new world begins with."""

from simulator.services.gdmf import SERVICE, defaults
from simulator.services.provisioning import Provisioning

PROVISIONING = Provisioning(
    service=SERVICE, title="Software look-up", rank=60, begin=defaults.ensure
)

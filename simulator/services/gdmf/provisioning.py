"""What stands around the software look-up: the releases that a new world begins with."""

from simulator.services.gdmf import SERVICE, defaults
from simulator.services.gdmf.rows import IN_WORLD, Plan, read_plan
from simulator.services.provisioning import FilePart, Provisioning


def _lines(plan: Plan | None) -> list[str]:
    return [] if plan is None else [f"software look-up: {len(plan)} releases"]


PROVISIONING = Provisioning(
    service=SERVICE,
    title="Software look-up",
    rank=60,
    file=FilePart(IN_WORLD, read_plan, _lines),
    begin=defaults.ensure,
)

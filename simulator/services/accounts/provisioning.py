"""What stands around Managed Apple Accounts: nothing, as no MDM server calls it."""

from simulator.services.accounts import SERVICE
from simulator.services.provisioning import Provisioning

PROVISIONING = Provisioning(service=SERVICE, title="Managed Apple Accounts", rank=90)

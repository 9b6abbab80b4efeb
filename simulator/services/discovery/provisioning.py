"""What stands around discovery: a page, and nothing else."""

from collections.abc import Iterator
from urllib.parse import urlencode

from simulator.services.discovery import SERVICE
from simulator.services.fleet import enrolment_urls
from simulator.services.organisations import organisation
from simulator.services.provisioning import Example, Provisioning, Trying


def _examples(trying: Trying) -> Iterator[Example]:
    for one in trying.state.organisations_with(enrolment_urls.KIND):
        if enrolment_urls.find(trying.state.of(one)) is not None:
            email = organisation(trying.state, one)["org_email"]
            account = f"anna@{email.rpartition('@')[2]}"
            query = urlencode({"user-identifier": account, "model-family": "Mac"})
            yield Example(
                about="Find the MDM server of an account",
                key=one,
                arguments=(f"{trying.base}/mdmBaseURL?{query}",),
                secret={},
            )


PROVISIONING = Provisioning(
    service=SERVICE, title="Account-driven discovery", rank=80, examples=_examples
)

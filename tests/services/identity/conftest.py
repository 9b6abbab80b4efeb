from collections.abc import Iterator

import pytest

from tests.apple import Apple
from tests.vendors import authorities


@pytest.fixture
def apple() -> Iterator[Apple]:
    simulated = Apple(authorities=authorities())
    yield simulated
    simulated.store.close()

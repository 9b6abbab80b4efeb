from collections.abc import Iterator

import pytest

from tests.apple import Apple


@pytest.fixture
def apple() -> Iterator[Apple]:
    simulated = Apple()
    yield simulated
    simulated.store.close()

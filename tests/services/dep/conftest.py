import pytest

from tests.apple import Apple


@pytest.fixture
def apple() -> Apple:
    return Apple()

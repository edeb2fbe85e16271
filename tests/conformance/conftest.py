# SPDX-License-Identifier: Apache-2.0
import pytest


@pytest.fixture
def broker(fleet):
    return fleet.get(1)


@pytest.fixture(autouse=True)
def another_client_is_unharmed(unharmed):
    """Whatever a test here does to the broker, somebody else's messages still arrive."""

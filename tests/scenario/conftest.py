# SPDX-License-Identifier: Apache-2.0
import pytest

from support.broker import FOREIGN


@pytest.fixture(params=[1] if FOREIGN else [1, 3], ids=lambda n: f"shards{n}")
def broker(request, fleet):
    return fleet.get(request.param)

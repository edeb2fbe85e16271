# SPDX-License-Identifier: Apache-2.0
import pytest

from support.broker import FOREIGN
from support.hardware import Token, Tpm


@pytest.fixture(params=[1] if FOREIGN else [1, 3], ids=lambda n: f"shards{n}")
def broker(request, fleet):
    return fleet.get(request.param)


@pytest.fixture
def tpm(tmp_path):
    one = Tpm(tmp_path / "tpm")
    yield one
    one.close()


@pytest.fixture
def token(tmp_path):
    return Token(tmp_path / "hsm")

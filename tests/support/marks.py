# SPDX-License-Identifier: Apache-2.0
"""The versions a test runs in."""

import pytest

from support.broker import FOREIGN
from support.patience import SLOWNESS

IDS = {3: "v31", 4: "v311", 5: "v5"}


def versions(*wanted):
    return pytest.mark.parametrize("version", wanted, ids=[IDS[v] for v in wanted])


both = versions(4, 5)
every = versions(3, 4, 5)
old = versions(3, 4)
only_tacit = pytest.mark.skipif(FOREIGN, reason="about a choice of tacitd")
no_instruments = pytest.mark.skipif(SLOWNESS > 1, reason="a sanitizer has its own use for memory")
seen_elsewhere = pytest.mark.skipif(SLOWNESS > 1, reason="a sanitizer sees this code in another test")

# SPDX-License-Identifier: Apache-2.0
"""How long a test waits, in seconds. A limit that is no promise of the product is generous, since
only a failure waits it out; one that is a promise is exact. TACIT_TEST_SLOWNESS says how many times
slower than usual the programs run (a sanitizer, a machine that has too much to do) and stretches
both, and has what is done over and over done so many times less: a sanitizer sees on the first way
through the code what it sees on the thousandth."""

import os

SLOWNESS = float(os.environ.get("TACIT_TEST_SLOWNESS", "1"))
WITHIN_S = 1.0 * SLOWNESS  # a change of the policy counts, from when it is committed


def patience(seconds):
    return seconds * SLOWNESS


def times(count):
    """How often it is done that a release does `count` times."""
    return max(1, round(count / SLOWNESS))

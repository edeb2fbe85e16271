# SPDX-License-Identifier: Apache-2.0
"""What a count or a share that was measured says of the true one: 95 % of the time it is between."""
import math

TAIL = 0.025  # on each side
STEPS = 60


def poisson_below(count, mean):
    """The chance of at most `count` events where `mean` are expected."""
    return sum(math.exp(n * math.log(mean) - mean - math.lgamma(n + 1)) for n in range(count + 1))


def root(low, high, is_below):
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_below(middle) else (low, middle)
    return (low + high) / 2


def rate(count, days):
    """Of events per device-day: the value and its exact bounds, of a Poisson mean."""
    most = 2 * count + 20
    low = root(1e-9, most, lambda mean: 1 - poisson_below(count - 1, mean) < TAIL) if count else 0
    high = root(1e-9, most, lambda mean: poisson_below(count, mean) > TAIL)
    return {"value": round(count / days, 5), "low_95": round(low / days, 5),
            "high_95": round(high / days, 5), "count": count, "device_days": round(days, 1)}


def share(part, whole):
    """Of trials: [low, high] by Wilson; None without a trial."""
    if not whole:
        return None
    z, p = 1.96, part / whole
    middle = (p + z * z / (2 * whole)) / (1 + z * z / whole)
    wide = z * math.sqrt(p * (1 - p) / whole + z * z / (4 * whole ** 2)) / (1 + z * z / whole)
    return [round(max(0, middle - wide), 3), round(min(1, middle + wide), 3)]

"""Seeds: every random choice has a seed of its own, derived from what it is for, so that no choice disturbs another."""

import hashlib


def derive(seed: int, *purpose: object) -> int:
    """A 63-bit seed from `seed` and what it is for, e.g. derive(order, 'epoch', 3); the same on every machine."""
    text = ":".join(map(str, (seed, *purpose)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1

"""softcifar: where the softness of a label comes from, and what it buys."""

__version__ = "0.1.0"

"""One deterministic pass, softmax of the logits."""

from softcifar.methods.method import UncertaintyMethod


class Softmax(UncertaintyMethod):
    """The plain network."""

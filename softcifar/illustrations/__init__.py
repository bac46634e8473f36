"""Figures of their own small networks: `ILLUSTRATIONS` by name."""

from softcifar.illustrations.two_moons import uncertainty_maps

ILLUSTRATIONS = {
    "two_moons": uncertainty_maps,
}

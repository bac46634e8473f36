"""Calibrators: what repairs probabilities after training, fitted on validation."""

from softcifar.calibrators.temperature import fit_temperature

CALIBRATORS = {
    "temperature": fit_temperature,
}

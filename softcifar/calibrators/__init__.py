"""Calibrators: corrections of the predicted probabilities after training, fitted on validation."""

from softcifar.calibrators.temperature import fit_temperature

CALIBRATORS = {
    "temperature": fit_temperature,
}

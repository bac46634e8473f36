"""Small uncertainty methods, and a study without data."""

from softcifar.params.chosen import Chosen
from softcifar.params.sections import Student
from tests.training.helpers import SMALL

MANIFEST = {"classes": ["a", "b"], "image_shape": [32, 32, 3], "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]}
SNGP_SMALL = {"name": "sngp", "features": 64, "mean_field": "fitted"}
MOVING_AVERAGE = {"name": "sngp_moving_average", "features": 64, "momentum": 0.5, "mean_field": "fitted"}
LAPLACE = {"name": "laplace"}
SWAG_SMALL = {"name": "swag", "start": 3, "every": 2, "rank": 3, "samples": 4}
DUQ_SMALL = {"name": "duq", "embedding": 16, "length_scale": 0.3, "momentum": 0.9}


def chosen(method: dict, **changes: object) -> Chosen:
    """The method with all its options, as a student of params.yaml has it."""
    return Student.model_validate({**SMALL, "labels": "hard", "method": method, **changes}).method

"""Methods to simulate, one of every kind, and the files that a simulation leaves."""

METHODS = {
    "none": {"source": "hard"},
    "none_scaled": {"scaled": "none"},
    "smoothing": {"source": "uniform", "epsilon": [0.6, 0.1]},
    "smoothing_scaled": {"scaled": "smoothing"},
    "nothing": {"source": "uniform", "epsilon": 0},
    "ils": {"source": "adaptive_instance_based", "p1": [0.8, 0.9], "p2": 1.5},
    "self_distillation": {"source": "self_distillation"},
    "beta": {"source": "beta_smoothing", "concentration": [3, 9]},
    "bootstrapping": {"source": "hard", "loss": {"name": "soft_bootstrapping", "beta": [0.5, 0.9]}},
}
FILES = ["about.json", "candidates.csv", "figures.npz", "scores.csv"]

"""What the files of a simulation hold; in a file of its own, so that the report reads them without the code that trains."""

CANDIDATE_COLUMNS = (
    "validation_nll", "validation_accuracy", "validation_ece", "temperature", "scaled_validation_nll",
    "scaled_validation_accuracy", "scaled_validation_ece", "best_epoch", "epochs",
)  # fmt: skip
FIGURE_ARRAYS = ("divergence_by_probability", "test_by_probability", "exact_of_label", "teacher_of_label", "smoothing")
BAYES = "bayes"  # stands for a method in scores.csv

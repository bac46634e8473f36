"""The scores that the study names: what each is, and which students do without which."""

from softcifar.report.core.kinds import SCORE_TITLES, method, method_title
from softcifar.report.core.study import Study
from softcifar.report.core.words import listed

WHAT = {
    "knn": "distance to the k-th nearest training image, by direction alone",
    "vim": "what lies outside the training features' main directions, beside the logits",
    "rmds": "Mahalanobis distance to the nearest class, less that to all training images as one",
    "fdbd": "distance to the decision boundaries, relative to that from the training mean",
    "mahalanobis_perturbed": "Mahalanobis distance after a small step of the image towards its nearest class",
}


def named_titles(study: Study) -> list[tuple[str, str]]:
    """(title, what it is) of every score that the study names for a student; its title again where nothing is said of it."""
    titles = [(score, SCORE_TITLES.get(score, score)) for score in _named(study)]
    return [(title, WHAT.get(score, "a score of features")) for score, title in titles]


def sentence(study: Study) -> str:
    """Which scores are left out for which students, and why; "" for none."""
    results, without = study.results, {}
    for name in results.params["novelty"]["students"]:
        missing = tuple(score for score in _named(study) if score not in results.students[name].novelty)
        if missing:
            without.setdefault((missing, method(results, name)), []).append(name)
    parts = [
        f"{listed([SCORE_TITLES.get(score, score) for score in missing])} {'is' if len(missing) == 1 else 'are'} left out for "
        f"{listed(names)}, whose last layer ({method_title(of)}) is not a linear one"
        for (missing, of), names in without.items()
    ]
    parts += _not_named(study)
    return " ".join(f"{part}." for part in parts)


def _named(study: Study) -> list[str]:
    settings = study.results.params["novelty"]
    return [score["name"] for score in settings["scores"]] if settings["students"] else []


def _not_named(study: Study) -> list[str]:
    """Students that the study names no such score for, where it does for others."""
    named = study.results.params["novelty"]["students"]
    others = [name for name in study.students if name not in named]
    return [f"The study asks for none of them of {listed(others)}"] if named and others else []

"""What kind of student is this? Told from its options, never from its name, so that a study may call students as it likes."""

from collections.abc import Mapping
from typing import Any

from softcifar.report.core.columns import HEADLINE_SCORE
from softcifar.report.core.results import Results
from softcifar.report.core.words import flatten, words
from softcifar.scores import FEATURE_SCORES, NAMED_SCORES

SOURCE_TITLES = {  # label source -> what the literature calls training on it
    "hard": "hard labels",
    "majority": "majority votes",
    "human": "people's votes",
    "human_thresholded": "people's votes, thresholded",
    "human_kept": "people's doubt, labels kept",
    "human_sampled": "people's votes",
    "majority_sampled": "majority votes",
    "dawid_skene": "votes by Dawid-Skene",
    "elicited": "single people's soft labels",
    "human_where_elicited": "people's votes on some images",
    "uniform": "label smoothing",
    "class_based": "class-based smoothing",
    "teacher": "a teacher's predictions",
    "self_distillation": "self-distillation",
    "instance_based": "ILS2",
    "adaptive_uniform": "ILS1",
    "adaptive_instance_based": "ILS",
    "shifted_logits": "ILS from shifted logits",
    "confidence_scaled": "confidence-scaled smoothing",
    "beta_smoothing": "beta smoothing",
}
LOSS_TITLES = {
    "cross_entropy": "cross-entropy",
    "label_relaxation": "label relaxation",
    "focal": "focal loss",
    "confidence_penalty": "confidence penalty",
    "soft_bootstrapping": "soft bootstrapping",
    "logit_norm": "LogitNorm",
}
SAMPLED = ("human_sampled", "majority_sampled")  # label sources that take some of the votes, of every image or of a share
LABELLED_ONLY = "labelled_only"  # the augmentation that leaves out images without a label
NORMALISED = "normalised_max_logit"  # a score for refusing, with a norm that validation chooses
SCORE_TITLES = {
    "max_probability": "max probability",
    "predictive_entropy": "entropy",
    "energy": "energy",
    "max_logit": "max logit",
    "gen": "GEN",
    NORMALISED: "normalised max logit",
    "mutual_information": "mutual information",
    "ddu": "density (DDU)",
    "mahalanobis": "Mahalanobis",
    "knn": "KNN",
    "vim": "ViM",
    "rmds": "RMDS",
    "fdbd": "fDBD",
    "mahalanobis_perturbed": "Mahalanobis, perturbed",
}
OF_ALL_METHODS = {*FEATURE_SCORES, *NAMED_SCORES}  # scores of features that no uncertainty method brings along
INITIALISATION = "initialisation"  # what an untuned student chooses, as training notes it
CHANGED = ("network", "method", "lr", "norm_bias_lr", "weight_decay")  # options that a change of method changes
PLAIN = "softmax"  # the method of a network without any
CRITERION_TITLES = {"nll": "NLL", "accuracy": "accuracy", "ece": "ECE"}  # by which validation chooses among tuned values


def source(results: Results, student: str) -> str:
    """The label source that the student learned from, as the registry of sources calls it."""
    return results.params["labels"][results.params["students"][student]["labels"]]["source"]


def loss(results: Results, student: str) -> str:
    return results.params["students"][student]["loss"]["name"]


def method(results: Results, student: str) -> str:
    """The uncertainty method's name in params."""
    return results.params["students"][student]["method"]["name"]


def method_title(name: str) -> str:
    """What people call the method: its class's `title`, else its name."""
    if name == PLAIN:
        return name
    from softcifar.methods import METHODS  # it brings torch, which the report needs for nothing else

    return getattr(METHODS.get(name), "title", name)


def score_titles(results: Results) -> dict[str, str]:
    """{score: what tables call it} for all scores of the study; a method's own one has the method's title beside it."""
    own = {
        score: f"{score} ({method_title(method(results, name))})"
        for name, student in results.students.items()
        for score in student.novelty
    }
    return own | SCORE_TITLES


def own_score(results: Results, student: str) -> str:
    """The novelty score that the student's method offers as its uncertainty: its own one, between samples the mutual
    information, else predictive entropy.
    """
    own = [score for score in results.students[student].novelty if score not in OF_ALL_METHODS]
    if own:
        return own[0]
    return "mutual_information" if results.students[student].logits["test"].shape[1] > 1 else HEADLINE_SCORE


def tuned(results: Results, student: str) -> bool:
    """Did validation choose among values of its options? One without chooses among initialisations, or not at all."""
    candidates = results.students[student].about["candidates"]
    return len(candidates) > 1 and INITIALISATION not in candidates[0]


def distinct(results: Results) -> list[str]:
    """All students, in the order of params, but those whose networks stand under another name as well: two criteria may choose
    the same value. The name that calibration did not choose stays, since a claim may be about networks that it did not choose.
    """
    first: dict[str, str] = {}
    for name in sorted(results.students, key=lambda name: results.students[name].about["choose_by"] == "ece"):
        first.setdefault(str(_networks(results, name)), name)
    return [name for name in results.students if name in first.values()]


def of_kind(results: Results, wanted: str, wanted_loss: str = "cross_entropy") -> list[str]:
    """Students that learned from labels of the source `wanted` with this loss, each network once, in the order of params."""
    kind = (wanted, wanted_loss)
    return [name for name in distinct(results) if (source(results, name), loss(results, name)) == kind]


def alike(results: Results, a: str, b: str, *, but: tuple[str, ...]) -> bool:
    """Do all options of two students agree, those under the keys `but` aside?

    By which score validation chooses counts only where both had something to choose.
    """
    ignored = but if tuned(results, a) and tuned(results, b) else (*but, "choose_by")
    return _options(results, a, ignored) == _options(results, b, ignored)


def _options(results: Results, student: str, ignored: tuple[str, ...]) -> Mapping[str, Any]:
    flat = flatten(results.params["students"][student])
    return {key: value for key, value in flat.items() if key.split(".")[0] not in ignored}


def kind(labels: str, loss_name: str) -> str:
    """What the literature calls training on labels of this source with this loss: "label smoothing", "focal loss"."""
    title = SOURCE_TITLES.get(labels, labels)
    if loss_name == "cross_entropy":
        return title
    return LOSS_TITLES.get(loss_name, loss_name) + ("" if labels == "hard" else f" on {title}")


def votes_per_image(results: Results, student: str) -> int | list[int] | None:
    """How many of the votes of every image its labels take, a list where that is tuned; None where no number is said."""
    return results.params["labels"][results.params["students"][student]["labels"]]["options"].get("votes_per_image")


def share_of_images(results: Results, student: str) -> float:
    """Of the training images, the share that its labels are of; 1: all."""
    return results.params["labels"][results.params["students"][student]["labels"]]["options"].get("share_of_images", 1.0)


def trained_kind(results: Results, student: str) -> str:
    """`kind` of a student, with its number of votes where it has one: "majority votes, 3 per image", and the share of
    the images where it has labels of some alone: "people's votes, 10 per image on 10 % of the images"."""
    what, count = kind(source(results, student), loss(results, student)), votes_per_image(results, student)
    what = what if count is None else f"{what}, {words(count)} per image"
    share = share_of_images(results, student)
    return what if share == 1 else f"{what} on {percent(share)} of the images"


def percent(share: float) -> str:
    """.1 as "10 %", .3333 as "33.3 %"."""
    return f"{100 * share:.3g} %"


def steps(results: Results, student: str, key: str = "augment") -> list[Mapping[str, Any]]:
    """Its augmentation, without the step that leaves out images without a label: that one belongs to the labels."""
    return [step for step in results.params["students"][student].get(key, []) if step["name"] != LABELLED_ONLY]


def described(results: Results, student: str) -> str:
    """The student's name and what it is: "smooth (label smoothing)", "relaxed (label relaxation, chosen by ECE)"."""
    what = trained_kind(results, student)
    name = method(results, student)
    what += f", {method_title(name)}" if name != PLAIN else ""
    if tuned(results, student):
        what += f", chosen by {CRITERION_TITLES[results.students[student].about['choose_by']]}"
    return f"{student} ({what})"


def _networks(results: Results, student: str) -> object:
    """What two students agree in exactly if theirs are the same networks: what each of them was trained with."""
    one = results.students[student]
    options = {key: value for key, value in results.params["students"][student].items() if key != "choose_by"}
    return options, [one.about["candidates"][choice] for choice in one.choices]

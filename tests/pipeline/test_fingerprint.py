"""The fingerprint of code: what changes it, and what does not. On a small package, then on the project itself."""

import re
import shutil
from pathlib import Path

import pytest

from softcifar.pipeline import fingerprint
from softcifar.pipeline.fingerprint import EXEMPT, FETCH, REGISTRIES, Code, exempt

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    "stages/run.py": '''"""A stage."""
from softcifar.loop import train
from softcifar.pipeline.stage import run

if __name__ == "__main__":
    run(train)
''',
    "softcifar/__init__.py": "",
    "softcifar/loop.py": '''"""The loop."""
from typing import Literal

import numpy as np

from softcifar import tools
from softcifar.losses import LOSSES
from softcifar.schedules import rate as learning_rate

STEPS = 3
UNUSED = 1


def train(name):
    """Train."""
    from softcifar.tools import total

    # a comment
    return [LOSSES[name](learning_rate(step) * np.pi, tools.half(step), total()) for step in range(STEPS)]


def unused():
    return UNUSED + tools.third()
''',
    "softcifar/schedules.py": (
        "def rate(step):\n    return warm(step) + 0.1\n\n\ndef warm(step):\n    return rate(step - 1) if step else 0\n"
    ),
    "softcifar/tools.py": (
        "SCALE = 2\n\n\ndef half(x):\n    return x / SCALE\n\n\n"
        "def total():\n    return 1\n\n\ndef third():\n    return 3\n\n\n"
        "def rate(step):\n    return 1.0\n"
    ),
    "softcifar/losses/__init__.py": '''"""Losses."""
from functools import partial

from softcifar.losses.both import hinge, square

LOSSES = {"square": square, "hinge": hinge, "wide": partial(hinge, margin=2)}
''',
    "softcifar/losses/both.py": '''from softcifar.losses.marks import loud


def square(*x):
    return x


@loud
def hinge(*x, margin=1):
    return x
''',
    "softcifar/losses/marks.py": '''def loud(function):
    def inner(*x, **options):
        return function(*x, **options)

    return inner
''',
    "softcifar/pipeline/__init__.py": "",
    "stages/__init__.py": '"""The stages."""\n',
    "softcifar/pipeline/stage.py": "def run(main):\n    main()\n",
}  # fmt: skip


@pytest.fixture
def project(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def of(project: Path, *losses: str) -> str:
    return Code(project).of("stages.run", [("loss", name) for name in losses])


def edit(project: Path, file: str, old: str, new: str) -> None:
    text = (project / file).read_text()
    assert old in text, (file, old)
    (project / file).write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("softcifar/loop.py", '    """Train."""\n', '    """Train\n\n    and say more."""\n'),
        ("softcifar/loop.py", '"""The loop."""\n', ""),
        ("softcifar/loop.py", "    # a comment\n", "\n\n    # another\n"),
        ("softcifar/loop.py", "STEPS = 3", "STEPS = (3)"),
        ("softcifar/loop.py", "UNUSED = 1", "UNUSED = 2"),
        ("softcifar/loop.py", "return UNUSED", "return UNUSED, 7"),
        ("softcifar/tools.py", "return 3", "return 4"),
        ("softcifar/losses/both.py", "return x\n\n\n@loud", "return 2\n\n\n@loud"),  # square: another loss is chosen
        ("softcifar/losses/__init__.py", '"square": square, ', ""),
        ("softcifar/pipeline/stage.py", "main()\n", "print(main())\n"),
        ("stages/__init__.py", '"""The stages."""\n', "import sys\n\nsys.excepthook = print\n"),
    ],
)
def test_what_makes_nothing_out_of_date(project, file, old, new):
    before = of(project, "hinge")
    edit(project, file, old, new)
    assert of(project, "hinge") == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("stages/run.py", "run(train)", "run(train, 2)"),
        ("softcifar/loop.py", "STEPS = 3", "STEPS = 4"),
        ("softcifar/loop.py", "np.pi", "np.e"),
        ("softcifar/loop.py", "from softcifar.schedules import rate", "from softcifar.tools import rate"),  # of the same name
        ("softcifar/loop.py", "import numpy as np", "import math as np"),
        ("softcifar/loop.py", "STEPS = 3", "STEPS = 3\nnp.seterr(all='ignore')"),  # done when the module is loaded
        ("softcifar/tools.py", "SCALE = 2", "SCALE = 3"),
        ("softcifar/tools.py", "return 1\n", "return 2\n"),  # imported within a function
        ("softcifar/schedules.py", "step - 1", "step - 2"),  # two functions that call each other
        ("softcifar/losses/both.py", "margin=1", "margin=3"),
        ("softcifar/losses/marks.py", "return inner", "return function"),  # a decorator without functools.wraps
    ],
)
def test_what_makes_a_stage_out_of_date(project, file, old, new):
    before = of(project, "hinge")
    edit(project, file, old, new)
    assert of(project, "hinge") != before


def test_a_partial_in_a_registry_is_its_function_and_its_arguments(project):
    before = of(project, "wide")
    assert before != of(project, "hinge")
    edit(project, "softcifar/losses/__init__.py", "margin=2", "margin=3")
    after = of(project, "wide")
    assert after != before
    edit(project, "softcifar/losses/both.py", "return x\n", "return x, 1\n")
    assert of(project, "wide") != after


def test_a_renamed_module_and_a_moved_function_make_nothing_out_of_date(project):
    before = of(project, "hinge")
    (project / "softcifar/schedules.py").rename(project / "softcifar/timing.py")
    edit(project, "softcifar/loop.py", "softcifar.schedules", "softcifar.timing")
    assert of(project, "hinge") == before
    edit(project, "softcifar/tools.py", "def half(x):\n    return x / SCALE\n\n\n", "")
    (project / "softcifar/halves.py").write_text("from softcifar.tools import SCALE\n\n\ndef half(x):\n    return x / SCALE\n")
    edit(project, "softcifar/loop.py", "tools.half(step)", "halves.half(step)")
    edit(project, "softcifar/loop.py", "from softcifar import tools", "from softcifar import halves, tools")
    # The loop's own text has changed with the name of the module, the function's has not.
    moved, text = Code(project), (project / "softcifar/loop.py").read_text()
    assert ("softcifar.halves", "half") in moved.reached("stages.run")
    (project / "softcifar/loop.py").write_text(
        text.replace("halves, tools", "halves as tools").replace("halves.half", "tools.half")
    )
    assert of(project, "hinge") == before


def test_files_that_are_no_python_count_with_their_package(project):
    templates = project / "softcifar/losses/templates"
    templates.mkdir()
    (templates / "page.html").write_text("one")
    before = of(project, "hinge")
    (templates / "page.html").write_text("two")
    after = of(project, "hinge")
    assert after != before
    (project / "softcifar/pipeline/notes.txt").write_text("elsewhere")
    (templates / "__pycache__").mkdir()
    (templates / "__pycache__/x.pyc").write_text("compiled")
    assert of(project, "hinge") == after


def test_what_is_known_by_its_checksum_is_nothing_else(project):
    (project / "softcifar/data").mkdir()
    (project / "softcifar/data/__init__.py").write_text("")
    (project / "softcifar/data/fetching.py").write_text("def known_by(*checksums):\n    return lambda fetch: fetch\n")
    text = "\n\n@fetching.known_by(SUM)\ndef total():\n    return 1\n\n\ndef third():\n"
    edit(project, "softcifar/tools.py", "def total():\n    return 1\n\n\ndef third():\n", text)
    edit(project, "softcifar/tools.py", "SCALE = 2", 'from softcifar.data import fetching\n\nSUM = "md5:0"\nSCALE = 2')
    before = of(project, "hinge")
    edit(project, "softcifar/tools.py", "    return 1\n", "    return download()\n")
    assert of(project, "hinge") == before
    edit(project, "softcifar/tools.py", "md5:0", "md5:1")
    assert of(project, "hinge") != before


def test_two_entries_of_a_registry_that_are_swapped_count(project):
    before = of(project, "square", "hinge")
    edit(project, "softcifar/losses/__init__.py", '"square": square, "hinge": hinge', '"square": hinge, "hinge": square')
    assert of(project, "square", "hinge") != before


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("softcifar/losses/__init__.py", 'LOSSES["hinge"] = square'),
        ("softcifar/losses/__init__.py", 'LOSSES |= {"hinge": square}'),
        ("softcifar/__init__.py", "import numpy\nnumpy.seterr(all='ignore')"),
    ],
)
def test_what_a_module_or_a_package_around_it_does_when_it_is_loaded_counts(project, file, line):
    before = of(project, "hinge")
    with open(project / file, "a") as code:
        code.write(f"\n{line}\n")
    assert of(project, "hinge") != before


@pytest.mark.parametrize("name", [".loop.py.swp", "loop.py~", ".DS_Store"])
def test_what_editors_and_systems_leave_does_not_count(project, name):
    before = of(project, "hinge")
    (project / "softcifar/losses" / name).write_text("x")
    assert of(project, "hinge") == before


def test_a_name_with_two_meanings_is_an_error(project):
    edit(project, "softcifar/loop.py", "STEPS = 3", "STEPS = 3\n\n\ndef learning_rate(step):\n    return 1\n")
    with pytest.raises(ValueError, match="'learning_rate' is imported and defined"):
        of(project, "hinge")


def test_a_name_from_two_places_is_an_error(project):
    edit(project, "softcifar/loop.py", "    # a comment\n", "    from softcifar.losses.both import square as total\n")
    with pytest.raises(ValueError, match="'total' is imported from two places"):
        of(project, "hinge")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("from .tools import half", "relative"),
        ("import softcifar.tools", "hides what it needs"),
        ("from softcifar.tools import *", "star"),
        ("from softcifar.tools import gone", "defines no 'gone'"),
    ],
)
def test_an_import_that_cannot_be_followed_is_an_error(project, line, message):
    edit(project, "softcifar/loop.py", "STEPS = 3", f"{line}\nSTEPS = 3")
    edit(
        project,
        "softcifar/loop.py",
        "range(STEPS)",
        "range(STEPS + (gone if 'gone' else 0))" if "gone" in line else "range(STEPS)",
    )
    with pytest.raises(ValueError, match=message):
        of(project, "hinge")


# The project itself


@pytest.fixture
def copy(tmp_path):
    for name in ("softcifar", "stages"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


METHODS = [("network", "resnet"), ("loss", "cross_entropy"), ("method", "softmax"), ("augmentation", "crop_flip")]


def train(root: Path) -> str:
    return Code(root).of("stages.train", METHODS)


def test_documenting_the_loop_trains_nothing_and_changing_it_does(copy):
    before, loop = train(copy), copy / "softcifar/training/loop.py"
    text = loop.read_text()
    loop.write_text(re.sub(r'^"""', '"""All new words.\n\n', text, count=1) + "\n# the end\n")
    assert train(copy) == before
    loop.write_text(text.replace("number + 0.5", "number + 0.25"))
    assert train(copy) != before


def test_a_module_of_the_project_may_be_renamed(copy):
    before = train(copy)
    (copy / "softcifar/training/schedules.py").rename(copy / "softcifar/training/rates.py")
    for path in copy.rglob("*.py"):
        path.write_text(path.read_text().replace("softcifar.training.schedules", "softcifar.training.rates"))
    assert train(copy) == before


def test_stages_reach_what_they_use_and_no_more():
    code = Code(ROOT)
    reached = code.reached("stages.train", METHODS)
    modules = {module for module, *_ in reached}
    assert {"softcifar.training.loop", "softcifar.losses.cross_entropy", "softcifar.losses.targets", "softcifar.models.resnet",
            "softcifar.metrics.likelihood", "softcifar.seeding", "softcifar.execution.device"} <= modules  # fmt: skip
    assert not [module for module in modules if "report" in module or "attacks" in module or "label_relaxation" in module]
    # Three small imports from training do not bring the loop with them.
    simulated = {module for module, *_ in code.reached("stages.simulate", [("label source", "uniform")])}
    assert "softcifar.training.adam" in simulated
    assert not {"softcifar.training.loop", "softcifar.training.student", "softcifar.models.classifier"} & simulated
    page = {module for module, *_ in code.reached("stages.report")}
    assert not [module for module in page if module.startswith(("softcifar.training", "softcifar.models"))]


def test_how_a_data_set_is_read_downloads_nothing_anew(copy):
    def download(name: str) -> str:
        return Code(copy).of("stages.download", [(FETCH, name)])

    before = {name: download(name) for name in ("mnist", "cifar10c", "textures", "shapes")}
    for file in ("mnist", "cifar10c", "textures", "fetching"):
        path = copy / f"softcifar/data/{file}.py"
        path.write_text(path.read_text().replace("https://", "http://").replace("ValueError", "KeyError"))
    edit(copy, "softcifar/data/mnist.py", 'raw[:3] != b"\\0\\0\\x08"', "False")
    assert {name: download(name) for name in before} == before
    edit(copy, "softcifar/data/textures.py", "what=", "side=2 * side, what=")
    edit(copy, "softcifar/data/mnist.py", "6bbc9ace", "7bbc9ace")
    assert {name for name in before if download(name) != before[name]} == {"textures", "mnist"}


def test_registries_are_plain_tables():
    code = Code(ROOT)
    for registry, (module, name) in REGISTRIES.items():
        source = __import__(module, fromlist=[name])
        for key in getattr(source, name):
            assert code.reached("stages.report", [(registry, key)])


def own_hashes(root: Path, monkeypatch, *nodes) -> dict:
    """Of the nodes and all that they use, as the code is."""
    found = {}
    with monkeypatch.context() as patched:
        counted = fingerprint._as_before
        patched.setattr(fingerprint, "_as_before", lambda node, now: counted(node, found.setdefault(node, now)))
        Code(root)._hash(list(nodes))
    return found


def test_what_does_as_before_counts_as_it_was_until_it_changes_again(project, monkeypatch):
    def stage() -> str:
        return Code(project).of("stages.run", [("loss", "square")])

    for node in (("softcifar.loop", "train"), ("softcifar.schedules", "rate")):  # rate and warm need each other
        file, before, then = project / f"{node[0].replace('.', '/')}.py", stage(), own_hashes(project, monkeypatch, node)[node]
        file.write_text(file.read_text().replace("    return ", "    print()\n    return ", 1))
        assert stage() != before
        entry = {node: (own_hashes(project, monkeypatch, node)[node], then)}
        monkeypatch.setattr(fingerprint, "AS_BEFORE", fingerprint.AS_BEFORE | entry)
        assert stage() == before
    edit(project, "softcifar/tools.py", "SCALE = 2", "SCALE = 3")  # which `train` uses
    assert stage() != before


def test_what_does_as_before_is_still_that_code(monkeypatch):
    """Where one of these has changed since, or what it uses, its entry says nothing any more: remove it from AS_BEFORE."""
    found = own_hashes(ROOT, monkeypatch, *fingerprint.AS_BEFORE)
    assert {node: found[node] for node in fingerprint.AS_BEFORE} == {
        node: now for node, (now, _) in fingerprint.AS_BEFORE.items()
    }


def test_what_is_left_out_exists_and_has_a_reason():
    for module, reason in EXEMPT.items():
        place = ROOT / module.removesuffix(".*").replace(".", "/")
        assert place.with_suffix(".py").is_file() or (place / "__init__.py").is_file(), module
        assert reason
    assert exempt("softcifar.pipeline.jobs.runner")
    assert not exempt("softcifar.execution.device")  # decides the arithmetic
    assert not exempt("softcifar.params.candidates")  # decides the order of tuned values

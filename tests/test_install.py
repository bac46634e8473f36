"""An editable install, as make setup does it: a script beside the clone finds the package, not the folder of that name."""

import shutil
import subprocess
import sys
import zipfile

from tests.conftest import ROOT

BUILD = "import sys; from setuptools.build_meta import build_editable; print(build_editable(sys.argv[1]))"
SCRIPT = "import site, sys; site.addsitedir(sys.argv[1]); from softcifar import models; print(models.__path__[0])"


def test_a_script_in_the_folder_of_the_clone_finds_the_package(tmp_path):
    clone, site = tmp_path / "softcifar", tmp_path / "site"
    for name in ("softcifar", "softcifar/models"):
        (clone / name).mkdir(parents=True)
        (clone / name / "__init__.py").touch()
    (clone / "models/students").mkdir(parents=True)  # what a clone has besides
    for name in ("pyproject.toml", "README.md"):
        shutil.copyfile(ROOT / name, clone / name)
    site.mkdir()
    built = subprocess.run([sys.executable, "-c", BUILD, site], cwd=clone, capture_output=True, text=True, check=True)
    zipfile.ZipFile(site / built.stdout.split()[-1]).extractall(site)
    script = tmp_path / "mine.py"
    script.write_text(SCRIPT)
    alone = [sys.executable, "-S", "-E", script, site]  # without what this Python has installed
    found = subprocess.run(alone, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == str(clone / "softcifar/models")

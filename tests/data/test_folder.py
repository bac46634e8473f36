"""A folder of pictures becomes the npz that the source npz reads; a picture that is wrong is named in one sentence."""

import subprocess
import sys

import numpy as np
import pytest
import yaml
from PIL import Image

from softcifar.data import DATA_SOURCES
from softcifar.data.folder import convert, lines
from softcifar.errors import UserError
from softcifar.files import write_npz
from softcifar.params.reading import read

RED, BLUE = (200, 10, 10), (10, 10, 200)


def picture(path, colour=RED, size=(20, 12), mode="RGB", **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path, **how)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "pictures"
    picture(root / "dog/1.jpg", BLUE)
    picture(root / "cat/b.png")
    picture(root / "cat/deep/a.PNG")
    (root / "cat/notes.txt").write_text("no picture")
    (root / ".hidden").mkdir()
    return root


def test_classes_are_subfolders_by_name_and_pictures_lie_at_any_depth(folder, capsys):
    arrays = convert(folder, 8)
    assert arrays["classes"].tolist() == ["cat", "dog"]
    assert arrays["labels"].tolist() == [0, 0, 1]
    assert (arrays["images"].shape, arrays["images"].dtype) == ((3, 8, 8, 3), np.uint8)
    assert (arrays["images"][:2] == RED).all()
    assert np.abs(arrays["images"][2].astype(int) - BLUE).max() < 6  # JPEG
    assert "cat: not used: 1 files that are no pictures, as notes.txt" in capsys.readouterr().err


def test_the_source_npz_reads_it_and_the_printed_lines_name_it(folder, tmp_path):
    arrays = convert(folder, 8, test=folder)
    write_npz(tmp_path / "mine.npz", **arrays)
    said = yaml.safe_load(lines(tmp_path / "mine.npz", arrays))
    assert said["data"]["images"] == "mine"
    assert said["data"]["sizes"] == {"train": None, "validation": 2, "test": None}
    options = said["datasets"]["mine"]
    assert options.pop("source") == "npz"
    (tmp_path / "raw").mkdir()
    DATA_SOURCES["npz"].fetch(tmp_path / "raw", **options)
    parts = DATA_SOURCES["npz"].read(tmp_path / "raw")
    assert parts["train"].classes == parts["test"].classes == ("cat", "dog")
    np.testing.assert_array_equal(parts["train"].images, arrays["images"])
    np.testing.assert_array_equal(parts["test"].labels, arrays["labels"])


def test_the_printed_lines_name_a_path_of_any_letters(folder, tmp_path):
    arrays = convert(folder, 8)
    file = tmp_path / "bäume 😀" / "mine.npz"
    write_npz(file, **arrays)
    (tmp_path / "params.yaml").write_text(lines(file, arrays), encoding="utf-8")
    assert read(tmp_path / "params.yaml")["datasets"]["mine"]["path"] == str(file)


def test_novel_images_have_no_labels(tmp_path):
    picture(tmp_path / "1.png")
    arrays = convert(tmp_path, 16, grey=True)
    assert list(arrays) == ["images"]
    assert arrays["images"].shape == (1, 16, 16)


def test_the_middle_square_is_kept_the_right_way_up_and_what_is_transparent_is_white(tmp_path):
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 255  # the middle square alone is white
    wide[:5, 10:20] = RED  # its upper half is red
    Image.fromarray(wide).save(tmp_path / "a.png")
    turned = Image.Exif()
    turned[0x0112] = 3  # upside down
    Image.fromarray(wide[::-1, ::-1]).save(tmp_path / "b.png", exif=turned)
    picture(tmp_path / "c.png", (0, 0, 0, 0), mode="RGBA")
    one, other, clear = convert(tmp_path, 10)["images"]
    assert (one[:4] == RED).all()
    assert (one[6:] == 255).all()
    np.testing.assert_array_equal(one, other)
    assert (clear == 255).all()


def spoil_a_picture(folder):
    (folder / "dog/1.jpg").write_bytes((folder / "dog/1.jpg").read_bytes()[:300])


def spoil_its_kind(folder):
    (folder / "dog/1.jpg").write_text("<html>")


def deep(folder):
    picture(folder / "dog/2.png", 40000, mode="I;16")


def empty_class(folder):
    (folder / "eel").mkdir()


def one_class(folder):
    (folder / "dog").rename(folder.parent / "dog")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_a_picture, r"dog/1\.jpg: not a picture .*; repair it, or take it out of the folder"),
        (spoil_its_kind, r"dog/1\.jpg: not a picture"),
        (deep, r"dog/2\.png: found a picture of mode I;16; allowed: 8 bits per channel"),
        (empty_class, r"eel: has no pictures; allowed: files that end in \.png"),
        (one_class, "has the one class 'cat'; allowed: two or more subfolders"),
    ],
)
def test_what_is_wrong_is_named(folder, spoil, message):
    spoil(folder)
    with pytest.raises(UserError, match=message) as caught:
        convert(folder, 8)
    assert "\n" not in str(caught.value)


def test_a_test_part_has_the_same_classes(folder, tmp_path):
    picture(tmp_path / "others/cat/1.png")
    with pytest.raises(UserError, match="'dog' is in one of them only"):
        convert(folder, 8, test=tmp_path / "others")


def test_the_command_ends_in_one_sentence_and_writes_nothing_then(folder, tmp_path):
    command = [sys.executable, "-m", "softcifar.data.folder", str(folder), "--out", str(tmp_path / "mine.npz")]
    done = subprocess.run([*command, "--size", "4"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "error: --size: found 4; allowed: 8 to 512 pixels\n")
    assert not (tmp_path / "mine.npz").exists()
    done = subprocess.run([*command, "--out", str(tmp_path / "Mine.npz")], capture_output=True, text=True)
    allowed = "a name of at most 64 lower-case letters, digits and _, the first no _, then .npz"
    assert (done.returncode, done.stderr) == (2, f"error: --out: found 'Mine'; allowed: {allowed}\n")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "3 pictures of 32 x 32 pixels\ncat 2, dog 1\n" in done.stdout
    assert (tmp_path / "mine.npz").exists()

"""The file params.yaml: read as DVC reads it, and what is no such file is one sentence with the line."""

import dvc.utils.serialize
import pytest

from softcifar.errors import UserError
from softcifar.params.reading import read
from tests.conftest import ROOT


@pytest.mark.parametrize("study", sorted(path.parent.name for path in ROOT.glob("studies/*/params.yaml")))
def test_studies_are_read_as_dvc_reads_them(study):
    path = ROOT / "studies" / study / "params.yaml"
    assert read(path) == dvc.utils.serialize.load_yaml(path)


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("a: 1e3", {"a": 1000.0}),
        ("a: 0o7", {"a": 7}),
        ("a: 010", {"a": 10}),
        ("a: yes", {"a": "yes"}),
        ("a: 1:30", {"a": "1:30"}),
        ("'1e3': 1", {"1e3": 1}),
        ("a: &b {c: 1}\nd: {<<: *b, c: 2}", {"a": {"c": 1}, "d": {"c": 2}}),
    ],
)
def test_scalars_are_those_of_yaml_1_2(tmp_path, text, content):
    (tmp_path / "params.yaml").write_text(text)
    assert read(tmp_path / "params.yaml") == content == dvc.utils.serialize.load_yaml(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: {c: 1,\n c: 2}", "line 3: the key 'c' stands there a second time; allowed: each key once"),
        ("'a': 1\na: 2", "line 2: the key 'a' stands there a second time"),
        ("a:\n  1e3: 1", "line 2: found the key 1e3, which YAML reads as the number 1000.0; allowed: a name that is text"),
        ("0o7: 1", "line 1: found the key 0o7, which YAML reads as the number 7"),
        ("null: 1", "line 1: found the key null, which YAML reads as null"),
        ("true: 1", "line 1: found the key true, which YAML reads as true or false"),
        ("? [a]\n: 1", "line 1: found the key ['a'], which YAML reads as a collection"),
        ("a: 1\nb: !!int smoke", "line 2: found smoke, which YAML cannot read as int"),
        ("a: !!float x", "line 1: found x, which YAML cannot read as float"),
        ("a: 2020-13-45", "line 1: found 2020-13-45, which YAML cannot read as timestamp"),
        ("a: " + "9" * 5000, "9..., which YAML cannot read as int"),
        ("a: " + "[" * 5000, "sections inside sections without end"),
        ('a: "\\UFFFFFFFF"', "not a YAML file"),
        ("a: [", "not a YAML file (expected the node content, but found '<stream end>' in line 1)"),
        ("a: !!python/object:os.system x", "could not determine a constructor for the tag"),
        ("a: *b", "found undefined alias 'b' in line 1"),
        ("- 1", "found a collection; allowed: a mapping of the sections of a study"),
        ("", "found null; allowed: a mapping"),
        ("hello world", "found text; allowed: a mapping"),
        ("a: 1\n\nb: x\x0cy", "line 3: found the character '\\x0c'; allowed: text, line ends and tabs"),
    ],
)
def test_what_is_no_params_file_is_one_sentence(tmp_path, text, message):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        read(path)
    assert message in str(error.value)
    assert str(error.value).startswith(f"{path}: ")
    assert len(str(error.value)) < 500 + len(str(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "where"),
    [(b"\xff\xfe\x00\x01", "line 1: found the byte 0xff"), (b"a: 1\r\nb: caf\xe9\r\n", "line 2: found the byte 0xe9")],
)
def test_bytes_that_are_no_text_are_one_sentence(tmp_path, content, where):
    (tmp_path / "params.yaml").write_bytes(content)
    with pytest.raises(UserError) as error:
        read(tmp_path / "params.yaml")
    assert str(error.value) == f"{tmp_path / 'params.yaml'}: {where}; allowed: text in UTF-8"

"""The file params.yaml as plain data, read as DVC reads it: YAML 1.2, each key once."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode
from ruamel.yaml.reader import ReaderError

from softcifar.errors import UserError, cut, quote


class Constructor(SafeConstructor):
    """Names the line of a key that is no text or stands there twice, and of a value that is none of its type."""

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> Any:
        if isinstance(node, MappingNode):  # otherwise refused as such
            self._check_keys(node)
        return super().construct_mapping(node, deep)

    def _check_keys(self, node: MappingNode) -> None:
        seen = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            found = self.construct_object(key, deep=True)
            text = cut(key.value) if isinstance(key, ScalarNode) else quote(found)
            if not isinstance(found, str):
                raise UserError(
                    f"{_line(key)}: found the key {text}, which YAML reads as {kind(found)}; allowed: a name that is text"
                )
            if found in seen:
                raise UserError(f"{_line(key)}: the key '{text}' stands there a second time; allowed: each key once")
            seen.add(found)

    def construct_object(self, node: Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (UserError, YAMLError, RecursionError, MemoryError):
            raise
        except Exception as error:  # int('smoke') and the like: constructors let through whatever Python says
            found = cut(node.value) if isinstance(node, ScalarNode) else f"a {node.id}"
            tag = str(node.tag).rpartition(":")[2]
            raise UserError(f"{_line(node)}: found {found}, which YAML cannot read as {tag}") from error


def kind(found: object) -> str:
    """What a value is, in the words of YAML."""
    if isinstance(found, bool):
        return "true or false"
    if isinstance(found, int | float):
        return f"the number {quote(found)}"
    if isinstance(found, str):
        return "text"
    return "null" if found is None else "no text" if isinstance(found, Hashable) else "a collection"


def _line(node: Node) -> str:
    return f"line {node.start_mark.line + 1}"


def read(path: Path | str) -> dict:
    """What a params.yaml holds, unchecked; UserError where it is missing or no YAML mapping."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = Constructor
    try:
        text = Path(path).read_text(encoding="utf-8")
        content = yaml.load(text)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    except FileNotFoundError:
        raise UserError(f"{path}: not found; make repro STUDY=shapes copies a study there") from None
    except RecursionError:
        raise UserError(f"{path}: not a params file (sections inside sections without end)") from None
    except UnicodeDecodeError as error:
        line, byte = error.object.count(b"\n", 0, error.start) + 1, error.object[error.start]
        raise UserError(f"{path}: line {line}: found the byte {byte:#04x}; allowed: text in UTF-8") from None
    except ReaderError as error:
        line, found = text.count("\n", 0, error.position) + 1, repr(chr(error.character))
        raise UserError(f"{path}: line {line}: found the character {found}; allowed: text, line ends and tabs") from None
    except (YAMLError, ValueError, OverflowError) as error:  # or a number of a character that there is not
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        raise UserError(f"{path}: not a YAML file ({cut(problem)}{place})") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: found {kind(content)}; allowed: a mapping of the sections of a study")
    return content

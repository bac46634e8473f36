"""What decides a stage's result besides its input data: the resolved params it reads, and the code it runs.

The code of a stage is its script, the softcifar modules that these import (however deep), and the files of the methods
that its params choose. Editing one loss therefore changes the fingerprints of just those students that use it.
"""

import ast
import hashlib
import inspect
from collections.abc import Callable, Iterable
from pathlib import Path

# Registries only name methods (a test holds them to that); the file of each chosen method is added instead.
REGISTRIES = {f"softcifar.{name}" for name in ("augment", "corruptions", "data", "labels", "losses", "methods", "models")}
# These cannot change a result: what params resolve to is part of the fingerprint, the rest reports, checks, writes, and says
# where a network trains.
EXEMPT = {"softcifar.errors", "softcifar.execution.local", "softcifar.execution.cluster", "softcifar.execution.node",
          "softcifar.files", "softcifar.params", "softcifar.pipeline", "softcifar.progress"}  # fmt: skip


def code(root: Path, script: str, methods: Iterable[Callable] = ()) -> dict[str, str]:
    """{path below `root`: sha256} of every file that the stage `script` runs when it uses these `methods`."""
    waiting = [root / script, *(Path(inspect.getsourcefile(inspect.unwrap(method))) for method in methods)]
    found: dict[Path, str] = {}
    while waiting:
        path = waiting.pop().resolve()
        if path in found:
            continue
        found[path] = _sha256(path)
        waiting += _imported(root, path)
        waiting += sorted((path.parent / "templates").glob("*")) if path.suffix == ".py" else []
    return {str(path.relative_to(root.resolve())): digest for path, digest in sorted(found.items())}


def _imported(root: Path, path: Path) -> list[Path]:
    """The files of the softcifar modules that a Python file imports, anywhere in it."""
    if path.suffix != ".py":
        return []
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{path}: line {node.lineno}: a relative import hides what it needs; write it out")
            # 'from package import name' may name a module or something defined in package/__init__.py.
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if node.module in REGISTRIES and not (alias.name.isupper() or _file(root, inner)):
                    raise ValueError(f"{path}: line {node.lineno}: import {alias.name} from its own file, not the registry")
                names.append(inner if _file(root, inner) else node.module)
    wanted = (name for name in names if name.split(".")[0] == "softcifar" and name not in REGISTRIES and not exempt(name))
    return [file for name in wanted if (file := _file(root, name))]


def exempt(module: str) -> bool:
    """Whether a module, or a package that it is in, cannot change a result."""
    return any(module == each or module.startswith(f"{each}.") for each in EXEMPT)


def _file(root: Path, module: str) -> Path | None:
    base = root / Path(*module.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def of_inputs(plan: object, *files: Path) -> str:
    """A short name for a stage's whole input: its plan entry and the bytes of its input files."""
    digest = hashlib.sha256(repr(plan).encode())
    for path in files:
        digest.update(_sha256(path).encode())
    return digest.hexdigest()[:16]

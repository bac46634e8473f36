"""What decides a stage's result besides params and input data: the code it runs, as one hash.

The hash is a Merkle hash of syntax over definitions. A definition (function, class, constant) is its syntax tree and the hashes
of what its names refer to, through imports and however deep. So comments, docstrings, formatting, and moving or renaming a
module change nothing; a changed constant, or another function imported under the same name, does. Two things stand for more
than their own text: what a package has besides Python files (templates) counts with every definition in it, and what a
module does besides defining (statements at its top) counts with every definition of that module.

Registries only name methods: the one that params choose is added by the plan (`Code.of`).
"""

import ast
import functools
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import networkx

# What cannot change a result is not followed. A name with '.*' stands for all modules of that package.
EXEMPT = {
    "softcifar.errors": "says what is wrong",
    "softcifar.files": "reads and writes what it is given",
    "softcifar.progress": "shows how far a stage is",
    "softcifar.execution": "chooses where networks train; a test holds that this changes no byte",
    "softcifar.execution.local": "as above",
    "softcifar.execution.cluster": "as above",
    "softcifar.execution.node": "as above",
    "softcifar.training.curves": "shows how training goes",
    "softcifar.training.state": "keeps what is trained; a test holds that going on ends in the same bytes",
    "softcifar.data.fetching": "downloads; what is downloaded is known by its checksum",
    "softcifar.params.chosen": "params are part of the plan, as they were resolved",
    "softcifar.params.acquisition": "as above",
    "softcifar.params.options": "as above",
    "softcifar.params.ranges": "as above",
    "softcifar.params.recipe": "as above",
    "softcifar.params.sections": "as above",
    "softcifar.params.simulation": "as above",
    "softcifar.params.study": "as above",
    "softcifar.pipeline.*": "plans and starts stages",
    "stages": "says how a stage ends that is stopped while it begins; the scripts in it count",
}
# Dicts from a name to a method, {registry: the module and the constant}. A name that is not constant stands for nothing here.
REGISTRIES = {
    "acquisition": ("softcifar.acquisition", "ACQUISITIONS"),
    "attack": ("softcifar.attacks", "ATTACKS"),
    "augmentation": ("softcifar.augment", "AUGMENTATIONS"),
    "corruption": ("softcifar.corruptions", "CORRUPTIONS"),
    "data set": ("softcifar.data", "DATA_SOURCES"),
    "illustration": ("softcifar.illustrations", "ILLUSTRATIONS"),
    "label source": ("softcifar.labels", "LABEL_SOURCES"),
    "loss": ("softcifar.losses", "LOSSES"),
    "method": ("softcifar.methods", "METHODS"),
    "network": ("softcifar.models", "NETWORKS"),
    "novelty score": ("softcifar.scores", "NAMED_SCORES"),
}
# Definitions that learned to do more and do as before where params ask for nothing new: {(module, name): (hash now, before)}.
# They count as they were, so what was published holds. An entry is for this very code and what it uses (but for what uses it in
# turn, whose changes count by themselves); after any further change it says nothing, and a test asks for its end. Who adds an
# entry has run the stage of an old study and found the same bytes.
AS_BEFORE = {
    ("stages.soften", "main"): (  # reads single people's soft labels for a source that names them
        "657be60f102a3a28e6cfd3ce6ad7083c31878d9fd0152656edd0fe1e76ed1eb2",
        "03b1beffa01785542470dc468f20157089113e4ef3cf1147fd6312fe17d79e8c",
    ),
    ("softcifar.evaluation.novelty", "_of_run"): (  # offers scores the features of perturbed images
        "660d54f6caac734b6baf130e3880877875116c7def7485a89d705ceddc3c3787",
        "065f90adb70d7fe8ff36c8c3746ed5e924974646bd96a33ec9e2fba392af73be",
    ),
}
KNOWN_BY = "softcifar.data.fetching.known_by"  # a decorator: the function is what its arguments say, not how it gets it

# How a data set is fetched, apart from how it is read: the first argument of what its registry names.
FETCH = "fetch"

Node = tuple[str, ...]  # (module, name), (module, registry, key) or (module, registry, key, FETCH)


@dataclass
class Module:
    """A module's syntax: what it defines and imports by name, and what it does besides (`loose`)."""

    file: Path
    defined: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imported: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    loose: list[ast.stmt] = field(default_factory=list)


@dataclass(frozen=True)
class Parts:
    """A definition by itself: its text, and what its names refer to (node, or the text of what lies outside)."""

    text: str
    refers: tuple[tuple[str, Node | str], ...]


@dataclass(frozen=True)
class Whole:
    """A module that a name stands for, with the names that it defines."""

    module: str
    names: tuple[str, ...]


class Code:
    """The code below `root`, a folder with the package softcifar and the folder stages; files are read once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._modules: dict[str, Module] = {}
        self._hashes: dict[Node, str] = {}

    def of(self, script: str, chosen: Iterable[tuple[str, str]] = ()) -> str:
        """sha256 of what `script` ('stages.train') runs when it uses the `chosen` (registry, key).

        registry: a key of REGISTRIES, or FETCH for how a data set is fetched.
        """
        roots = self._roots(script, chosen)
        self._hash(roots)
        return _digest(*sorted({f"{node[1:]}={self._hashes[node]}" for node in roots}))

    def reached(self, script: str, chosen: Iterable[tuple[str, str]] = ()) -> set[Node]:
        """Every definition that counts for `of`, as (module, name)."""
        waiting, seen = self._roots(script, chosen), set()
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                waiting += [target for _, target in self._parts(node).refers if isinstance(target, tuple)]
        return seen

    def _roots(self, script: str, chosen: Iterable[tuple[str, str]]) -> list[Node]:
        own = [(script, name) for name in (*self._module(script).defined, "")]
        return own + [
            (*REGISTRIES["data set"], key, FETCH) if registry == FETCH else (*REGISTRIES[registry], key)
            for registry, key in chosen
        ]

    def _hash(self, roots: list[Node]) -> None:
        """Fill `_hashes` for the roots and all that they refer to. Definitions that need each other are hashed as one."""
        graph, waiting = networkx.DiGraph(), list(roots)
        while waiting:
            node = waiting.pop()
            if node in self._hashes or graph.nodes.get(node, {}).get("seen"):
                continue
            graph.add_node(node, seen=True)
            for _, target in self._parts(node).refers:
                if isinstance(target, tuple) and target not in self._hashes:
                    graph.add_edge(node, target)
                    waiting.append(target)
        groups = networkx.condensation(graph)
        for number in reversed(list(networkx.topological_sort(groups))):
            members = groups.nodes[number]["members"]
            own = {node: _as_before(node, self._own(node, members)) for node in members}
            together = _digest(*sorted(own.values()))
            self._hashes |= {node: _digest(own[node], together) for node in members}

    def _own(self, node: Node, group: set[Node]) -> str:
        parts = self._parts(node)
        refers = [
            f"{name}={target if isinstance(target, str) else target[-1] if target in group else self._hashes[target]}"
            for name, target in parts.refers
        ]
        return _digest(parts.text, *refers)

    @functools.cache  # noqa: B019 - as long as this object
    def _parts(self, node: Node) -> Parts:
        name, *inner = node
        module = self._module(name)
        if len(inner) == 2:
            parts = self._parts_of(name, [self._entry(name, *inner)])
        elif len(inner) == 3:
            where, constant = self._target(name, self._entry(name, *inner[:2]), {})
            call = self._module(where).defined[constant][-1].value
            name, parts = where, self._parts_of(where, [call.args[0]])
        elif inner == [""]:
            around, refers = name.rpartition(".")[0], self._parts_of(name, module.loose).refers
            return Parts(self._others(name), (*refers, ("", (around, ""))) if self._counts(around) else refers)
        else:
            parts = self._parts_of(name, module.defined[inner[0]])
        return Parts(parts.text, (*parts.refers, ("", (name, ""))))

    def _counts(self, package: str) -> bool:
        """Whether what a package does besides defining things counts with the modules in it."""
        return bool(package) and self._file(package) is not None and not exempt(package)

    def _entry(self, module: str, registry: str, key: str) -> ast.expr:
        table = self._module(module).defined[registry][-1].value
        table = table.args[0] if isinstance(table, ast.Call) else table  # a dict of a kind of its own
        for each, value in zip(table.keys, table.values, strict=True):
            if isinstance(each, ast.Constant) and each.value == key:
                return value
        raise ValueError(f"{module}.{registry}: has no entry '{key}'")

    def _others(self, module: str) -> str:
        """A module's statements that define nothing, and, of a package, its files that are no Python."""
        file = self._module(module).file
        texts = [_text(statement) for statement in self._module(module).loose]
        return _digest(*texts, *(_other_files(file.parent) if file.name == "__init__.py" else []))

    def _parts_of(self, module: str, trees: list[ast.AST]) -> Parts:
        trees = [argument for tree in trees for argument in self._known_by(module, tree)]
        refers = {reference for tree in trees for reference in self._references(module, tree)}
        return Parts(_digest(*map(_text, trees)), tuple(sorted(refers, key=repr)))

    def _known_by(self, module: str, tree: ast.AST) -> list[ast.AST]:
        """The tree itself; of a function that is KNOWN_BY something, just that."""
        for decorator in getattr(tree, "decorator_list", []):
            if isinstance(decorator, ast.Call) and self._target(module, decorator.func, {}) == KNOWN_BY:
                return [*decorator.args, *(keyword.value for keyword in decorator.keywords)]
        return [tree]

    def _references(self, module: str, tree: ast.AST) -> Iterable[tuple[str, Node | str]]:
        """(the name as it is written, what it refers to) for all that a piece of a module takes from outside itself."""
        local: dict[str, tuple[str, str | None]] = {}
        for node in ast.walk(tree):
            self._bind(local, module, self._bindings(module, node))
        waiting: list[ast.AST] = [tree]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
                registry = self._target(module, node.value, local)
                if isinstance(registry, str) and _split(registry) in REGISTRIES.values():
                    yield ast.unparse(node), (*_split(registry), node.slice.value)
                    continue
            target = self._target(module, node, local) if isinstance(node, ast.Attribute | ast.Name) else None
            if target is None:
                waiting += ast.iter_child_nodes(node)
            elif isinstance(target, Whole):
                yield from ((f"{ast.unparse(node)}.{each}", (target.module, each)) for each in (*target.names, ""))
            else:
                yield ast.unparse(node), target

    def _target(self, module: str, node: ast.expr, local: dict) -> "Node | str | Whole | None":
        """What a name, or a chain of attributes of one, refers to; None for a name of the function itself."""
        if isinstance(node, ast.Attribute):
            base = self._target(module, node.value, local)
            if isinstance(base, Whole):
                return self._resolve(base.module, node.attr)
            return f"{base}.{node.attr}" if isinstance(base, str) else base
        if not isinstance(node, ast.Name):
            return None
        if node.id in local:
            return self._resolve(*local[node.id])
        known = self._module(module)
        return self._resolve(module, node.id) if node.id in known.imported or node.id in known.defined else None

    def _resolve(self, module: str, name: str | None) -> "Node | str | Whole":
        """The definition behind an imported name; a text for what is exempt, a registry or not ours."""
        if not _ours(module):
            return module if name is None else f"{module}.{name}"
        known = self._module(module)
        if name is None:
            return Whole(module, () if exempt(module) else tuple(known.defined))
        if name not in known.defined and known.imported.get(name) in (None, (module, name)):  # a module of this package
            if not self._file(f"{module}.{name}"):
                raise ValueError(f"{known.file}: defines no '{name}', which is imported from there")
            return self._resolve(f"{module}.{name}", None)
        if exempt(module) or (module, name) in REGISTRIES.values():
            return f"{module}.{name}"
        return self._resolve(*known.imported[name]) if name in known.imported else (module, name)

    def _bind(self, known: dict, module: str, bound: dict[str, tuple[str, str | None]]) -> None:
        for name, target in bound.items():
            if known.setdefault(name, target) != target:
                raise ValueError(f"{module}: '{name}' is imported from two places; give one of them another name")

    def _bindings(self, module: str, node: ast.AST) -> dict[str, tuple[str, str | None]]:
        if isinstance(node, ast.Import):
            if any(_ours(each.name) and not each.asname for each in node.names) and not exempt(module):
                raise ValueError(
                    f"{module}: line {node.lineno}: 'import softcifar...' hides what it needs; import names from it"
                )
            # 'import a.b' binds a, 'import a.b as c' binds a.b
            return {each.asname or each.name.split(".")[0]: (each.name if each.asname else each.name.split(".")[0], None)
                    for each in node.names}  # fmt: skip
        if isinstance(node, ast.ImportFrom):
            if node.level or any(each.name == "*" for each in node.names):
                raise ValueError(f"{module}: line {node.lineno}: a relative import or a star hides what it needs; write it out")
            return {each.asname or each.name: (node.module, each.name) for each in node.names}
        return {}

    def _module(self, name: str) -> Module:
        if name not in self._modules:
            file = self._file(name)
            self._modules[name] = module = Module(file)
            for number, statement in enumerate(ast.parse(file.read_bytes()).body):
                if bound := self._bindings(name, statement):
                    self._bind(module.imported, name, bound)
                elif names := _names(statement):
                    for each in names:
                        module.defined.setdefault(each, []).append(statement)
                elif not _docstring(statement, number):
                    for each in ast.walk(statement):
                        self._bind(module.imported, name, self._bindings(name, each))
                    module.loose.append(statement)
            if both := module.defined.keys() & module.imported.keys():
                raise ValueError(f"{file}: '{min(both)}' is imported and defined; give one of them another name")
        return self._modules[name]

    @functools.cache  # noqa: B019
    def _file(self, module: str) -> Path | None:
        base = self.root / Path(*module.split("."))
        return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def exempt(module: str) -> bool:
    """Whether a module cannot change a result."""
    packages = [".".join(module.split(".")[: depth + 1]) for depth in range(module.count(".") + 1)]
    return module in EXEMPT or any(f"{package}.*" in EXEMPT for package in packages)


def _as_before(node: Node, now: str) -> str:
    """The hash of its own (`Code._own`) that a definition counts with."""
    known, before = AS_BEFORE.get(node, ("", ""))
    return before if now == known else now


def _ours(module: str) -> bool:
    return module.split(".")[0] in ("softcifar", "stages")


def _split(name: str) -> tuple[str, str]:
    return tuple(name.rpartition(".")[::2])


def _names(statement: ast.stmt) -> list[str]:
    """What a statement at the top of a module defines, and nothing else that it does."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
    targets = [each for target in targets for each in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return [target.id for target in targets] if all(isinstance(target, ast.Name) for target in targets) else []


def _docstring(node: ast.AST, place: int) -> bool:
    return (
        place == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    )


def _text(node: object) -> str:
    """A syntax tree as text, the same on every version of Python: without places, docstrings, imports and empty fields."""
    if isinstance(node, ast.AST):
        fields = []
        for name, value in ast.iter_fields(node):
            if name == "body" and isinstance(value, list) and hasattr(node, "body"):
                value = [each for place, each in enumerate(value) if not _docstring(each, place)]
                value = [each for each in value if not isinstance(each, ast.Import | ast.ImportFrom)]
            if value not in (None, []) and name not in ("ctx", "type_comment", "kind"):
                fields.append(f"{name}={_text(value)}")
        return f"{type(node).__name__}({', '.join(fields)})"
    return f"[{', '.join(map(_text, node))}]" if isinstance(node, list) else repr(node)


def _other_files(package: Path) -> list[str]:
    """Of a package's files that are no Python: their names within it and their content. Packages inside have their own."""
    lines = []
    for path in sorted(package.iterdir()):
        if path.is_dir() and path.name != "__pycache__" and not (path / "__init__.py").is_file():
            lines += [f"{path.name}/{each}" for each in _other_files(path)]
        elif path.is_file() and path.suffix not in (".py", ".pyc") and path.name[0] != "." and path.name[-1] != "~":
            lines.append(f"{path.name} {_sha256(path)}")
    return lines


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def of_inputs(plan: object, *files: Path) -> str:
    """A short name for a stage's whole input: its plan entry and the bytes of its input files."""
    digest = hashlib.sha256(repr(plan).encode())
    for path in files:
        digest.update(_sha256(path).encode())
    return digest.hexdigest()[:16]

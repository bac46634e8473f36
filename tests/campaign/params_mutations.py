"""Params files spoiled at random: values that make no sense in places that take others, and files that are hardly YAML."""

import random
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
STUDIES = ("smoke", "smoke", "gaussians", "fashion_mnist_quick")
NUMBERS = [
    0, 1, -1, 2, 0.5, -0.5, 1.5, 100, 10**4, 10**6, 10**7, 10**9, 10**12, 10**30, 2**31, 2**32, 2**63, 2**64, 2**128,
    10**400, -(10**30), 1e-300, 1e-12, 1e6, 1e300, float("inf"), float("-inf"), float("nan"), True, False,
]  # fmt: skip
TEXTS = [
    "", " ", " 5 ", "5", "0.1", "١", "1e3", "0o7", "0x10", "null", "~", "yes", "nan", "a" * 245, "a" * 10**5, "\0", "a\nb",
    "\ufeff", "é", "🙂", "../../etc/passwd", "/dev/zero", "/", "${study}", "%s{0}{", "<<", "hard", "resnet8",
    "resnet600000002", "mlp", "shapes", "resnet" + "9" * 5000, "resnet٢٠", "uniform", "mixup", "sngp", "best", "cifar10h",
    "npz",
]  # fmt: skip
OTHERS: list[Any] = [
    None, [], {}, [[]], [None], [0.1, 0.1], [0.1] * 1000, list(range(1, 300)), [0.1, 0.2, 0.3], {"name": None},
    {"source": None}, {"name": "mlp", "layers": 10**6}, {"name": "mlp", "width": 10**12},
    {"name": "mlp", "width": 10**6, "layers": 100}, {"name": "sngp", "features": 10**6},
    {"name": "duq", "embedding": 10**6}, {"name": "mixup", "alpha": []}, {"name": "resnet8", "coeff": 1e300},
    {"source": "npz", "path": "x" * 5000}, {"source": "npz", "path": "\0"},
    {"source": "npz", "path": "/", "sha256": "0" * 10**4}, {"source": "human"}, {"source": "uniform", "epsilon": [0.1] * 2},
    {"name": "cutmix", "q": "match_human"}, {"name": "crop_flip", "options": {"padding": 1}}, {"options": {}},
    ["mixup"] * 1000,
]  # fmt: skip
SCRAPS = [
    "{", "}", "[", "]", ":", ": ", ",", "&a ", "*a", "*b", "!", "!!int ", "!!float ", "!!set ", "!!omap ", "!!binary ",
    "!!bool ", "|", ">", "'", '"', "%", "@", "`", "#", "\t", "\0", "\x85", "\u2028", "é", "\ufeff", "---\n", "...\n", "? ",
    "- ", "<<: *a\n", "1e3: 1\n", "null: 1\n", '"\\UFFFFFFFF"', "0x" + "f" * 5000, "9" * 5000, "[" * 5000, "{a: " * 2000,
    "\r\n", "    ", "2020-13-45", "%YAML 1.1\n---\n", "!!python/object:os.system ls",
]  # fmt: skip
WAYS_OF_TREE = (
    "number", "number", "text", "other", "other", "delete", "rename", "add", "scale", "swap", "list", "nest",
)  # fmt: skip
WAYS_OF_TEXT = (
    "scrap", "scrap", "scrap", "byte", "cut", "drop", "twice", "move", "indent", "bomb", "loop", "anchor", "encode",
)  # fmt: skip


def mutated(seed: int, number: int) -> tuple[str, bytes]:
    """(what was done, the bytes of a params file) of one draw."""
    draw = random.Random(f"{seed}:{number}")
    name = draw.choice(STUDIES)
    text = (ROOT / "studies" / name / "params.yaml").read_text(encoding="utf-8")
    if draw.random() < 0.3:
        done, content = _spoil_text(draw, text)
    else:
        params = yaml.safe_load(text)
        done = "; ".join(_spoil_tree(draw, params) for _ in range(draw.choice([1, 1, 1, 2, 3])))
        content = yaml.dump(params, Dumper=_Plain, sort_keys=False, allow_unicode=True).encode()
    return f"{name}: {done}", content


class _Plain(yaml.SafeDumper):
    """Shared lists are written out, not referred to."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _places(node: Any) -> list[tuple[Any, Any]]:
    """(container, key or position) of every value below."""
    found = []
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        found += [(node, key), *_places(value)]
    return found


def _spoil_tree(draw: random.Random, params: dict) -> str:
    container, key = draw.choice(_places(params))
    way = draw.choice(WAYS_OF_TREE)
    if way in ("number", "text", "other"):
        container[key] = value = _fresh(draw.choice({"number": NUMBERS, "text": TEXTS, "other": OTHERS}[way]))
    elif way == "delete":
        value = container.pop(key)
    elif way in ("rename", "add"):
        sections = [each for each, _ in _places({"": params}) if isinstance(each, dict)]
        section = draw.choice([each for each in sections if each])
        value = draw.choice([*TEXTS, *NUMBERS, None])
        section[value] = section.pop(draw.choice(list(section))) if way == "rename" else _fresh(draw.choice(OTHERS))
    elif way == "scale":
        value = container[key]
        factor = draw.choice([-1, 10, 10**3, 10**6, 10**12, 10**20])
        container[key] = value * factor if isinstance(value, int | float) else [_fresh(value)] * 1000
    elif way == "swap":
        other, place = draw.choice(_places(params))
        container[key], other[place] = value = _fresh([other[place], container[key]])
    elif way == "list":
        container[key] = value = [_fresh(container[key]), _fresh(draw.choice(NUMBERS)), _fresh(container[key])]
    else:
        value = container[key]
        for _ in range(draw.choice([1, 5, 50])):
            container[key] = [container[key]] if draw.random() < 0.5 else {"name": container[key]}
    return f"{way} {str(key)[:30]!r} {str(value)[:40]!r}" if not isinstance(value, int) else f"{way} {str(key)[:30]!r}"


def _fresh(value: Any) -> Any:
    """A copy, so that no value lies in two places (or within itself)."""
    if isinstance(value, dict):
        return {key: _fresh(each) for key, each in value.items()}
    return [_fresh(each) for each in value] if isinstance(value, list) else value


def _spoil_text(draw: random.Random, text: str) -> tuple[str, bytes]:
    lines = text.splitlines(keepends=True)
    line, place = draw.randrange(len(lines)), draw.randrange(len(text))
    way = draw.choice(WAYS_OF_TEXT)
    if way == "scrap":
        scrap = draw.choice(SCRAPS)
        return f"{scrap[:10]!r} at {place}", (text[:place] + scrap + text[place:]).encode()
    if way == "byte":
        raw = bytearray(text.encode())
        raw[draw.randrange(len(raw))] = draw.randrange(256)
        return way, bytes(raw)
    if way == "cut":
        return f"cut at {place}", text[:place].encode()
    if way == "drop":
        del lines[line]
    elif way == "twice":
        lines.insert(line, lines[line])
    elif way == "move":
        lines.insert(draw.randrange(len(lines)), lines.pop(line))
    elif way == "indent":
        lines[line] = draw.choice(["", " ", "   ", "\t"]) + lines[line].lstrip()
    elif way == "bomb":
        bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
        lines.append(bomb + draw.choice(["", "surrogates: *a11\n", "illustrations: {two_moons: *a11}\n"]))
    elif way == "loop":
        loops = ("teachers: &t {t: *t}", "simulations: &s {a: *s}", "more: &m [*m]", "report: &r {bins: *r}")
        lines.append(draw.choice(loops) + "\n")
    elif way == "anchor":
        lines[line] = lines[line].replace(": ", ": &a ", 1)
        lines.append("more: *a\n")
    else:
        return "utf-16", text.encode("utf-16")
    return f"{way} line {line + 1}", "".join(lines).encode()

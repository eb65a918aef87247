"""Imports go down only: nothing below knows what is above it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("envs", "replay", "agent", "harness")
SCRIPTS = ("train", "evaluate")
MAY_IMPORT = {
    "envs": {"envs"},
    "replay": {"replay"},
    "agent": {"agent", "replay.batch"},
    "harness": {"envs", "replay", "agent", "harness"},
    "train": {*PACKAGES},
    "evaluate": {*PACKAGES},
}
"""Which of our own modules each part may import; a package stands for all in it."""
ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "text": set(),
    "process": set(),
    "console": {"text"},
    "cli": {"errors", "text", "process"},
    "files": {"errors"},
    "images": set(),
    "report": {"files"},
    "run": {"errors", "text", "files"},
    "metrics": {"text", "console", "files", "images", "run"},
    "evaluation": {"errors", "text", "console", "run", "metrics"},
    "training": {"errors", "text", "process", "console", "cli", "files", "run", "metrics"},
    "probes": {"evaluation"},
    "players": {
        *("errors", "text", "process", "console", "files", "images", "report"),
        *("run", "metrics", "evaluation", "training", "probes"),
    },
    "claims": {*("errors", "process", "console", "files", "report", "run", "evaluation", "probes")},
    "compare": {
        *("errors", "text", "process", "console", "cli", "files", "report", "run", "metrics"),
        *("evaluation",),
    },
    "commands": {
        *("errors", "text", "process", "console", "cli", "files", "report", "run", "metrics"),
        *("evaluation", "training", "probes", "players", "claims", "compare"),
    },
}
"""The rooms of harness/, its modules and packages, and which others each imports: all of them stand
above it."""
STRANGERS = ({"training", "evaluation"}, {"players", "claims", "compare"})
"""Rooms that never import each other."""
UNPICKLERS = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
OPTIONAL = {"imageio_ffmpeg", "cv2", "imageio", "matplotlib", "pygame", "plotly", "pandas"}
"""Imported only inside the functions that need them, or not at all: extras, and slow imports."""


def python_files() -> list[Path]:
    """Every file of the project that runs as part of it."""
    folders = [*PACKAGES, "benchmarks", "tests"]
    found = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    return sorted([*found, *(ROOT / f"{script}.py" for script in SCRIPTS)])


def part_of(file: Path) -> str:
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[str]:
    """Dotted names that a module imports, at its top or inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where an arrow points"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, allowed: set[str]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in allowed)


def unsafe(tree: ast.AST) -> list[str]:
    """What could run code hidden in a file: unpicklers, torch.load, allow_pickle=True."""
    found = [name for name in imports(tree) if name.split(".")[0] in UNPICKLERS]
    found += [name for name in imports(tree) if name in ("torch.load", "torch.hub")]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("torch.load", "torch.hub"):
            found.append(ast.unparse(node))
        if isinstance(node, ast.Attribute) and node.attr in ("read_pickle", "load_module"):
            found.append(ast.unparse(node))
        if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "weights_only"):
            safe = isinstance(node.value, ast.Constant) and node.value.value is False
            if node.arg == "weights_only" or not safe:
                found.append(f"{node.arg}={ast.unparse(node.value)}")
    return found


def trees(*parts: str) -> list[tuple[Path, ast.Module]]:
    files = [file for file in python_files() if part_of(file) in parts]
    return [(file.relative_to(ROOT), ast.parse(file.read_text())) for file in files]


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_no_arrow_points_up(part: str) -> None:
    ours = {*PACKAGES, *SCRIPTS, "tests", "benchmarks"}
    up = [
        f"{file}: {name}"
        for file, tree in trees(part)
        for name in imports(tree)
        if within(name, ours) and not within(name, MAY_IMPORT[part])
    ]
    assert not up
    assert trees(part), "nothing was looked at"


def room_of(name: str) -> str:
    """The room of a dotted name in harness; empty for others and for harness itself."""
    package, _, rest = f"{name}.".partition(".")
    return rest.partition(".")[0] if package == "harness" else ""


def forbidden(room: str, tree: ast.AST) -> list[str]:
    """What a module of a room imports from rooms below it or beside it."""
    allowed = {room, *ROOMS[room]}
    return [name for name in imports(tree) if (to := room_of(name)) and to not in allowed]


def rooms() -> list[tuple[str, Path, ast.Module]]:
    """Every module of harness with its room."""
    found = [(file.relative_to("harness"), tree) for file, tree in trees("harness")]
    return [(file.parts[0].removesuffix(".py"), file, tree) for file, tree in found]


def test_every_module_is_in_a_room_and_every_room_is_there() -> None:
    assert {room for room, _, _ in rooms()} == {"__init__", *ROOMS}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_stands_above_it(room: str) -> None:
    modules = [(file, tree) for one, file, tree in rooms() if one == room]
    assert [f"{file}: {name}" for file, tree in modules for name in forbidden(room, tree)] == []


def test_the_table_of_rooms_points_up_and_not_aside() -> None:
    """So there is no circle among them."""
    for place, (room, imported) in enumerate(ROOMS.items()):
        assert imported <= {*list(ROOMS)[:place]}
        assert not any(room in strangers and imported & strangers for strangers in STRANGERS)


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("report", "from harness.players.page import write_page"),
        ("evaluation", "import harness.training.session"),
        ("claims", "def f():\n    from harness import compare"),
        ("text", "from harness.console import warn"),
    ],
)
def test_the_search_for_arrows_between_rooms_finds_them(room: str, source: str) -> None:
    assert forbidden(room, ast.parse(source))


def test_only_tests_and_benchmarks_import_the_scripts() -> None:
    users = {
        part_of(ROOT / file)
        for file, tree in trees(*PACKAGES, *SCRIPTS, "tests", "benchmarks")
        if any(within(name, set(SCRIPTS)) for name in imports(tree))
    }
    assert users <= {"tests", "benchmarks"}


def test_tensorboard_is_imported_in_one_file() -> None:
    users = [
        str(file)
        for file, tree in trees(*PACKAGES, *SCRIPTS)
        if any(within(name, {"tensorboard", "torch.utils.tensorboard"}) for name in imports(tree))
    ]
    assert users == ["harness/metrics/tensorboard.py"]


def test_consoles_and_tables_are_made_in_one_file() -> None:
    """Others read brackets as markup, colons as emoji, and cut names off."""
    plain = {"rich.text.Text", "rich.console.Group", "rich.columns.Columns"}
    plain |= {"rich.progress_bar.ProgressBar", "rich.console.RenderableType"}
    users = {
        str(file)
        for file, tree in trees(*PACKAGES, *SCRIPTS)
        for name in imports(tree)
        if within(name, {"rich"}) and name not in plain
    }
    assert users == {"harness/console.py"}


def test_optional_packages_are_imported_where_they_are_used() -> None:
    """A plain install can import every module."""
    top = [
        f"{file}: {name}"
        for file, tree in trees(*PACKAGES, *SCRIPTS)
        for statement in tree.body
        if isinstance(statement, ast.Import | ast.ImportFrom)
        for name in imports(statement)
        if within(name, OPTIONAL)
    ]
    assert not top


def test_nothing_is_ever_unpickled() -> None:
    found = {
        str(file): unsafe(tree)
        for file, tree in trees(*PACKAGES, *SCRIPTS, "tests", "benchmarks")
        if unsafe(tree)
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "def f():\n    import cloudpickle as c",
        "import torch\ntorch.load('x')",
        "from torch import load",
        "np.load('x', allow_pickle=True)",
        "np.load('x', allow_pickle=flag)",
        "pd.read_pickle('x')",
    ],
)
def test_the_search_for_unpicklers_finds_them(source: str) -> None:
    assert unsafe(ast.parse(source))


def test_the_search_for_unpicklers_lets_the_rest_be() -> None:
    source = "import json\nnp.load('x', allow_pickle=False)\nnetwork.load_state_dict(tensors)"
    assert not unsafe(ast.parse(source))


def test_the_search_for_imports_finds_them() -> None:
    source = "import a.b as c, d\nfrom e.f import g\ndef h():\n    from i import j"
    assert list(imports(ast.parse(source))) == ["a.b", "d", "e.f.g", "i.j"]


def test_names_are_compared_whole() -> None:
    assert within("replay.batch.Batch", {"replay.batch"})
    assert not within("replay.batches", {"replay.batch"})
    assert not within("replay_buffer", {"replay"})

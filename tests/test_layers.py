"""Who may import whom, read from the sources; and what is not loaded by those that must start quickly."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from indexer.index import open_index

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCES = sorted(
    path.relative_to(REPOSITORY)
    for path in [REPOSITORY / "cli.py", *REPOSITORY.glob("audiosearch/**/*.py"), *REPOSITORY.glob("indexer/**/*.py")]
)
HEAVY = (
    *("torch", "torchaudio", "numpy", "pyctcdecode", "kenlm", "elasticsearch", "rich", "pydantic", "soundfile", "av"),
    *("starlette", "uvicorn", "prometheus_client", "segno"),
)

MANIFESTS = {  # compare the index with a manifest, or write a manifest from it
    "indexer/commands/evaluate.py",
    "indexer/commands/manifest.py",
}

TERMINAL = {"audiosearch/console", "audiosearch/commands", "indexer/console", "indexer/commands"}

ONLY_IN = {  # a library with types of its own is touched in one file or folder
    "pyctcdecode": {"audiosearch/decoding/pyctcdecode_engine.py"},
    "elasticsearch": {"indexer/elastic/client.py"},
    "elastic_transport": {"indexer/elastic/client.py"},
    "apsw": {"indexer/sqlite/file.py"},
    "soundfile": {"audiosearch/audio/reader.py"},
    "av": {"audiosearch/audio/ffmpeg"},
    "sounddevice": {"audiosearch/audio/player.py"},
    "watchfiles": {"indexer/ingest/watch.py"},
    "soxr": {"audiosearch/audio/reader.py"},
    "kenlm": {"audiosearch/language_model/kenlm_model.py"},
    "starlette": {"indexer/server"},
    "segno": {"indexer/console/qr_code.py"},
    "prometheus_client": {"indexer/server/monitoring/metrics.py"},
    "uvicorn": {"indexer/server/app.py"},
    "click": {"cli.py", *TERMINAL},
    "rich": TERMINAL,
}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse((REPOSITORY / path).read_text(encoding="utf-8"))


@cache
def imports(path: Path, *, module_level: bool = False) -> tuple[str, ...]:
    """Modules that a source imports, ``a.b`` for ``from a import b``, except those for type checking only."""
    modules: list[str] = []
    waiting: list[ast.AST] = [tree(path)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
            continue
        if module_level and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if isinstance(node, ast.Import):
            modules += (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: import by full names"
            modules += (f"{node.module}.{name.name}" for name in node.names)
        waiting += ast.iter_child_nodes(node)
    return tuple(modules)


def is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def is_in(path: Path, folders: set[str]) -> bool:
    return any(path == Path(folder) or Path(folder) in path.parents for folder in folders)


def offenders(package: str, allowed: set[str]) -> list[str]:
    """Sources outside ``allowed`` that import ``package``."""
    return [
        f"{path} imports {module}"
        for path in SOURCES
        if not is_in(path, allowed)
        for module in imports(path)
        if is_within(module, package)
    ]


def test_there_are_sources() -> None:
    assert Path("cli.py") in SOURCES
    assert "audiosearch.types.Seconds" in set(imports(Path("indexer/types.py")))


LAYERS = {  # folders and single files, lowest layer first; each imports only lower layers
    "audiosearch": (
        "types display",
        "errors",
        "files csv_rows alphabet normalizer tags core",
        "config settings parallel audio spotting transcripts",
        "model_folder alignment",
        "acoustic language_model decoding",
        "recognizer diagnosis data",
        "evaluation inspection aligner",
        "engines",
        "labeling training",
        "console",
        "commands",
    ),
    "indexer": (
        "types paths",
        "matching records word_codec",
        "corrections",
        "correction_codec",
        "sqlite elastic",
        "index",
        "search ingest doctor",
        "export evaluation",
        "server console",
        "commands",
    ),
}
LAYER_OF = {
    (package, name): level
    for package, layers in LAYERS.items()
    for level, names in enumerate(layers)
    for name in names.split()
}
SAME_LAYER = {("decoding", "language_model"), ("elastic", "sqlite"), ("tags", "normalizer")}
"""Pairs of units within a layer of which the first may import the second."""
MAX_FILES = 12


def unit(path: str) -> tuple[str, str]:
    """Package and unit of a source or module: its folder there, or its own name."""
    parts = path.removesuffix(".py").replace("/", ".").split(".")
    return parts[0], parts[1] if len(parts) > 1 else ""


def test_every_unit_has_a_layer() -> None:
    units = {unit(str(path)) for path in SOURCES if path.name != "__init__.py" or len(path.parts) > 2}
    units -= {("cli", ""), ("audiosearch", "models")}
    assert units == {
        (package, name) for package, layers in LAYERS.items() for names in layers for name in names.split()
    }


def test_units_import_only_lower_layers() -> None:
    upwards = [
        f"{path} imports {module}"
        for path in SOURCES
        for module in imports(path)
        for here, there in [(unit(str(path)), unit(module))]
        if here in LAYER_OF and there in LAYER_OF and here != there and here[0] == there[0]
        if LAYER_OF[here] <= LAYER_OF[there] and (here[1], there[1]) not in SAME_LAYER
    ]
    assert upwards == []


def test_folders_are_small() -> None:
    files: dict[Path, int] = {}
    for path in SOURCES:
        if path.name != "__init__.py" and len(path.parts) > 2:
            files[path.parent] = files.get(path.parent, 0) + 1
    assert {str(folder): count for folder, count in files.items() if count > MAX_FILES} == {}


def test_dependencies_run_one_way() -> None:
    assert offenders("cli", set()) == []
    assert offenders("indexer", {"cli.py", "indexer"}) == []
    assert offenders("audiosearch.commands", {"cli.py", "audiosearch/commands", "indexer/commands/options.py"}) == []
    assert offenders("audiosearch.training", {"audiosearch/training", "audiosearch/commands", *MANIFESTS}) == []
    assert offenders("tests", set()) == []


def test_the_compiled_core_is_used_by_searches_over_emissions_and_the_network() -> None:
    folders = {f"audiosearch/{name}" for name in ("core", "language_model", "decoding", "alignment", "spotting")}
    assert offenders("audiosearch.core", {*folders, "audiosearch/acoustic", "audiosearch/diagnosis"}) == []


def test_indexer_imports_no_tensor_library() -> None:
    for package in ("torch", "torchaudio", "numpy", "audiosearch.recognizer", "audiosearch.acoustic.model"):
        # only commands bring the two together
        assert offenders(package, {"cli.py", "audiosearch", "indexer/console/lazy_recognizer.py"}) == []


@pytest.mark.parametrize("package", ONLY_IN)
def test_external_library_is_imported_in_one_place(package: str) -> None:
    assert offenders(package, ONLY_IN[package]) == []


def test_types_and_errors_are_standard_library_only() -> None:
    for path in (Path("audiosearch/types.py"), Path("audiosearch/errors.py"), Path("indexer/types.py")):
        roots = {module.partition(".")[0] for module in imports(path)}
        assert roots <= {*sys.stdlib_module_names, "audiosearch"}


def test_only_commands_print() -> None:
    printing = [
        f"{path}:{node.lineno}"
        for path in SOURCES
        if not is_in(path, {"cli.py", *TERMINAL})
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "sys.stdout.write", "sys.stderr.write")
    ]
    assert printing == []


def test_commands_import_heavy_libraries_when_they_run() -> None:
    commands = [path for path in SOURCES if is_in(path, {"cli.py", *TERMINAL})]
    heavy = [
        f"{path} imports {module}"
        for path in commands
        for module in imports(path, module_level=True)
        if module.partition(".")[0] in HEAVY
    ]
    assert heavy == []


def loaded_by(*lines: str) -> set[str]:
    """Which of HEAVY a fresh interpreter has loaded after these lines."""
    code = "\n".join(["import json, sys", *lines, f"print(json.dumps([n for n in {HEAVY} if n in sys.modules]))"])
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_imports_no_heavy_library() -> None:
    lines = [
        "import cli",
        "from click.testing import CliRunner",
        "for arguments in [[], *([name] for name in cli.COMMANDS)]:",
        "    result = CliRunner().invoke(cli.main, [*arguments, '--help'])",
        "    assert result.exit_code == 0, (arguments, result.output, result.exception)",
    ]
    assert loaded_by(*lines) == set()


def test_query_imports_no_heavy_library(tmp_path: Path) -> None:
    open_index(str(tmp_path / "store.db"), create=True).close()
    conditions = ["--and", "x", "--not", "y", "--within", "2", "--path", "*", "--since", "2024-05-31"]
    lines = [
        "import cli",
        "from click.testing import CliRunner",
        f"arguments = ['query', 'a human', '2nd', '--store', '{tmp_path / 'store.db'}', *{conditions}]",
        "result = CliRunner().invoke(cli.main, arguments)",
        "assert 'No hits' in result.stderr, result.output",
    ]
    assert loaded_by(*lines) == set()

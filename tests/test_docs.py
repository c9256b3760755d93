"""What is written about the program is true of it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

import cli
from audiosearch.config import load_config

REPOSITORY = Path(__file__).resolve().parent.parent
MODULES = sorted(
    path
    for package in ("audiosearch", "indexer")
    for path in REPOSITORY.glob(f"{package}/**/*.py")
    if path.name != "__init__.py"
)
RECIPES = sorted(REPOSITORY.glob("configs/**/*.yaml"))
PAGES = sorted(
    str(path.relative_to(REPOSITORY))
    for pattern in ("*.md", "docs/*.md", "configs/*.md", "examples/**/*.md", "audiosearch/models/*/*.md")
    for path in REPOSITORY.glob(pattern)
)
MAX_README_BYTES = 9000


def command(name: str) -> click.Command:
    loaded = cli.LazyGroup().get_command(click.Context(cli.main), name)
    assert loaded is not None
    return loaded


def blocks(page: str, *languages: str) -> list[str]:
    """Fenced blocks of these languages in a page."""
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    return [block for language, block in fenced if language in languages]


def examples(text: str) -> list[list[str]]:
    """The command lines in a text that call this program, without their continuation marks."""
    lines = re.findall(r"^ *(?:\$ )?audiosearch (.+)$", text.replace("\\\n", " "), flags=re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help_that_ends_with_an_example(name: str) -> None:
    documented = command(name)
    assert documented.name == name
    assert documented.help
    assert all(option.help for option in documented.params if isinstance(option, click.Option))
    last = re.split(r"\bExamples?:", documented.epilog or documented.help)
    assert len(last) > 1, "no example"
    assert examples(last[-1])[-1][0] == name


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_examples_use_options_that_exist(name: str) -> None:
    documented = command(name)
    check(examples(f"{documented.help}\n{documented.epilog or ''}"))


def check(lines: list[list[str]]) -> None:
    """Check that every command and option of these lines exists."""
    for called, *arguments in lines:
        assert called in cli.COMMANDS or called.startswith("-"), f"audiosearch {called}"
        if called.startswith("-"):
            continue
        known = {name for option in command(called).params for name in (*option.opts, *option.secondary_opts)}
        used = {argument.partition("=")[0] for argument in arguments if re.match(r"--?[a-z]", argument)}
        assert used <= {*known, "-h", "--help"}, f"audiosearch {called} {shlex.join(arguments)}"


@pytest.mark.parametrize("page", PAGES)
def test_pages_show_commands_that_exist(page: str) -> None:
    check(examples("\n".join(blocks(page, "sh", "console"))))


def anchors(page: Path) -> set[str]:
    """The anchors of the headings of a page, as sites and code hosts make them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip()) for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_headings(page: str) -> None:
    path = REPOSITORY / page
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_readme_is_short() -> None:
    assert (REPOSITORY / "README.md").stat().st_size <= MAX_README_BYTES


def test_reference_shows_the_script_of_the_readme() -> None:
    assert blocks("README.md", "python")[0] == blocks("docs/api.md", "python")[0]


def test_decisions_are_numbered_and_in_the_index() -> None:
    text = (REPOSITORY / "docs" / "decisions.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    numbers = [re.match(r"\d+", heading) for heading in headings]
    assert [int(number.group()) for number in numbers if number] == list(range(1, len(headings) + 1))
    assert [heading for heading in headings if f"[{heading}](#" not in text] == []


def test_every_page_is_in_the_contents() -> None:
    contents = (REPOSITORY / "docs" / "index.md").read_text(encoding="utf-8")
    navigation = (REPOSITORY / "zensical.toml").read_text(encoding="utf-8")
    for page in REPOSITORY.glob("docs/*.md"):
        assert page.name == "index.md" or f"({page.name})" in contents
        assert f'"{page.name}"' in navigation


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: str(path.name))
def test_every_recipe_loads(path: Path) -> None:
    load_config(path)


def test_there_are_recipes() -> None:
    assert RECIPES


# The annotated tree of the README, fenced as tree: further in for each level, names before a gap of two spaces


TREE = """
Makefile              make demo, make test
audiosearch/
  errors.py  config.py
  text.py             normalize(text); see errors.py
  training/           manifest, dataset
"""


def listed(tree: str) -> list[str]:
    """Paths that an annotated tree names; a folder ends in /."""
    paths: list[str] = []
    parents: list[tuple[int, str]] = [(-1, "")]
    for line in tree.splitlines():
        marks = re.match(r"[\s│├└─]*", line)
        assert marks is not None
        depth = marks.end()
        while depth <= parents[-1][0]:
            parents.pop()
        for field in re.split(r"\s{2,}", line[depth:].strip()):
            if not re.fullmatch(r"[\w./*-]*(?:[./][\w.*-]*)|Makefile|LICENSE", field):
                break
            paths.append(parents[-1][1] + field)
        if paths and paths[-1].endswith("/") and depth > parents[-1][0]:
            parents.append((depth, paths[-1]))
    return paths


def test_tree_is_parsed() -> None:
    assert listed(TREE) == [
        "Makefile",
        "audiosearch/",
        "audiosearch/errors.py",
        "audiosearch/config.py",
        "audiosearch/text.py",
        "audiosearch/training/",
    ]


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
def test_tree_names_existing_paths(page: str) -> None:
    (tree,) = blocks(page, "tree")
    paths = listed(tree)
    assert len(paths) > 20
    assert [path for path in paths if not list(REPOSITORY.glob(path.rstrip("/")))] == []


def test_readme_names_every_folder() -> None:
    (tree,) = blocks("README.md", "tree")
    folders = {f"{path.relative_to(REPOSITORY).parent}/" for path in MODULES}
    assert folders - set(listed(tree)) == set()


def test_architecture_names_every_module() -> None:
    (tree,) = blocks("docs/architecture.md", "tree")
    paths = listed(tree)
    opened = {folder for folder in paths if any(path != folder and path.startswith(folder) for path in paths)}
    covered = tuple(path for path in paths if path.endswith("/") and path not in opened)
    modules = [str(path.relative_to(REPOSITORY)) for path in MODULES]
    assert [path for path in modules if path not in paths and not path.startswith(covered)] == []

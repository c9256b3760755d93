"""Help is complete at any width, misspellings get a suggestion, and shells complete commands and options."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import cli
from audiosearch.errors import did_you_mean

REPOSITORY = Path(cli.__file__).parent


def words(text: str) -> list[str]:
    return re.sub(r"[\b\s]+", " ", text).split()


def help_of(*command: str, columns: int) -> str:
    return CliRunner().invoke(cli.main, [*command, "--help"], terminal_width=columns).output


def error(*arguments: str) -> str:
    """The last line on standard error of a wrong command line."""
    result = CliRunner().invoke(cli.main, arguments)
    assert result.exit_code == 2
    return result.stderr.splitlines()[-1].removeprefix("Error: ")


class TestHelp:
    """``--help``"""

    @pytest.mark.parametrize("columns", [60, 80])
    def test_the_sentence_about_each_command_is_complete(self, columns: int) -> None:
        output = " ".join(words(help_of(columns=columns)))
        assert not re.search(r"\w(\.\.\.|…)", output)
        for name in cli.COMMANDS:
            command = cli.LazyGroup().get_command(click.Context(cli.main), name)
            assert command is not None
            assert command.help is not None
            first = " ".join(words(command.help.split("\n\n")[0])).partition(". ")[0].rstrip(".")
            assert f"{name} {first}." in output

    @pytest.mark.parametrize("columns", [60, 80])
    @pytest.mark.parametrize("name", cli.COMMANDS)
    def test_the_help_of_each_option_is_complete(self, name: str, columns: int) -> None:
        command = cli.LazyGroup().get_command(click.Context(cli.main), name)
        assert command is not None
        output = help_of(name, columns=columns)
        text = "".join(words(output))  # lines may break at hyphens
        assert "..." not in output.partition("\n")[2]
        for option in command.params:
            if isinstance(option, click.Option):
                assert "".join(words(option.help or "")) in text
        assert "".join(words(command.help or "")) in text


class TestSuggestions:
    """Wrong command lines."""

    def test_commands(self) -> None:
        assert error("qery", "word") == "No such command 'qery'. Did you mean query?"
        assert error("search", "word") == "No such command 'search'. Did you mean query?"
        assert error("help") == "No such command 'help'. Did you mean --help?"
        assert error("xyzzy") == "No such command 'xyzzy'."
        assert error(os.sep) == f"No such command '{os.sep}'. To index a file or folder, write `audiosearch index /`."

    def test_options(self) -> None:
        assert "--model" in error("index", ".", "--modle", "x")
        assert error("query", "word", "-store", "x").endswith(" Did you mean --store?")
        assert error("list", "-j").endswith(" Did you mean --json?")
        assert error("--store", "x", "query", "word").endswith(
            " Options follow the command: audiosearch query … --store"
        )

    def test_an_index_without_its_option(self) -> None:
        assert error("info", "talks.db").endswith(" The index is named by an option: --store talks.db")

    def test_values(self) -> None:
        assert error("query", "word", "--mode", "wrods").endswith(" Did you mean words?")
        assert error("transcribe", "a.wav", "--format", "SRTT").endswith(" Did you mean srt?")
        assert error("query", "word", "--mode", "xyzzy").endswith("'auto'.")

    def test_names_of_engines_settings_and_indexes(self, tmp_path: Path) -> None:
        def failure(*arguments: str | Path) -> str:
            result = CliRunner().invoke(cli.main, [str(argument) for argument in arguments])
            assert result.exit_code in (1, 2)
            return result.stderr

        (tmp_path / "talks.db").touch()
        (tmp_path / "talks.db-wal").touch()
        store = tmp_path / "talk.db"
        assert failure("list", "--store", store).endswith("or name another. Did you mean talks.db?\n")
        engine = failure("index", tmp_path, "--words", "audiosaerch", "--store", store)
        assert engine.endswith(" Did you mean audiosearch?\n")
        assert failure("train", "--set", "optm.lr=1").endswith(" Did you mean optim?\n")
        assert failure("train", "--set", "optim.warmup=1").endswith(" Did you mean warmup_steps?\n")

    def test_similar_names(self) -> None:
        assert did_you_mean("STROE", ["store", "model"]) == " Did you mean store?"
        assert did_you_mean("without", []) == ""


class TestCompletion:
    """Completion by shells, which start the program at each press of the key."""

    @staticmethod
    def complete(line: str, word: int) -> list[str]:
        variables = {"COMP_WORDS": line, "COMP_CWORD": str(word), "_AUDIOSEARCH_COMPLETE": "bash_complete"}
        code = "import sys, cli\ntry: cli.main(prog_name='audiosearch')\nfinally: print(*sys.modules, file=sys.stderr)"
        process = subprocess.run(
            [sys.executable, "-c", code],
            cwd=REPOSITORY,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            check=True,
        )
        heavy = {"torch", "numpy", "rich", "pydantic", "av", "apsw", "elasticsearch"}
        assert heavy.isdisjoint(process.stderr.split())
        return [text.partition(",")[2] for text in process.stdout.splitlines()]

    def test_commands_options_and_values_are_completed(self) -> None:
        assert self.complete("audiosearch ", 1) == list(cli.COMMANDS)
        assert self.complete("audiosearch qu", 1) == ["query"]
        assert self.complete("audiosearch query --mo", 2) == ["--mode"]
        assert self.complete("audiosearch query --mode s", 3) == ["sound"]

    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_shells_get_a_script(self, shell: str) -> None:
        code = "import cli; cli.main(prog_name='audiosearch')"
        environment = os.environ | {"_AUDIOSEARCH_COMPLETE": f"{shell}_source"}
        process = subprocess.run(
            [sys.executable, "-c", code], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True
        )
        assert f"_AUDIOSEARCH_COMPLETE={shell}_complete" in process.stdout

"""Tables of corpora: which column has the text."""

import pytest

from audiosearch.data.metadata_table import read_table

SENTENCES = ("We left at 5.", "Nobody saw him, I think.", "Yes.")
NORMALIZED = ("we left at five", "nobody saw him i think", "yes")


@pytest.mark.parametrize("speakers", [("ann", "ben", "ann"), ("speaker_2", "3", "p225"), ("Ann", "", "speaker 7")])
@pytest.mark.parametrize("mark", ["|", "\t"])
def test_speaker_in_the_third_column_is_no_text(speakers: tuple[str, ...], mark: str) -> None:
    lines = [mark.join((f"c{n}", text, who)) for n, (text, who) in enumerate(zip(SENTENCES, speakers, strict=True))]
    assert [row.text for row in read_table(lines)] == list(SENTENCES)


@pytest.mark.parametrize("order", [(0, 1), (0, 1, 2), (0, 1, 2, 3), (0, 3, 1), (0, 3, 1, 2), (0, 1, 3)])
def test_the_normalized_text_is_preferred(order: tuple[int, ...]) -> None:
    lines = []
    for n, (text, normal) in enumerate(zip(SENTENCES, NORMALIZED, strict=True)):
        fields = (f"c{n}", text, normal, "ann")
        lines.append("|".join(fields[column] for column in order))
    assert [row.text for row in read_table(lines)] == list(NORMALIZED if 2 in order else SENTENCES)


@pytest.mark.parametrize("mark", ["|", "\t", ","])
def test_columns_are_found_by_their_titles(mark: str) -> None:
    lines = [mark.join(("speaker_id", "transcription", "file_name")), mark.join(("ann", "so he said", "c0.wav"))]
    ((row),) = read_table(lines)
    assert (row.name, row.text, row.speaker, row.line) == ("c0.wav", "so he said", "ann", 2)


def test_commands_of_one_word_are_no_speakers() -> None:
    assert [row.text for row in read_table(["c0|yes|ann", "c1|no|ben"])] == ["yes", "no"]


def test_quoted_commas_and_large_fields() -> None:
    large = "a " * 70_000
    rows = list(read_table(['c0,"Well, ""yes"", he said"', f'c1,"{large}"', "c2"]))
    assert [row.text for row in rows] == ['Well, "yes", he said', large.strip(), None]

"""Rows of CSV files."""
from __future__ import annotations

import pytest

from s3.s3error import S3DataError
from s3.s3import.rows import read_rows


@pytest.fixture
def read(tmp_path):
    def read(content):
        path = tmp_path / "file.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_rows(path)

    return read


def test_rows_know_their_lines_and_leave_out_what_is_empty(read):
    header, rows = read('name,body,# note,,code\n\n# a comment,x\nA,"two\nlines",n,x,1\n ,,,,\nB , c ,,,\n')

    assert header == ["name", "body", "code"]
    assert [(row.line, row.cells) for row in rows] == [
        (4, {"name": "A", "body": "two\nlines", "code": "1"}),
        (7, {"name": "B", "body": "c"}),
    ]


def test_semicolons_inside_cells_separate_nothing(read):
    header, rows = read("name,body; or note\nA;B,C;D\n")

    assert (header, rows[0].cells) == (["name", "body; or note"], {"name": "A;B", "body; or note": "C;D"})


def test_spreadsheets_write_a_mark_and_other_ends_of_line(read):
    header, rows = read("\ufeffname\r\n\u00dcmit\r\n")

    assert (header, rows[0].cells) == (["name"], {"name": "\u00dcmit"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no header"),
        ("\n\n", "no header"),
        ("name,name\nA,B\n", "line 1: there are two columns 'name'"),
        ("name\nA,B\n", "line 2: there are 2 cells for 1 columns"),
        ("name;body\nA;B\n", "line 1: columns are separated by commas, not by semicolons"),
        ("# made by a spreadsheet\nname;body\nA;B, C\n", "line 2: columns are separated by commas, not by semicolons"),
        ("name\tbody\nA\tB\n", "line 1: columns are separated by commas, not by tabs"),
        ('name\nA\n"B\nC\n', "line 3: "),
        ('name\n"A"B\n', "line 2: "),
        (b"name\nA\n\xff\n", "UTF-8"),
    ],
)
def test_what_is_no_table_is_said_with_its_line(read, content, message):
    with pytest.raises(S3DataError, match="file.csv.*") as caught:
        read(content)

    assert message in str(caught.value)

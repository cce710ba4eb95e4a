"""Files of every format and encoding are read as text; faults of a row cost the row, faults of a file name it."""

import csv
import gzip
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import SourceError
from digest.source import RefusedRow, Row, read_rows
from digest.source.delimited import read_delimited

ROWS = [{"id": "007", "title": '가나, "다"\n라', "n": "1.50"}, {"id": "8", "title": "", "n": "2"}]


def as_csv(rows, delimiter=","):
    file = io.StringIO()
    writer = csv.DictWriter(file, rows[0], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


CONTENTS = {
    "a.csv": as_csv(ROWS),
    "a.tsv": as_csv(ROWS, "\t"),
    "a.json": '[{"id":"007","title":"가나, \\"다\\"\\n라","n":1.50},\n {"id":8,"title":null,"n":2}]',
    "a.ndjson": '{"id":"007","title":"가나, \\"다\\"\\n라","n":1.50}\n\n{"id":8,"title":null,"n":2}\n',
    "a.jsonl": '{"id":"007","title":"가나, \\"다\\"\\n라","n":1.50}\r\n{"id":8,"title":null,"n":2}',
}


def read(path, options):
    return list(read_rows(path, options))


@pytest.mark.parametrize("name", [*CONTENTS, *(f"{name}.gz" for name in CONTENTS)])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
def test_every_format_reads_the_same_text(write, options, name, encoding):
    path = write(name, CONTENTS[name.removesuffix(".gz")], encoding)
    said = encoding if encoding in ("cp949", "utf-16") else None
    assert [row.values for row in read(path, options(encoding=said))] == ROWS


def test_the_format_can_be_said_where_the_name_does_not_tell(write, options):
    path = write("export.txt", CONTENTS["a.csv"])
    assert [row.values for row in read(path, options(format="csv"))] == ROWS


def test_one_column_named_email_is_one_column(write, options):
    rows = read(write("a.csv", "email\na@example.com\nb@example.com\n"), options())
    assert [row.values for row in rows] == [{"email": "a@example.com"}, {"email": "b@example.com"}]


def test_lines_are_the_physical_lines_on_which_rows_begin(write, options):
    csv_rows = read(write("a.csv", 'id,title\r\n1,"a\r\nb\r\nc"\r\n\r\n2,d\r\n3,"\r\n"\r\n4,e\r\n'), options())
    assert [(row.line, row.values["id"]) for row in csv_rows] == [(2, "1"), (6, "2"), (7, "3"), (9, "4")]
    json_rows = read(write("a.json", '\n[\n {"id":1,\n "t":2},\n\n {"id":3}, {"id":4}\n]\n'), options())
    assert [row.line for row in json_rows] == [3, 6, 6]
    assert [row.line for row in read(write("a.ndjson", '\n{"id":1}\n\n{"id":2}\n'), options())] == [2, 4]


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ("1,a\n2\n3,c\n", 3, "1 cells where the header has 2"),
        ("1,a\n2,b,x\n3,c\n", 3, "3 cells where the header has 2"),
        ('1,a\n2,"b\n3,c\n', 3, "quotes do not match"),
        ('1,a\n2,"b"x\n3,c\n', 3, "quotes do not match"),
        ('1,a\n2,"b\n3,"c"\n', 3, "quotes do not match"),
        ("1,a\n2,b\0\n3,c\n", 3, "NUL"),
        (b"1,a\n2,\xff\n3,c\n", 3, "not utf-8"),
        ("1,a\n2," + "x" * 140_000 + "\n3,c\n", 3, "longer than 131,072"),
    ],
)
def test_a_faulty_csv_row_is_refused_by_itself(write, options, content, line, reason):
    head = b"id,title\n"
    path = write("a.csv", head + (content if isinstance(content, bytes) else content.encode()))
    rows = read(path, options())
    (refused,) = (row for row in rows if isinstance(row, RefusedRow))
    assert refused.error.line == line
    assert reason in refused.error.reason
    assert [row.values["id"] for row in rows if isinstance(row, Row)] == ["1", "3"]


def test_a_refused_cell_is_named_by_its_column(write, options):
    (_, refused, _) = read(write("a.csv", b"id,title\n1,a\n2,\xff\n3,c\n"), options())
    assert refused.error.column == "title"
    assert refused.values["id"] == "2"


def test_a_tsv_whose_quotes_are_characters_keeps_its_rows(write, options):
    rows = read(write("a.tsv", 'id\ttitle\n1\t"최고" 기록\n2\t"열린 채\n3\t셋\n'), options())
    assert [row.values["title"] for row in rows] == ['"최고" 기록', '"열린 채', "셋"]


@pytest.mark.parametrize("line", ["{broken", '{"id":', "[1]", "7", '"x"', "null", "[" * 100_000])
def test_a_faulty_json_line_is_refused_by_itself(write, options, line):
    rows = read(write("a.ndjson", f'{{"id":"1"}}\n{line}\n{{"id":"3"}}\n'), options())
    assert [row.error.line for row in rows if isinstance(row, RefusedRow)] == [2]
    assert [row.values["id"] for row in rows if isinstance(row, Row)] == ["1", "3"]


def test_an_array_element_that_is_no_object_is_refused_by_itself(write, options):
    rows = read(write("a.json", '[{"id":1},\n7,\n[2],\n{"id":3}]'), options())
    assert [row.error.line for row in rows if isinstance(row, RefusedRow)] == [2, 3]


def test_json_numbers_keep_their_literal_text(write, options):
    (row,) = read(write("a.json", '[{"a":1.10,"b":12345678901234567890123,"c":1e5,"d":true,"e":NaN}]'), options())
    assert row.values == {"a": "1.10", "b": "12345678901234567890123", "c": "1e5", "d": "true", "e": "NaN"}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "empty"),
        ("a.txt", b"id\n1\n", "--format"),
        ("a", b"id\n1\n", "--format"),
        ("a.csv", b"id,title,id\n1,a,2\n", "twice"),
        ("a.csv", b'"id,title\n1,a\n', "header"),
        ("a.csv", "번호,제목\n1,가\n".encode("cp949"), "--encoding cp949"),
        ("a.csv", "id,title\n1,가\n2,나\n".encode("cp949"), "--encoding cp949"),
        ("a.ndjson", '{"id":1,"title":"가"}\n'.encode("cp949"), "--encoding cp949"),
        ("a.json", '[{"id":1,"title":"가"}]'.encode("cp949"), "--encoding cp949"),
        ("a.csv", "id,title\n1,가\n".encode("utf-16"), "--encoding utf-16"),
        ("a.csv", "id,title\n1,가\n".encode("utf-16-le"), "--encoding"),
        ("a.csv", b"PK\x03\x04xx", "save it as CSV"),
        ("a.csv", gzip.compress(b"id\n1\n", mtime=0), ".gz"),
        ("a.csv", b"SQLite format 3\0xx", "[source]"),
        ("a.json", b'{"id":1}', "array"),
        ("a.json", b'{"id":1}\n{"id":2}', ".ndjson"),
        ("a.json", b"", "array"),
        ("a.json", b'[{"id":1},', "line 1"),
        ("a.json", b'[{"id":1}\n', "comma"),
        ("a.json", b'[\n{"id":1}\n{"id":2}]', "comma"),
        ("a.json", b'[{"id":1}] x', "follows"),
        ("a.json", b"[] x", "follows"),
        ("a.json", b"[" * 100_000, "deep"),
    ],
)
def test_a_fault_of_the_whole_file_names_it_and_says_what_to_do(write, options, name, content, words):
    path = write(name, content)
    with pytest.raises(SourceError) as caught:
        read(path, options())
    assert str(caught.value).startswith(f"{path}: ")
    assert words in str(caught.value)


@pytest.mark.parametrize("content", ["id,title\n", "id,title"])
def test_a_file_without_rows_is_empty_and_no_fault(write, options, content):
    assert read(write("a.csv", content), options()) == []
    assert read(write("a.json", " [ ] "), options()) == []
    assert read(write("a.ndjson", "\n"), options()) == []


def test_a_missing_file_and_a_folder_are_said_to_be_so(tmp_path, options):
    with pytest.raises(SourceError, match="No such file"):
        read(tmp_path / "none.csv", options())
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(SourceError, match="directory"):
        read(tmp_path / "folder.csv", options())


@pytest.mark.parametrize("damage", ["cut", "checksum", "plain"])
def test_a_damaged_gzip_file_is_said_to_be_so(tmp_path, options, damage):
    whole = gzip.compress("".join(f"{number},{number * 7919 % 10007}\n" for number in range(5000)).encode())
    content = {"cut": whole[:-20], "checksum": whole[:-8] + b"12345678", "plain": b"id\n1\n"}[damage]
    path = tmp_path / "a.csv.gz"
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        read(path, options())
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("encoding", ["klingon", "rot13", "base64", ""])
def test_an_unknown_encoding_is_refused_in_words(write, options, encoding):
    path = write("a.csv", "id\n1\n")
    if encoding:
        with pytest.raises(SourceError, match="--encoding"):
            read(path, options(encoding=encoding))
    else:
        assert read(path, options(encoding=encoding))


def test_a_mapping_to_a_column_that_is_not_there_is_refused_in_words(write, options):
    with pytest.raises(SourceError, match=r"no column headlin; found: id, headline"):
        read(write("a.csv", "id,headline\n1,a\n"), options(mapping={"title": "headlin"}))


def test_a_reader_that_stops_early_leaves_no_file_open(write, options):
    """An open file would be a ResourceWarning, which is an error here."""
    rows = read_rows(write("a.csv", CONTENTS["a.csv"]), options())
    next(rows)
    rows.close()


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=8)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=8), st.sampled_from([",", "\t"]))
def test_whatever_csv_writes_is_read_back(pairs, delimiter):
    rows = [{"a": first, "b": second} for first, second in pairs]
    lines = io.StringIO(as_csv(rows, delimiter), newline="")
    _, read_back = read_delimited(lines, delimiter=delimiter, mapping={})
    assert [row.values for row in read_back] == rows


@given(st.text(alphabet='",\n\r\tab', max_size=60))
def test_no_csv_text_raises_for_a_row_and_lines_only_grow(text):
    _, rows = read_delimited(io.StringIO("a,b\n" + text, newline=""), delimiter=",", mapping={})
    lines = [row.line if isinstance(row, Row) else row.error.line for row in rows]
    assert lines == sorted(set(lines))


@given(st.lists(st.dictionaries(cells, st.none() | cells | st.integers() | st.lists(st.integers()))))
def test_whatever_json_writes_is_read_as_that_many_rows(objects):
    from digest.source.json_rows import read_json_array

    for indent in (None, 1):
        rows = list(read_json_array(json.dumps(objects, indent=indent), {}))
        assert [set(row.values) for row in rows] == [set(item) for item in objects]

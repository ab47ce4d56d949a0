from __future__ import annotations

import gzip
import io
import json
import os
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from long_form_writer import tables, write_folder
from reading import candidates, data, fault, samples

from screener.errors import InputError
from screener.intake import mapping
from screener.intake.detect import open_source, opened
from screener.intake.text import MAX_LINE

P, Q = '{"id": "P"}', '{"id": "Q"}'


def written(folder: Path, content: str | bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("key", ["resourceType", "\\u0072esourceType"])
def test_fhir_is_told_by_the_type_of_its_first_resource(tmp_path: Path, key: str) -> None:
    """However its name is written, and wherever else the word stands."""
    bundle = written(tmp_path, f'{{"{key}": "Bundle", "type": "collection", "entry": []}}')
    assert open_source(bundle).form == "FHIR bundles"
    record = written(tmp_path, f'{{"id": "P", "centre": "{key}"}}')
    assert open_source(record).form == "NDJSON"


@pytest.mark.parametrize(
    ("content", "form", "places"),
    [
        (f"{P}\n{Q}\n", "NDJSON", [{"line": 1}, {"line": 2}]),
        (f"\n \r\n{P}\r\n\n{Q}", "NDJSON", [{"line": 3}, {"line": 5}]),
        (P, "NDJSON", [{"line": 1}]),
        (f"{P}\nnot json\n{Q}", "NDJSON", [{"line": 1}, {"line": 2}, {"line": 3}]),
        (f"not json\n{Q}", "NDJSON", [{"line": 1}, {"line": 2}]),
        (f'{{"id": "P", }}\n{Q}', "NDJSON", [{"line": 1}, {"line": 2}]),
        (f"[{P}]", "JSON array", [{"index": 0}]),
        (f"\n[\n{P},\n{Q}]", "JSON array", [{"index": 0}, {"index": 1}]),
        ('{\n"id":\n"P"}\n', "JSON", [{"line": 1}]),
        ('{"id": "P",\n"labs": [\n]}', "JSON", [{"line": 1}]),
    ],
)
def test_json_is_told_apart_by_its_first_lines(
    tmp_path: Path, content: str, form: str, places: list[Any]
) -> None:
    path = written(tmp_path, content, "data.csv")  # the name does not count
    source = open_source(path)
    assert source.form == form
    assert [it.place for it in source.candidates()] == places
    assert source.position() == source.size == path.stat().st_size
    assert [it.place for it in source.candidates()] == places  # a second time
    source.close()


def test_one_object_on_several_lines_is_one_record(tmp_path: Path) -> None:
    (only,) = candidates(written(tmp_path, json.dumps(samples()[0], indent=2)))
    assert data(only) == samples()[0]
    assert only.where is not None
    assert only.where("line 1, column 5") == "line 2, column 3"
    assert only.where("labs[0].value") == ""


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b" \r\n\t", "holds only white space"),
        (gzip.compress(b"", mtime=0), "the file is empty"),
        (b"PK\x03\x04 no archive", "that is damaged or cut off"),
        (b"\xd0\xcf\x11\xe0....", "an old or a protected Excel"),
        (b"%PDF-1.7", "a PDF"),
        (b"\xfd7zXZ\x00...", "an xz archive"),
        (b"BZh9....", "a bzip2 archive"),
        (b"PAR1....PAR1", "the Parquet file is damaged or cut off"),
        (b"patient,age\nP,3\n", "`screen template --format mapping` prints one to fill in"),
        (b"hello", "none of the forms that are read without a mapping: NDJSON, a JSON array"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, content: bytes, says: str) -> None:
    assert says in fault(written(tmp_path, content))


def test_a_zip_archive_that_is_no_workbook(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr("patients.csv", "patient_id\n")
    assert "a ZIP archive; unpack it" in fault(path)


def test_a_file_or_folder_that_is_not_there(tmp_path: Path) -> None:
    written(tmp_path, P, "patients.ndjson")
    message = fault(tmp_path / "patient.ndjson")
    assert message == "there is no such file; similar names there: `patients.ndjson`"
    folder = tmp_path / "empty"
    folder.mkdir()
    assert "no file `patients.csv`" in fault(folder)


@pytest.mark.parametrize("content", [P, f"[{P}]", '{\n"id": "P"}', "PAR1"])
def test_a_mapping_is_refused_where_none_is_used(tmp_path: Path, content: str) -> None:
    path = written(tmp_path, content)
    assert "--mapping is for a CSV file" in fault(path, mapping.TEMPLATE)
    assert "this is a folder; leave it out" in fault(tmp_path, mapping.TEMPLATE)


def test_standard_input_is_kept_for_its_owner_and_removed(tmp_path: Path) -> None:
    stream = io.BytesIO(gzip.compress(f"{P}\n{Q}".encode()))
    with opened("-", scratch=tmp_path, stdin=stream) as found:
        source = found.source
        assert [data(it)["id"] for it in source.candidates()] == ["P", "Q"]
        (folder,) = tmp_path.iterdir()
        assert folder.stat().st_mode & 0o077 == 0
        assert [data(it)["id"] for it in source.candidates()] == ["P", "Q"]
    assert list(tmp_path.iterdir()) == []


def test_a_fault_of_standard_input_is_named_so() -> None:
    with (
        pytest.raises(InputError) as caught,
        opened("-", stdin=io.BytesIO(b"%PDF")),
    ):
        pass
    assert caught.value.source == "standard input"


def test_temporary_files_of_a_folder_are_removed(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    write_folder(tmp_path / "in", tables(samples()[:2]))
    with opened(str(tmp_path / "in"), scratch=scratch) as found:
        source = found.source
        assert len(list(source.candidates())) == 2
        (folder,) = scratch.iterdir()
        assert folder.stat().st_mode & 0o077 == 0
    assert list(scratch.iterdir()) == []


def test_a_line_longer_than_any_record_is_rejected_alone(tmp_path: Path) -> None:
    path = tmp_path / "long.ndjson"
    with path.open("wb") as file:
        file.write(P.encode() + b"\n" + b'{"id": "')
        file.seek(MAX_LINE, os.SEEK_CUR)
        file.write(b"\n" + Q.encode())
    first, long, last = candidates(path)
    assert long.text is None
    assert long.place == {"line": 2}
    assert "the line is longer than 64 MiB" in str(long.problems[0])
    assert len(long.raw) <= 1000
    assert (data(first)["id"], data(last)["id"]) == ("P", "Q")

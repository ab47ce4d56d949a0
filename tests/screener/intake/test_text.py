from __future__ import annotations

import codecs
import gzip
import io
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screener.errors import InputError
from screener.intake.text import BLOCK, TextFile, is_gb18030, lines

if sys.version_info >= (3, 14):
    from compression import zstd as compression
else:
    from backports import zstd as compression

JSON = '{"id": "P", "centre": "北京肿瘤医院", "drugs": ["达尔西利", "来曲唑"]}\n'
CHINESE = "姓名,性别,医院,药物\n甲,女,中国人民解放军总医院,来曲唑\n"


def content(path: Path) -> bytes:
    with TextFile(path).open() as stream:
        return io.BufferedReader(stream).read()


def written(folder: Path, raw: bytes) -> Path:
    path = folder / "file"
    path.write_bytes(raw)
    return path


def fault(folder: Path, raw: bytes) -> str:
    with pytest.raises(InputError) as caught:
        content(written(folder, raw))
    (problem,) = caught.value.problems
    return str(problem)


def zstd(raw: bytes) -> bytes:
    return compression.compress(raw, options={compression.CompressionParameter.checksum_flag: 1})


ENCODED = {
    "UTF-8": JSON.encode(),
    "UTF-8 with BOM": codecs.BOM_UTF8 + JSON.encode(),
    "UTF-16LE with BOM": codecs.BOM_UTF16_LE + JSON.encode("utf-16-le"),
    "UTF-16BE with BOM": codecs.BOM_UTF16_BE + JSON.encode("utf-16-be"),
    "UTF-16LE": JSON.encode("utf-16-le"),
    "UTF-16BE": JSON.encode("utf-16-be"),
    "GB18030": JSON.encode("gb18030"),
}


@pytest.mark.parametrize("raw", ENCODED.values(), ids=ENCODED)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd], ids=["plain", "gzip", "zstd"])
def test_every_encoding_and_compression_gives_the_same(tmp_path: Path, raw, pack) -> None:
    assert content(written(tmp_path, pack(raw))) == JSON.encode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"])
def test_a_table_is_read_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    assert content(written(tmp_path, CHINESE.encode(encoding))).decode() == CHINESE


@pytest.mark.parametrize("ahead", [BLOCK - 3, BLOCK - 2, BLOCK - 1, BLOCK, 3 * BLOCK + 1])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_characters_may_stand_anywhere_between_blocks(
    tmp_path: Path, ahead: int, encoding: str
) -> None:
    text = "x" * ahead + "病人\n" * 50_000 + "𠀀é" * 3
    assert content(written(tmp_path, text.encode(encoding))) == text.encode()


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=200))
def test_any_text_in_utf8_comes_out_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = written(tmp_path_factory.mktemp("text"), b"{" + text.encode())
    assert content(path) == b"{" + text.encode()


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b'{"id": "a"}\n{"id": "Gen\xe8ve"}\n', "line 2, byte 12: not UTF-8 from here on"),
        (b"\xef\xbb\xbf{\n\xff}", "line 2, byte 1: not UTF-8"),
        ('{"a": "北'.encode()[:-1], "line 1, byte 8: the file ends within a character"),
        ("x".encode("utf-32"), "this is UTF-32 text"),
        (codecs.BOM_UTF16_LE + b"{\x00\x00\xd8a\x00", "not UTF-16LE from here on"),
        (codecs.BOM_UTF16_LE + b"{\x00\x00", "not UTF-16LE from here on"),
        (gzip.compress(JSON.encode() * 500, mtime=0)[:-30], "the gzip data end too early"),
        (gzip.compress(JSON.encode(), mtime=0)[:12], "the gzip data end too early"),
        (zstd(JSON.encode() * 500)[:-10], "the zstd data end too early"),
        (gzip.compress(JSON.encode(), mtime=0)[:-8] + b"12345678", "the gzip data are damaged"),
        (zstd(JSON.encode())[:-4] + b"1234", "the zstd data are damaged"),
    ],
)
def test_what_is_damaged_is_told_with_its_place(tmp_path: Path, raw: bytes, says: str) -> None:
    assert says in fault(tmp_path, raw)


def test_a_fault_far_into_the_file_has_the_right_line(tmp_path: Path) -> None:
    raw = "病,\n".encode() * 1_000_000 + b"ab\xff"
    assert fault(tmp_path, raw).startswith("line 1000001, byte 3:")


@pytest.mark.parametrize(
    "text",
    [
        "crééé", "Genève", "Müller, Größe", "ÄÖÜ", "naïveté, déjà vu, créée", "señor", "Ærø",
    ],
)  # fmt: skip
def test_western_text_is_never_taken_for_chinese(tmp_path: Path, text: str) -> None:
    raw = f'{{"centre": "{text}"}}'.encode("latin-1")
    assert "not UTF-8 from here on, and not GB18030" in fault(tmp_path, raw)


@pytest.mark.parametrize("text", ["Привет, как дела", "больница"])
def test_nor_is_cyrillic(text: str) -> None:
    assert not is_gb18030(text.encode("cp1251"))


@pytest.mark.parametrize("text", ["北", "来曲唑，每日一次（口服）", "女", "患者无过敏史。"])
def test_short_chinese_is_recognised(text: str) -> None:
    assert is_gb18030(text.encode("gb18030"))


def test_a_text_that_was_valid_utf8_is_not_called_gb18030_later(tmp_path: Path) -> None:
    raw = ("é" * 70_000 + "\n").encode() + "北京医院".encode("gb18030")
    assert fault(tmp_path, raw).startswith("line 2, byte 1: not UTF-8")


def test_lines_are_numbered_and_kept_whole_across_blocks(tmp_path: Path) -> None:
    texts = ["a" * (BLOCK - 1), "", "b" * (2 * BLOCK + 5), "c\r", "d"]
    path = written(tmp_path, "\n".join(texts).encode())
    with TextFile(path).open() as stream:
        found = list(lines(stream))
    assert found == [(number, text.encode()) for number, text in enumerate(texts, 1)]


@pytest.mark.parametrize("length", [9, 10, 11, 3 * BLOCK])
def test_a_line_over_the_limit_is_cut_one_byte_after_it(tmp_path: Path, length: int) -> None:
    path = written(tmp_path, b"x" * length + b"\ny\n")
    with TextFile(path).open() as stream:
        assert list(lines(stream, 10)) == [(1, b"x" * min(length, 11)), (2, b"y")]


def test_a_bomb_takes_no_more_memory_than_a_line_may(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(300):
            file.write(bytes(BLOCK))
    tracemalloc.start()
    with TextFile(path).open() as stream:
        total = sum(len(line) for _, line in lines(stream, 8 * BLOCK))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 8 * BLOCK + 1
    assert peak < 40 * BLOCK


def test_the_position_follows_the_file_on_disk(tmp_path: Path) -> None:
    path = written(tmp_path, JSON.encode() * 100_000)
    file = TextFile(path)
    with file.open() as stream:
        stream.block()
        assert 0 < stream.position() < file.size
        while stream.block():
            pass
        assert stream.position() == file.size
    assert stream.position() == 0

"""From the bytes of a file to its text in UTF-8: compressed files, and the encodings that can be told."""

import codecs
import lzma
import re
import zipfile
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from tuner.errors import UserError, listed
from tuner.spec.sections import Reading

HEAD_BYTES = 1 << 20
SAVE = "save it as CSV in UTF-8, or as Parquet with a name in .parquet"
NEEDED = "a data file names its columns on its first line, and holds one row a time below it"
_ARROW = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4"}
_OTHER = {
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"\x93NUMPY": "a NumPy array",
    b"\x89HDF": "an HDF5 file",
    b"SQLite format 3": "an SQLite database",
    b"ARROW1": "an Arrow file",
    b"ORC": "an ORC file",
    b"%PDF": "a PDF document",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    **dict.fromkeys((b"{", b"[{"), "a JSON file"),
    **dict.fromkeys((b"<!", b"<?xml", b"<html"), "an HTML or XML file"),
}
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True)
class Text:
    """Text in UTF-8: a file as it is, or what came out of it.

    Attributes:
        source: where the bytes are.
        start: the first of them, after a byte order mark.
        size: of the whole.
        note: how it was decoded, empty if it says so itself.
    """

    source: Path | bytes
    start: int
    size: int
    note: str = ""

    def read(self, start: int, size: int) -> bytes:
        with self.stream(start, start + size) as stream:
            return bytes(stream.read())

    def stream(self, start: int, stop: int) -> Any:  # noqa: ANN401 (pyarrow has no types)
        """The bytes from `start` to `stop`, to be read by pyarrow; closed by its user."""
        whole = pa.BufferReader(self.source) if isinstance(self.source, bytes) else pa.OSFile(str(self.source))
        return whole.get_stream(start, max(0, min(stop, self.size) - start))


def read_text(path: Path, told: Reading, where: str) -> Text:
    """The text of a file.

    Raises:
        UserError: it cannot be read, is empty, damaged, no text, or in an encoding that does not tell by itself.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    content = _decompressed(path, head, where)
    head = head if content is None else content[:HEAD_BYTES]
    if not head.strip():
        raise UserError("the file is empty", where=where, hint=NEEDED)
    if known := next((name for sign, name in _OTHER.items() if head.lstrip().startswith(sign)), None):
        raise UserError(f"this is {known}", where=where, hint=SAVE)
    encoding = told.encoding or next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
    encoding = encoding or _wide(head)
    if encoding is None and b"\0" in head:
        raise UserError("this is not a text file", where=where, hint=SAVE)
    size = path.stat().st_size if content is None else len(content)
    if encoding is None:
        encoding = _guessed(path, content, where)
        if encoding is None:
            start = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
            return Text(path if content is None else content, start, size)
    return _decoded(path.read_bytes() if content is None else content, encoding, where)


def _decompressed(path: Path, head: bytes, where: str) -> bytes | None:
    """What a compressed file holds; None if it is not compressed."""
    kind = next((name for sign, name in _ARROW.items() if head.startswith(sign)), None)
    try:
        if kind:
            with pa.OSFile(str(path)) as file, pa.CompressedInputStream(file, kind) as stream:
                return bytes(stream.read())
        if head.startswith(b"\xfd7zXZ\0"):
            return lzma.decompress(path.read_bytes())
        return _only_member(path, where) if head.startswith(b"PK\x03\x04") else None
    except (OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile, RuntimeError) as error:
        what = f"the compressed file is damaged or protected: {error}"
        raise UserError(what, where=where, hint="compress it anew, or save it as it is") from None


def _only_member(path: Path, where: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not re.search(r"/$|^__MACOSX|(^|/)\.", name)]
        for sign, what in (("xl/", "an Excel workbook"), ("content.xml", "a spreadsheet"), (".npy", "NumPy arrays")):
            if any(name.startswith(sign) or name.endswith(sign) for name in names):
                raise UserError(f"this is {what}", where=where, hint=SAVE)
        if len(names) != 1:
            what = f"the archive holds several files: {listed(names)}" if names else "the archive is empty"
            raise UserError(what, where=where, hint="unpack it, and name one of its files, or several by a pattern")
        return archive.read(names[0])


def _wide(head: bytes) -> str | None:
    """UTF-16 without a byte order mark: every other byte of text in Latin letters and digits is zero."""
    even, odd = head[0::2], head[1::2]
    if not even or not odd:
        return None
    shares = even.count(0) / len(even), odd.count(0) / len(odd)
    if min(shares) > 0.05 or max(shares) < 0.6:
        return None
    return "utf-16-le" if shares[1] > shares[0] else "utf-16-be"


def _guessed(path: Path, content: bytes | None, where: str) -> str | None:
    """The encoding of a text: None of UTF-8, else of one with single Latin letters or signs in its first line only.

    Raises:
        UserError: there is more than that to read, and so more than one way.
    """
    decoder, line, fault, plain = codecs.getincrementaldecoder("utf-8")(), 0, 0, True
    with BytesIO(content) if content is not None else path.open("rb") as file:
        first = file.readline()
        for block in chain([first], iter(lambda: file.read(HEAD_BYTES), b"")):
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                fault = fault or line + 1 + error.object[: error.start].count(b"\n")
                decoder.reset()
            line += block.count(b"\n")
            plain = plain and (block is first or block.isascii())
    if not fault:
        return None
    if plain and re.fullmatch(rb"(?:[\x00-\x7f]|(?<![\x80-\xff])[\xb0\xb2\xb3\xb5\xc0-\xff])*", first):
        return "cp1252"
    raise UserError(
        "this is not UTF-8 text",
        where=f"{where}:{fault}",
        hint='name its encoding as `[data] encoding`, such as "cp1252", "gb18030" or "shift_jis", or save it in UTF-8',
    )


def _decoded(content: bytes, encoding: str, where: str) -> Text:
    try:
        text = codecs.lookup(encoding).decode(content)[0].removeprefix("\ufeff").encode()
    except LookupError:
        what = f"there is no encoding `{encoding}`"
        raise UserError(what, where=where, hint='such as "cp1252", "utf-16" or "gb18030"') from None
    except UnicodeError as error:
        line = content[: getattr(error, "start", 0)].count(b"\n") + 1
        what = f"this is not {encoding} text"
        raise UserError(what, where=f"{where}:{line}", hint="name another `[data] encoding`") from None
    return Text(text, 0, len(text), f"Read as {encoding} text.")

"""One look at a file before the engine reads it: is it whole, which encoding, which delimiter, which columns.

DuckDB reads the rows (``raw.py``); here is what it would not tell, or would tell late: truncated archives, foreign encodings,
a wrong delimiter, an empty file.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from pipelines.errors import DataError

CHUNK = 1 << 22
DELIMITERS = (",", "\t", ";", "|")
LONGEST_HEADER = 1 << 20
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class Profile:
    """What one pass over a CSV file's bytes tells.

    Attributes
    ----------
    zipped : bool
        By its first bytes, whatever its name says.
    encoding : str
        ``utf-8``, ``utf-8-sig``, ``utf-16`` or ``gb18030``. What is in none of them counts as
        ``utf-8``: its bad rows are rejected one by one.
    mixed : bool
        Both kinds of line end occur.
    gaps : bool
        Empty lines may occur, or a field holds some.
    """

    zipped: bool
    encoding: str
    mixed: bool
    gaps: bool = False

    @property
    def plain(self) -> bool:
        """True where the engine can read the bytes as they are."""
        return self.encoding.startswith("utf-8") and not self.mixed


def profile(path: Path, encoding: str = "auto") -> Profile:
    """Read the whole file once.

    Raises
    ------
    DataError
        If the file is missing, empty or a damaged archive, or is not in the declared encoding.
    """
    zipped = _zipped(path)
    first, crlf, lf, gaps = b"", 0, 0, False
    decoders = {name: codecs.getincrementaldecoder(name)() for name in (["utf-8", "gb18030"] if encoding == "auto" else [encoding])}
    for chunk in _chunks(path, zipped):
        first = first or chunk[:4]
        crlf, lf = crlf + chunk.count(b"\r\n"), lf + chunk.count(b"\n")
        gaps = gaps or b"\n\n" in chunk or b"\n\r\n" in chunk
        decoders = dict(_still_valid(decoders, chunk))
    if not first:
        raise DataError("the file is empty", path.name, "ask for the file again; a delivery without rows still has its header line")
    return Profile(zipped, _encoding(path, first, list(decoders), encoding), 0 < crlf < lf, gaps)


def _zipped(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(2) == b"\x1f\x8b"
    except OSError as error:
        raise DataError(f"the file cannot be opened ({error.strerror})", path.name, "check the path and its permissions") from error


def _chunks(path: Path, zipped: bool) -> Iterator[bytes]:
    try:
        with _opened(path, zipped) as stream:
            yield from iter(lambda: stream.read(CHUNK), b"")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError("the gzip archive is damaged or cut short", path.name, "ask for the file again, with its size or digest") from error


def _opened(path: Path, zipped: bool) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb")) if zipped else path.open("rb")


def _still_valid(decoders: dict[str, codecs.IncrementalDecoder], chunk: bytes) -> Iterator[tuple[str, codecs.IncrementalDecoder]]:
    """Decoders that could decode this chunk too; the first that still can is enough, so others are tried only beside it at equal cost."""
    for name, decoder in decoders.items():
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            continue
        yield name, decoder


def _encoding(path: Path, first: bytes, valid: list[str], declared: str) -> str:
    for mark, name in _BOMS:
        if first.startswith(mark):
            return name
    if not valid and declared != "auto" and declared != "utf-8":
        raise DataError(
            f"the file is not in the declared encoding {declared}",
            path.name,
            "set 'encoding: auto' in the mapping, or ask for the file again",
        )
    return valid[0] if valid else "utf-8"


def transcode(path: Path, seen: Profile, target: Path, drop_gaps: bool = False) -> None:
    """Write the file beside as plain UTF-8 with one kind of line end, streaming; ``drop_gaps`` leaves out empty lines between rows.

    Raises
    ------
    DataError
        If bytes turn up that the encoding does not know.
    """
    errors = "surrogateescape" if seen.encoding.startswith("utf-8") else "strict"
    with _opened(path, seen.zipped) as source, target.open("w", encoding="utf-8", errors=errors, newline="\n") as sink:
        text = io.TextIOWrapper(source, encoding=seen.encoding, errors=errors, newline=None)
        try:
            sink.writelines(_without_gaps(text) if drop_gaps else iter(lambda: text.read(CHUNK), ""))
        except UnicodeDecodeError as error:
            raise DataError(f"the file is not in {seen.encoding} to its end", path.name, "ask for the file again") from error


def _without_gaps(lines: Iterable[str]) -> Iterator[str]:
    """Lines but the empty ones outside quotes: the CSV reader skips those, yet counts them when it numbers a line it cannot read."""
    quoted = False
    for line in lines:
        if quoted or line != "\n":
            yield line
        quoted ^= line.count('"') % 2 == 1


def header(path: Path, seen: Profile, delimiter: str, wanted: Iterable[str]) -> tuple[str, list[str]]:
    """The delimiter and the column names of the first line.

    Parameters
    ----------
    path, seen
        The file and its profile.
    delimiter : str
        One character, or ``auto``: the one that finds most of the ``wanted`` columns.
    wanted : iterable of str
        Source columns that the mapping reads.

    Raises
    ------
    DataError
        If a declared delimiter finds none of the wanted columns but another one would; the message shows the header seen.
    """
    line = _first_line(path, seen)
    names = set(wanted)
    split = {d: _split(line, d) for d in dict.fromkeys((*(() if delimiter == "auto" else (delimiter,)), *DELIMITERS))}
    found = {d: (len(names & set(cells)), len(cells)) for d, cells in split.items()}
    best = max(found, key=lambda d: found[d])
    if delimiter == "auto":
        return best, split[best]
    if names and not found[delimiter][0] and found[best][0]:
        seen_header = ", ".join(repr(c) for c in split[delimiter][:3])
        raise DataError(
            f"wrong delimiter: with {delimiter!r} the header reads {seen_header[:200]}",
            path.name,
            f"set 'delimiter: {best!r}' in the mapping, or 'auto'",
        )
    return delimiter, split[delimiter]


def _first_line(path: Path, seen: Profile) -> str:
    with _opened(path, seen.zipped) as source:
        text = io.TextIOWrapper(source, encoding=seen.encoding, errors="replace", newline=None)
        return text.readline(LONGEST_HEADER).rstrip("\n")


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return [c.strip() for c in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return [line]

"""Stored forests: the same forest is the same bytes, so that a model's digest says what was learnt and not when."""

from __future__ import annotations

import io
import re
import zipfile

import numpy as np


def settled(archive: bytes) -> bytes:
    """A skops archive without the hour, places in memory and idle bytes that are written into it: the same forest is the same bytes."""
    with zipfile.ZipFile(io.BytesIO(archive)) as old:
        held = {entry: old.read(entry) for entry in old.namelist()}
    schema = held["schema.json"].decode("utf-8")
    found = dict.fromkeys(re.findall(r'(?:"__id__": |"file": ")(\d+)', schema))
    places = {place: str(i) for i, place in enumerate(found)}
    plain = re.sub(r'("__id__": |"file": ")(\d+)', lambda m: m[1] + places[m[2]], schema)
    named = {re.sub(r"^\d+", lambda m: places[m[0]], entry): _filled(entry, body) for entry, body in held.items()}
    named["schema.json"] = plain.encode("utf-8")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in sorted(named):
            new.writestr(zipfile.ZipInfo(entry, date_time=(1980, 1, 1, 0, 0, 0)), named[entry], zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _filled(entry: str, body: bytes) -> bytes:
    """An array whose records have gaps between their fields holds whatever lay there: zeros instead."""
    array = np.load(io.BytesIO(body), allow_pickle=False) if entry.endswith(".npy") else None
    if array is None or not array.dtype.names:
        return body
    clean, made = np.zeros(array.shape, array.dtype), io.BytesIO()
    for name in array.dtype.names:
        clean[name] = array[name]
    np.save(made, clean, allow_pickle=False)
    return made.getvalue()

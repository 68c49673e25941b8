"""What a caller states of new policies or claims; whatever it leaves out is drawn as for an honest one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


class Spec:
    """One row per policy or claim to be made.

    Parameters
    ----------
    columns : DataFrame or mapping of str to array
        Columns of one length; scalars are broadcast. Nulls are -1 for integers, ``nan``, ``NaT`` and None.
    """

    def __init__(self, columns: pd.DataFrame | Mapping[str, Any]) -> None:
        given = {str(k): _array(v) for k, v in columns.items()}
        self.n = max((len(v) for v in given.values() if v.ndim), default=1)
        self._given = {k: v if v.ndim else np.full(self.n, v) for k, v in given.items()}
        self._read: set[str] = set()

    def need(self, name: str) -> NDArray[Any]:
        """A column that must be given; KeyError otherwise."""
        self._read.add(name)
        return self._given[name]

    def get(self, name: str, drawn: Any) -> NDArray[Any]:
        """The column where it is given and not null, else ``drawn`` (array or scalar)."""
        self._read.add(name)
        if name not in self._given:
            return np.broadcast_to(np.asarray(drawn), self.n)
        return np.where(_null(self._given[name]), drawn, self._given[name])

    def stated(self, name: str) -> bool:
        """True if the caller gave this column at all."""
        self._read.add(name)
        return name in self._given

    def with_columns(self, **columns: Any) -> Spec:
        """The same spec with further columns."""
        return self._share_reads(Spec({**self._given, **columns}))

    def where(self, mask: NDArray[np.bool_]) -> Spec:
        """The rows of a mask."""
        part = Spec({k: v[mask] for k, v in self._given.items()})
        part.n = int(mask.sum())
        return self._share_reads(part)

    def _share_reads(self, part: Spec) -> Spec:
        part._read = self._read
        return part

    def done(self) -> None:
        """Check that every given column was read, so that a misspelt one is not silently drawn.

        Raises
        ------
        KeyError
            Naming the columns nobody read.
        """
        if unread := set(self._given) - self._read:
            raise KeyError(f"a spec has no columns {sorted(unread)}")


def _array(value: Any) -> NDArray[Any]:
    array = np.asarray(value)
    return array.astype("object") if array.dtype.kind in "UT" else array


def _null(values: NDArray[Any]) -> NDArray[np.bool_]:
    if values.dtype.kind in "iu":
        return values < 0
    return np.asarray(pd.isna(values))

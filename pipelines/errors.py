"""One tree of errors. Each says what, where and what next, carries its exit code, and never holds personal data."""

from __future__ import annotations


class FraudleadsError(Exception):
    """Base of all expected failures.

    Parameters
    ----------
    what : str
        What is wrong.
    where : str
        File, table, row or setting.
    then : str
        What to do next.
    """

    exit_code = 70

    def __init__(self, what: str, where: str = "", then: str = "") -> None:
        self.what, self.where, self.then = what, where, then
        parts = [what, f"  where: {where}" if where else "", f"  next:  {then}" if then else ""]
        super().__init__("\n".join(p for p in parts if p))


class UsageError(FraudleadsError):
    """Bad command line or configuration."""

    exit_code = 2


class DataError(FraudleadsError):
    """A file, mapping or table that cannot be used."""

    exit_code = 3


class RefusedNight(FraudleadsError):
    """A delivery marked ``required`` failed; nothing was published and the last good output stays."""

    exit_code = 4


class LockedError(FraudleadsError):
    """Another run holds the workspace."""

    exit_code = 5

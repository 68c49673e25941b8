"""ICD-10 codes: chapters, and the groups of diagnoses that red flags treat alike."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

# Upper bound (three characters, inclusive) of each ICD-10 chapter, in order: WHO ICD-10 2019, volume 1.
CHAPTERS = (
    ("B99", "A-B"), ("D48", "C-D4"), ("D89", "D5-D8"), ("E90", "E"), ("F99", "F"), ("G99", "G"), ("H59", "H0-H5"), ("H95", "H6-H9"),
    ("I99", "I"), ("J99", "J"), ("K93", "K"), ("L99", "L"), ("M99", "M"), ("N99", "N"), ("O99", "O"), ("P96", "P"), ("Q99", "Q"),
    ("R99", "R"), ("T98", "S-T"), ("Y98", "V-Y"), ("Z99", "Z"),
)  # fmt: skip

EXTERNAL = ("S-T", "V-Y")
"""Injuries and their causes: no waiting period and no health disclosure applies to them."""

ACUTE = ("A-B", "O", "P", "R", "S-T", "V-Y", "Z")
"""Chapters whose return says nothing of an older illness."""

LASTING = ("C-D4", "D5-D8", "E", "F", "G", "I", "N")
"""Chapters whose illnesses, once there, stay."""


def chapter(code: ir.StringValue) -> ir.StringValue:
    """ICD-10 chapter of a code as a letter range (``"S-T"``); other systems give ``"9:"`` and two digits; null for null."""
    category = code.upper().substr(0, 3)
    ranges = [(category <= upper, name) for upper, name in CHAPTERS]
    other = ~category.re_search("^[A-Z]")
    return ibis.cases((category.isnull(), ibis.null("string")), (other, ibis.literal("9:") + category.substr(0, 2)), *ranges, else_="U")


def serial_treatment(code: ir.StringValue) -> ir.BooleanValue:
    """True for illnesses whose treatment is a planned series of short stays: chemotherapy, radiotherapy, dialysis."""
    return code.upper().re_search("^(C|D0|Z49|Z51|N18|N19)")


def acute_respiratory(code: ir.StringValue) -> ir.BooleanValue:
    """True for acute infections of the airways (J00-J22), which come and go."""
    return code.upper().re_search("^J([01]|2[0-2])")


def illness(code: ir.StringValue) -> ir.StringValue:
    """What a lasting illness is recognised by: the chapter for tumours, blood, metabolism, mind, nerves, heart and kidneys, the
    three-character category elsewhere; null for what comes and goes (``ACUTE``, acute infections of the airways).
    """
    of, category = chapter(code), code.upper().substr(0, 3)
    passing = of.isin(ACUTE) | acute_respiratory(code)
    return ibis.cases((passing, ibis.null("string")), (of.isin(LASTING), of), else_=category)

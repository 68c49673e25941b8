"""Synthetic books with planted schemes, honest look-alikes and a truth that no stage reads.

Order of work: ``world`` (districts, organisations, people) → honest policies and claims → ``schemes.plant`` → dirty identities →
``deliver``. Everything is written into one ``book.BookBuilder``; honest claims and planted ones come out of the same functions.
Each takes a **spec**, a DataFrame with one row per policy or claim: what is given is used, what is missing (or null: ``NONE``,
``NaT``, ``nan``) is drawn as for an honest one, so a scheme states only what makes it a scheme.

- ``people.draw(book, stream, n, **columns) -> actors``: new persons (district, household ... as columns of ``ACTOR_COLUMNS``).
- ``world.local(book, kind).pick(rng, districts) -> actors``: hospitals, garages, lawyers, appraisers, proxies, employers, shops of a
  district by their weights; ``world.agents(book)`` and ``world.assessors(book)`` by ``insurer * 38 + district``,
  ``world.doctors(book)`` by hospital.
- ``policies.issue(book, line, spec) -> policy ids``. Needs ``insurer`` (index), ``holder`` (actor). May have insured, beneficiary,
  agent (actors), channel, group (id), starts, issued, term_days, waiting_days, product, premium, sum_insured, daily_benefit,
  deductible, commission, bonus, renewal_of (id), gift, compulsory, co_insurance (id), status, device (number), unpaid (bool),
  payer (account that pays the premium).
- ``vehicles.register(book, owners, insurers) -> object ids``; the same car at another insurer: ``vehicles.known(book, object ids,
  insurers)``; ``vehicles.lots(book, insurers, **columns)``: livestock and other objects.
- ``stays.claim(book, spec) -> claim ids`` (health and accident). Needs ``policy`` (id), ``person`` (actor). May have admitted, days,
  hospital, doctor, diagnosis, amount, bill, pooled_share, other_payer, split_note, treated (share of days with treatment items),
  invoice (number), event (time), police (number),
  reported, reporter (actor), second (id of another policy of the person that the same stay is honestly claimed on).
- ``motor.claim(book, spec)``. Needs ``policy``, ``owner`` (actor), ``vehicle`` (object id). May have event (time), driver, garage,
  assessor, reporter, third, passenger1, passenger2, passenger3, lawyer, appraiser, proxy, hospital (actors), third_vehicle (object id),
  police (number), district, amount, estimate, fault, reported, injured (bool), alone (bool: no third
  party), bare (bool: neither garage nor hospital on file), second (the other cover, compulsory or commercial).
- ``losses.claim(book, line, spec)`` for the other lines. Needs ``policy``, ``person``. May have event, amount, hospital, doctor,
  diagnosis, object, reporter, employer (actors), reported, photo (number), shop (actor), returned (days after receipt).
- Every claim's spec may have agent, payee (actors), payee_account, reporter_phone, place (numbers), narrative, refused (bool), closed,
  and ``truth``: an int from ``book.new_events`` for claims of one true event.
"""

from __future__ import annotations

from pathlib import Path

INSURERS = ("jialing", "bayu", "jinfo", "simian", "wulong", "diaoyu")
"""Made-up insurers, after places; small books have the first two, big ones up to all six."""


def simulate(claims: int, seed: int, out: Path, fmt: str = "csv", nights: int = 5) -> dict[str, int]:
    """Write a synthetic book.

    Parameters
    ----------
    claims : int
        About how many claims.
    seed : int
        The same seed and size give the same bytes.
    out : Path
        Directory that gets ``deliveries/`` and ``truth/``; made if missing.
    fmt : str
        ``csv`` (gzipped) or ``parquet`` for big books.
    nights : int
        Deliveries that follow the one with the history.

    Returns
    -------
    dict of str to int
        Rows delivered by table; every version of a row counts.

    Raises
    ------
    UsageError
        If the format or a number is impossible.
    """
    from pipelines.simulate import claims as honest
    from pipelines.simulate import deliver, people, schemes, selling, service, world
    from pipelines.simulate.book import BookBuilder

    _check(claims, fmt, nights)
    book = BookBuilder(seed, claims, INSURERS[: 2 if claims < 50_000 else 4 if claims < 2_000_000 else 6])
    world.build(book)
    people.populate(book)
    honest.happen(book, selling.sell(book))
    service.happen(book)
    schemes.plant(book, book.rng("schemes"))
    service.headcounts(book)
    return deliver.Delivery(book, out, fmt, nights).write()


def _check(claims: int, fmt: str, nights: int) -> None:
    from pipelines.errors import UsageError

    if claims < 1000:
        raise UsageError("a book needs at least 1,000 claims for its schemes", f"--claims {claims}", "give a larger number")
    if fmt not in ("csv", "parquet"):
        raise UsageError(f"unknown format '{fmt}'", "--format", "csv or parquet")
    if not 0 <= nights <= 60:
        raise UsageError("impossible number of nights", str(nights), "0 to 60")

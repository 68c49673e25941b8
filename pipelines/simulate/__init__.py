"""Synthetic books with planted schemes, honest look-alikes and a truth that no stage reads.

Order of work: ``world`` (districts, organisations, people) → honest policies and claims → ``schemes.plant`` → dirty identities →
``deliver``. Everything is written into one ``book.BookBuilder``; honest claims and planted ones come out of the same functions.
Each takes a **spec**, a DataFrame with one row per policy or claim: what is given is used, what is missing (or null: ``NONE``,
``NaT``, ``nan``) is drawn as for an honest one, so a scheme states only what makes it a scheme.

- ``people.draw(book, stream, n, **columns) -> actors``: new persons (district, household, ... as columns of ``ACTOR_COLUMNS``).
- ``world.local(book, kind).pick(rng, districts) -> actors``: hospitals, garages, assessors, lawyers, appraisers, proxies, employers,
  shops of a district by their weights; ``world.agents(book).pick(rng, insurer * 38 + district)``, ``world.doctors(book).pick(rng, hospitals)``.
- ``policies.issue(book, line, spec) -> policy ids``. Needs ``insurer`` (index), ``holder`` (actor). May have insured, beneficiary,
  agent (actors), channel, group (id), starts, issued, term_days, waiting_days, product, premium, sum_insured, daily_benefit,
  commission, bonus, renewal_of (id), gift, compulsory, co_insurance (id), status, device (number), payer (account that pays the premium), unpaid (bool).
- ``vehicles.register(book, owners, insurers) -> object ids``; the same car at another insurer: ``vehicles.known(book, object ids, insurers)``; ``vehicles.lots(book, insurers, **columns)``.
- ``stays.claim(book, spec) -> claim ids`` (health and accident). Needs ``policy`` (id), ``person`` (actor). May have admitted, days,
  hospital, doctor, diagnosis, amount, treated (share of days with treatment items), invoice (number), pooled_share, reported, payee, reporter (actors),
  payee_account, reporter_phone (numbers), agent (actor), narrative, refused.
- ``motor.claim(book, spec)``. Needs ``policy``, ``owner`` (actor), ``vehicle`` (object id). May have event (time), driver, garage, assessor,
  reporter, third, third_owner, passenger1..3 (actors), third_vehicle (object id), place, police, reporter_phone, payee_account (numbers), amount, fault, reported, injured (bool),
  lawyer, appraiser, proxy, payee, hospital (actors), narrative.
- ``losses.claim(book, line, spec)`` for the other lines. Needs ``policy``, ``person``. May have event, amount, hospital, doctor, diagnosis,
  object, payee, reporter, employer (actors), payee_account, reporter_phone, reported, narrative.

A claim's ``event`` in the truth: pass ``truth`` (int from ``book.new_events``) in any spec for claims of one true event.
"""

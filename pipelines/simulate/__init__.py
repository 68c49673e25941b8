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
  invoice (number), reported, reporter (actor), second (id of another policy of the person that the same stay is honestly claimed on).
- ``motor.claim(book, spec)``. Needs ``policy``, ``owner`` (actor), ``vehicle`` (object id). May have event (time), driver, garage,
  assessor, reporter, third, passenger1, passenger2, passenger3, lawyer, appraiser, proxy, hospital (actors), third_vehicle (object id),
  police (number), district, amount, estimate, fault, reported, injured and alone (bool: no third party), second (the other cover, compulsory or commercial).
- ``losses.claim(book, line, spec)`` for the other lines. Needs ``policy``, ``person``. May have event, amount, hospital, doctor,
  diagnosis, object, reporter, employer (actors), reported, photo (number), shop (actor), returned (days after receipt).
- Every claim's spec may have agent, payee (actors), payee_account, reporter_phone, place (numbers), narrative, refused (bool), closed,
  and ``truth``: an int from ``book.new_events`` for claims of one true event.
"""

"""The figures in the documents, written from the measured JSON and never by hand.

A document has one block between ``<!-- figures -->`` and ``<!-- /figures -->``; both commands rewrite it after measuring, and
``python -m benchmarks.figures`` does so from the JSON that is there.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from benchmarks import learning, learnt, left_out, played, predicted
from benchmarks.linking import night_after
from benchmarks.tables import table

DOCS = Path(__file__).resolve().parents[1] / "docs"
BLOCK = re.compile(r"(<!-- figures -->\n).*?(<!-- /figures -->)", re.DOTALL)
ASKED = {
    "precision_50": ("precision in the first 50 cases", "≥ .6"),
    "schemes_100": ("schemes (of 16) found within the first 100", "≥ 10"),
    "lookalikes_100": ("share of look-alikes in the first 100", "≤ .2"),
    "times_baseline": ("times the hits of the better plain sorting", "≥ 3"),
}
"""Figure → what it is called, what was asked for."""
RESOLVING = {
    "persons_precision": ("persons: precision of pairs of records", "≥ .99"),
    "persons_recall": ("persons: recall of pairs of records", "≥ .93"),
    "persons_mixed_more": ("entities that mix more than two persons", "0"),
    "events_precision": ("events at several insurers: precision of pairs of claims", "≥ .98"),
    "events_recall": ("events at several insurers: recall of pairs of claims", "≥ .90"),
}
"""The same for who is who and which event is which."""
RINGS = {
    "rings_found": ("planted rings of five or more (K) among the first 1.5 K ring leads", "≥ .8"),
    "rings_found_tied": ("the same without schemes whose patients share a hospital only", ""),
    "rings_member_precision": ("members: precision, over rings found", "≥ .85"),
    "rings_member_recall": ("members: recall, over rings found", "≥ .75"),
    "rings_honest": ("honest coincidences among ring leads", "≤ .05"),
}
"""The same for rings."""


def put(document: Path, text: str) -> None:
    """Replace the block of figures of a document; ValueError if it has none."""
    whole = document.read_text(encoding="utf-8")
    if not BLOCK.search(whole):
        raise ValueError(f"{document.name} has no block of figures")
    document.write_text(BLOCK.sub(lambda m: f"{m[1]}{text.strip()}\n{m[2]}", whole), encoding="utf-8")


def evaluation(result: dict[str, Any]) -> str:
    """The block of ``docs/evaluation.md`` from what ``benchmarks.evaluate`` measured."""
    older = f" (all but the simulated books: `{result['others_commit'][:12]}`)" if "others_commit" in result else ""
    parts = [f"Commit `{result['commit'][:12]}`, {result['made_on']}{older}."]
    if result["simulated"]:
        parts += [
            _books(result),
            _each_book(result["simulated"]),
            _schemes(result["found_per_scheme"]),
            _resolving(result["summary"]),
            _rings(result["summary"]),
        ]
    parts.append(left_out.section(result["simulated"], result["sources"]))
    if result.get("verdicts"):
        parts.append(learnt.section(result["verdicts"]))
    if "feedback" in result:
        parts.append(played.section(result["feedback"]))
    if "links" in result:
        parts.append(_calibrated(result["links"], [b["links"] for b in result["simulated"] if "links" in b]))
    if "addresses" in result:
        parts.append(_addresses(result["addresses"]))
    if result.get("predicting"):
        parts.append(predicted.section(result["predicting"]))
    parts += [_network(one["network"]) for one in result["sources"].values() if "network" in one]
    return "\n\n".join([*filter(None, parts), _sources(result["sources"]), _fired(result["sources"])])


def _books(result: dict[str, Any]) -> str:
    books, summary = result["simulated"], result["summary"]
    rows = [(name, asked, *(f"{summary[key][k]:.2f}" for k in ("mean", "least", "most"))) for key, (name, asked) in ASKED.items()]
    title = f"### {len(books)} simulated books of {books[0]['claims']:,} claims"
    return title + "\n\n" + table(("figure", "asked", "mean", "least", "most"), rows)


def _each_book(books: list[dict[str, Any]]) -> str:
    names = list(books[0]["baselines_50"])
    rows = [(b["seed"], b["cases"], b["hits_50"], b["repeats_50"], *(b["baselines_50"][n] for n in names)) for b in books]
    said = "Hits in the first 50, beside those of 50 subjects sorted plainly (`count_…`: one kind of party alone):\n\n"
    return said + table(("seed", "cases", "hits", "repeats", *names), rows)


def _schemes(found: dict[str, dict[str, int]]) -> str:
    rows = [(name, f["planted"], f["found"], f"{f['found'] / f['planted']:.2f}") for name, f in found.items()]
    return "Instances found anywhere in the list, all books together:\n\n" + table(("scheme", "planted", "found", "recall"), rows)


def _resolving(summary: dict[str, Any]) -> str:
    rows = [(name, asked, *(f"{summary[key][k]:.4f}" for k in ("mean", "least", "most"))) for key, (name, asked) in RESOLVING.items()]
    return "### Who is who, and which event is which\n\n" + table(("figure", "asked", "mean", "least", "most"), rows)


def _rings(summary: dict[str, Any]) -> str:
    known = [(key, name, asked) for key, (name, asked) in RINGS.items() if key in summary]  # figures of before there were rings have none
    rows = [(name, asked, *(f"{summary[key][k]:.2f}" for k in ("mean", "least", "most"))) for key, name, asked in known]
    return "### Rings\n\n" + table(("figure", "asked", "mean", "least", "most"), rows) if rows else ""


def _calibrated(found: dict[str, Any], books: list[dict[str, dict[str, int]]]) -> str:
    """Validated links where nobody is in league, where planted pairs are, and by the truth of the simulated books."""
    kinds = found["null_books_with_false_link"]
    said = [f"{sum(b.get(kind, {}).get(what, 0) for b in books)}" for kind in kinds for what in ("planted", "look_alike", "neither")]
    rows = [(k, f"{kinds[k]:.1%}", found["true_links"][k], *said[3 * i : 3 * i + 3]) for i, k in enumerate(kinds)]
    asked = (
        f"{found['null_books']} books of {found['claims']:,} claims in which nobody is in league, and {found['planted_books']} with "
        f"planted pairs, {found['planted_pairs_per_kind']} of each kind that can be planted. In the latter the share of false links is "
        f"{found['false_discovery_mean']:.4f} on average (asked: ≤ .02), {found['false_discovery_most']:.3f} at most.\n\n"
    )
    head = (
        "links",
        "null books with a false one (asked: ≤ 10 %)",
        "true ones found",
        "simulated: of schemes",
        "of look-alikes",
        "of neither",
    )
    return "### Validated links\n\n" + asked + table(head, rows)


def _addresses(found: dict[str, Any]) -> str:
    names = {"bigram_dice": "bigram Dice", "names": "names without costs", "ours": "names and costs, as in use"}
    rows = [(name, found[key]["auc"], found[key]["sd"]) for key, name in names.items()]
    head = (f"{found['pairs']:,} pairs of addresses", "AUC of exact matches", "sd over queries")
    most = found["ceiling"]
    said = "No weight in these comes from a label. A supervised model on string features, out of fold by query, reaches"
    return table(head, rows) + f"\n{said} {most['mean']:.3f} (sd {most['sd']:.4f} over {most['seeds']} seeds).\n"


def _network(found: dict[str, Any]) -> str:
    """What the graph adds to a model of `ifraud`."""
    names = {
        "claim": "AUC of claim and policy columns alone", "claim_shape": "AUC with how connected the claim is",
        "claim_network": "AUC with that and nearness to proof", "lift_claim_shape": "lift by how connected it is",
        "lift_claim_network": "lift by both (asked: ≥ .04 on average)",
    }  # fmt: skip
    rows = [(name, *(f"{found[key][k]:.4f}" for k in ("mean", "least", "most"))) for key, name in names.items()]
    trained, judged = f"{found['trained_on']} investigated claims ({found['proven']} proven)", f"{found['judged_on']:,} others"
    head = (f"`ifraud`, trained on {trained}, held against {judged}: {found['draws']} sub-samples of 80 %", "mean", "least", "most")
    lowered = f"Sub-samples in which the network lowers the AUC (asked: none): {found['lowered']}.\n"
    return "### What the network adds\n\n" + table(head, rows) + "\n" + lowered


def _sources(sources: dict[str, Any]) -> str:
    rows = []
    for name, one in sources.items():
        judged, counts = one["anomaly_against_labels"], one["counts"]
        figures = [judged.get(k, "-") for k in ("subjects", "positive", "auc", "ap", "top_decile_lift")]
        rows.append((name, f"{counts['claims']:,}", f"{counts['leads']:,}", len(one["red_flags_silent"]), one["seconds"], *figures))
    head = ("source", "claims", "leads", "flags silent", "seconds", "judged", "positive", "AUC", "AP", "top-decile lift")
    return "### Outside data\n\n" + table(head, rows)


def _fired(sources: dict[str, Any]) -> str:
    rows = [(name, ", ".join(f"{c} {n:,}" for c, n in one["red_flags_fired"].items()) or "none") for name, one in sources.items()]
    return "Red flags that fired, with their subjects:\n\n" + table(("source", "red flags"), rows)


def performance(found: dict[str, Any]) -> str:
    """The block of ``docs/performance.md`` from what ``benchmarks.night`` measured, sizes in growing order."""
    nights = [_nights(found["nights"])] if found["nights"] else []
    linked = [linking(found["linking"])] if found["linking"] else []
    parts = [text(found[name]) for name, text in (("propagation", propagation), ("links", links)) if found.get(name)]
    taught = [one["learning"] for one in found["nights"] if "learning" in one]
    return "\n".join([*nights, *([learning.section(taught)] if taught else []), *linked, *parts])


def _nights(results: list[dict[str, Any]]) -> str:
    sizes = [f"{r['claims']:,}" for r in results]
    head = ("", *(f"{size}: {unit}" for size in sizes for unit in ("s", "MiB")))
    rows = [_timed("simulate", [r["simulate"] for r in results])]
    rows += [_timed(f"night: {stage}", [r["stages"][stage] for r in results]) for stage in results[0]["stages"]]
    rows += [
        _timed("**whole night**", [r["night"] for r in results]),
        _timed("the same night again (no-op)", [r["again"] for r in results]),
    ]
    rows += [_timed(f"peer: {stage}", [r["peer"][stage] for r in results]) for stage in results[0]["peer"]]
    return "\n".join([table(head, rows), _against_peer(results), _growth(results)])


def linking(found: dict[str, Any]) -> str:
    """Linking of registers of person records: ours at every size, Splink's example at the first."""
    books = found["books"]
    runs = [(f"ours, {b['ours']['records']:,}", b["ours"]) for b in books]
    runs += [(f"Splink's example, {b['splink']['records']:,}", b["splink"]) for b in books if "splink" in b]
    head = ("person records", "spelling, s", "training, s", "linking, s", "clustering, s", "these three, s", "processor, s", "peak, MiB")
    rows = [(name, *_phases(one), f"{one['peak_mib']:,}") for name, one in runs]
    told = ("person records", "pairs: precision", "pairs: recall", "clusters of two persons", "of more")
    judged = [(name, one["precision"], one["recall"], one["mixed"] - one["mixed_more"], one["mixed_more"]) for name, one in runs]
    return "\n".join([f"### Who is who, DuckDB within {found['memory_limit']}\n", table(head, rows), table(told, judged), _later(found)])


def propagation(sizes: list[dict[str, Any]]) -> str:
    """Proximity to proven fraud at growing sizes, beside networkx and a bare loop."""
    names = {"stage": "the whole stage", "birank": "one propagation", "bare_scipy": "bare scipy", "networkx_pagerank": "networkx pagerank"}
    head = ("edges", *(f"{name}: {unit}" for name in names.values() for unit in ("s", "processor, s", "MiB")))
    cells = [[f"{one['edges']:,}", *(c for n in names for c in _three(one.get(n)))] for one in sizes]
    said = [_beside(one, names) for one in sizes]
    return "\n".join(["### Proximity to proven fraud\n", table(head, cells), *said]) + "\n"


def links(sizes: list[dict[str, Any]]) -> str:
    """Validated links at growing sizes."""
    head = ("claims", "s", "processor, s", "per million claims, processor, s", "peak, MiB")
    rows = [
        (f"{o['claims']:,}", f"{o['seconds']:.1f}", f"{o['cpu']:.1f}", f"{o['cpu'] / o['claims'] * 1e6:.1f}", f"{o['peak_mib']:,}")
        for o in sizes
    ]
    return "### Validated links\n\n" + table(head, rows)


def _beside(one: dict[str, Any], names: dict[str, str]) -> str:
    others = [n for n in ("bare_scipy", "networkx_pagerank") if n in one]
    times = [f"{names[n]} takes {one[n]['cpu'] / one['birank']['cpu']:.1f} times what one propagation does" for n in others]
    per = f"the stage takes {one['stage']['cpu'] / one['edges'] * 1e6:.1f} s per million edges"
    return f"{one['edges']:,} edges, by seconds of the processor: {'; '.join([*times, per])}."


def _three(one: dict[str, float] | None) -> list[str]:
    return [f"{one['seconds']:.1f}", f"{one['cpu']:.1f}", f"{one['peak_mib']:,.0f}"] if one else ["-"] * 3


def _phases(one: dict[str, Any]) -> list[str]:
    names = ("training", "linking", "clustering")
    spelling = one["phases"].get("spelling")
    cpu = sum(one["phases"][n]["cpu"] for n in names)
    seconds = [f"{one['phases'][n]['seconds']:.1f}" for n in names]
    return [f"{spelling['seconds']:.1f}" if spelling else "-", *seconds, f"{one['seconds']:.1f}", f"{cpu:.1f}"]


def _later(found: dict[str, Any]) -> str:
    """The night after, and growth, in words."""
    said = [night_after(b["ours"]) for b in found["books"]]
    first, last = found["books"][0]["ours"], found["books"][-1]["ours"]
    grown = f"From {first['records']:,} to {last['records']:,} records the full time grows {found['growth']}-fold."
    return "\n".join([*said, *([grown] if first is not last else [])]) + "\n"


def _timed(name: str, figures: list[dict[str, float]]) -> list[str]:
    return [name, *(cell for f in figures for cell in (f"{f['seconds']:.1f}", f"{f['peak_mib']:,.0f}"))]


def _against_peer(results: list[dict[str, Any]]) -> str:
    rows = [(f"{r['claims']:,}", r["ours_shared_seconds"], r["peer_seconds"], r["times_faster"]) for r in results]
    return table(("claims", "night, s", "peer, s", "times faster"), rows)


def _growth(results: list[dict[str, Any]]) -> str:
    first, last = results[0], results[-1]
    if first is last:
        return ""
    grown, larger = last["night"]["seconds"] / first["night"]["seconds"], last["claims"] / first["claims"]
    return f"From {first['claims']:,} to {last['claims']:,} claims ({larger:.0f}-fold) the whole night takes {grown:.1f} times as long.\n"


def main() -> None:
    """Rewrite the blocks of the documents whose JSON is there."""
    for name, text in (("evaluation", evaluation), ("performance", performance)):
        if (measured := DOCS / f"{name}.json").exists():
            put(DOCS / f"{name}.md", text(json.loads(measured.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()

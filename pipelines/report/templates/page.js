"use strict";
(() => {
  const root = document.documentElement, form = document.getElementById("filters"), list = document.querySelector("table.list");
  const rows = list ? [...list.tBodies[0].querySelectorAll("tr.case")] : [];
  const divider = list && list.querySelector(".divider"), none = document.getElementById("none"), count = document.getElementById("count");
  const texts = new Map();

  const speak = language => {
    root.lang = language;
    document.querySelectorAll("[data-zh]").forEach(e => {
      const text = e.getAttribute("data-" + language);
      if (e.tagName === "OPTION") e.textContent = text; else { e.placeholder = text; e.setAttribute("aria-label", text); }
    });
  };
  document.getElementById("language").addEventListener("click", () => speak(root.lang === "zh" ? "en" : "zh"));

  const text = row => {
    if (!texts.has(row)) texts.set(row, (row.textContent + " " + document.getElementById(row.dataset.lead).textContent).toLowerCase());
    return texts.get(row);
  };
  const fits = (row, f) =>
    ["line", "scheme", "route"].every(n => !f.get(n) || row.dataset[n] === f.get(n)) &&
    (!f.get("insurer") || row.dataset.insurer.split("|").includes(f.get("insurer"))) &&
    ["open", "new"].every(n => !f.get(n) || row.dataset[n]) &&
    f.get("text").toLowerCase().split(/\s+/).every(w => !w || text(row).includes(w));
  const filter = () => {
    const f = new FormData(form);
    let shown = 0;
    rows.forEach(r => { r.hidden = !fits(r, f); shown += r.hidden ? 0 : 1; });
    count.textContent = shown + " / " + rows.length;
    if (none) none.hidden = shown > 0;
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", e => e.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter, 0));

  const value = (row, column) => {
    const cell = row.cells[column], raw = cell.dataset.v !== undefined ? cell.dataset.v : cell.innerText.trim();
    return raw === "" || raw === "—" || raw === "nan" ? null : isNaN(Number(raw)) ? raw : Number(raw);
  };
  const compare = (a, b) => typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "zh");
  const sort = th => {
    const column = th.cellIndex, first = th.classList.contains("num") && column > 0 ? "descending" : "ascending";
    const way = !th.ariaSort ? first : th.ariaSort === "ascending" ? "descending" : "ascending";
    list.querySelectorAll("th[aria-sort]").forEach(h => h.removeAttribute("aria-sort"));
    th.setAttribute("aria-sort", way);
    const keyed = rows.map(r => [value(r, column), r]);
    keyed.sort(([a], [b]) => a === null ? (b === null ? 0 : 1) : b === null ? -1 : way === "ascending" ? compare(a, b) : compare(b, a));
    if (divider) divider.hidden = true;
    keyed.forEach(([, r]) => list.tBodies[0].appendChild(r));
  };
  if (list) list.querySelectorAll("thead th").forEach(th => th.firstElementChild.addEventListener("click", () => sort(th)));
  rows.forEach(r => r.addEventListener("click", e => {
    if (!e.target.closest("a") && !String(getSelection())) location.hash = r.dataset.lead;
  }));

  document.querySelectorAll("svg g.click").forEach(g => g.addEventListener("click", () => {
    const keys = new Set(g.dataset.keys.split(" ")), lead = g.closest("article");
    lead.querySelectorAll("tr.hit").forEach(r => r.classList.remove("hit"));
    const hits = [...lead.querySelectorAll("tr[data-key]")].filter(r => keys.has(r.dataset.key.split("|")[0]));
    hits.forEach(r => r.classList.add("hit"));
    if (hits.length) hits[0].scrollIntoView({block: "center"});
  }));

  let scroll = 0;
  addEventListener("hashchange", e => {
    const lead = document.getElementById(location.hash.slice(1));
    if (lead && lead.classList.contains("lead")) { lead.focus(); scrollTo(0, 0); } else scrollTo(0, scroll);
  });
  addEventListener("scroll", () => { if (!document.querySelector(".lead:target")) scroll = scrollY; });
  document.querySelectorAll(".print").forEach(b => b.addEventListener("click", () => print()));
  addEventListener("keydown", e => {
    const open = document.querySelector(".lead:target");
    if (!open || e.altKey || e.ctrlKey || e.metaKey) return;
    const to = { ArrowLeft: "prev", ArrowRight: "next" }[e.key], link = to && open.querySelector("a[rel=" + to + "]");
    if (link) location.hash = link.hash; else if (e.key === "Escape") location.hash = "list";
  });
})();

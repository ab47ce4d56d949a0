"use strict";
// The table of patients and their reports. All text reaches the page as text nodes, never as markup.
(() => {
  const PER_PAGE = 50;
  const byId = (id) => document.getElementById(id);
  const parsed = (id) => JSON.parse(byId(id).textContent);
  const counted = (count) => count.toLocaleString("en");

  // Makes an element; children are elements or text, and what is empty is left away.
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== "" && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children.flat().filter((child) => child !== "" && child != null));
    return element;
  };

  const { reports, studies, words } = parsed("lookup");
  const data = parsed("data");
  const total = data.id.length;
  const valueOf = (column, row) => data[column].values[data[column].of[row]];
  const reportOf = new Map(reports.map(([patient, study], place) => [`${study}/${patient}`, place]));

  const unseen = (text) => make("span", { class: "unseen" }, text);
  const symbol = (outcome) =>
    make("span", { class: `symbol ${outcome}`, "aria-hidden": "true" }, words.symbol[outcome]);
  const marked = (status) => {
    const outcome = words.statusOutcome[status];
    return make("span", { class: `mark ${outcome}` }, symbol(outcome), ` ${status}`);
  };

  // ---- which rows are shown, and in which order

  const sortRank = new Map();
  const natural = (text) => text.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, "0"));
  const sortKey = {
    id: natural,
    study: (value) => value,
    status: (value) => ["eligible", "undetermined", "ineligible"].indexOf(value),
    failed: (value) => value.length,
    unknown: (value) => value.length,
    needs: (value) => value.length,
    rescreen_on: (value) => value ?? "~", // no date comes after all dates
  };

  const ranked = (column) => {
    if (!sortRank.has(column)) {
      const keys = (column === "id" ? data.id : data[column].values).map(sortKey[column]);
      const distinct = [...new Set(keys)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
      const place = new Map(distinct.map((key, rank) => [key, rank]));
      const ranks = keys.map((key) => place.get(key));
      const of = column === "id" ? null : data[column].of;
      sortRank.set(column, Int32Array.from({ length: total }, (_, row) => ranks[of ? of[row] : row]));
    }
    return sortRank.get(column);
  };

  const controls = ["find", "by-study", "by-status", "by-criterion", "by-outcome", "by-need"];
  const [find, byStudy, byStatus, byCriterion, byOutcome, byNeed] = controls.map(byId);
  let lowered = null;
  let order = { column: null, down: false };
  let shown = Uint32Array.from({ length: total }, (_, row) => row);
  let page = 0;

  // Asks each distinct value once, so that a row costs one look-up.
  const whereValue = (column, test) => {
    const holds = data[column].values.map(test);
    return (row) => holds[data[column].of[row]];
  };

  const tests = () => {
    const found = [];
    if (byStudy.value) found.push(whereValue("study", (study) => study === byStudy.value));
    if (byStatus.value) found.push(whereValue("status", (status) => status === byStatus.value));
    if (byCriterion.value) {
      const { study, criterion } = byCriterion.selectedOptions[0].dataset;
      const fails = whereValue("failed", (ids) => ids.includes(criterion));
      const open = whereValue("unknown", (ids) => ids.includes(criterion));
      const alone = whereValue("failed", (ids) => ids.length === 1 && ids[0] === criterion);
      const ways = { fail: fails, unknown: open, only: alone, open: (row) => fails(row) || open(row) };
      found.push(whereValue("study", (name) => name === study), ways[byOutcome.value]);
    }
    if (byNeed.value) found.push(whereValue("needs", (needs) => needs.includes(Number(byNeed.value))));
    const sought = find.value.trim().toLowerCase();
    if (sought) {
      lowered ??= data.id.map((id) => id.toLowerCase());
      found.push((row) => lowered[row].includes(sought));
    }
    return found;
  };

  const choose = () => {
    const all = tests();
    let rows = Uint32Array.from({ length: total }, (_, row) => row);
    if (all.length) rows = rows.filter((row) => all.every((test) => test(row)));
    if (order.column) {
      const rank = ranked(order.column);
      const sign = order.down ? -1 : 1;
      rows.sort((a, b) => sign * (rank[a] - rank[b]) || a - b);
    }
    shown = rows;
    page = 0;
    show();
  };

  // ---- the table

  const body = byId("rows").tBodies[0];
  const severalStudies = byStudy.options.length > 2; // with the one for all
  const lastPage = () => Math.max(0, Math.ceil(shown.length / PER_PAGE) - 1);

  const needsOf = (row) => valueOf("needs", row).map((need) => data.need_texts[need]);

  const line = (row) => {
    const open = make("button", { type: "button", class: "link", "data-row": row }, data.id[row]);
    const needs = needsOf(row);
    const more = needs.length > 2 ? ` and ${needs.length - 2} more` : "";
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, open),
      severalStudies ? make("td", {}, valueOf("study", row)) : "",
      make("td", {}, marked(valueOf("status", row))),
      make("td", {}, valueOf("failed", row).join(", ") || "–"),
      make("td", {}, valueOf("unknown", row).join(", ") || "–"),
      make("td", { class: "wide" }, needs.length ? needs.slice(0, 2).join("; ") + more : "–"),
      make("td", { class: "wide" }, valueOf("rescreen_on", row) ?? "–"),
    );
  };

  const show = () => {
    const start = page * PER_PAGE;
    body.replaceChildren(...Array.from(shown.slice(start, start + PER_PAGE), line));
    const end = Math.min(start + PER_PAGE, shown.length);
    const range = shown.length > PER_PAGE ? `, rows ${counted(start + 1)} to ${counted(end)}` : "";
    byId("found").textContent = shown.length
      ? `${counted(shown.length)} of ${counted(total)} shown${range}`
      : "No patient matches. “Show all” clears the filters.";
    byId("page").value = page + 1;
    byId("page").max = lastPage() + 1;
    byId("pages").textContent = `of ${counted(lastPage() + 1)}`;
    byId("first").disabled = byId("previous").disabled = page === 0;
    byId("next").disabled = byId("last").disabled = page === lastPage();
    byId("pager").hidden = lastPage() === 0;
  };

  const turn = (to) => {
    page = Math.min(Math.max(0, to), lastPage());
    show();
  };

  const sortBy = (heading) => {
    const { column } = heading.dataset;
    order = { column, down: order.column === column && !order.down };
    for (const other of heading.parentElement.children) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", order.down ? "descending" : "ascending");
    choose();
  };

  // ---- the report of one patient, laid out as on the page of a single patient

  const item = (it) =>
    typeof it === "string"
      ? [it]
      : [
          make("code", {}, it.path),
          ` = ${it.value}`,
          it.date && make("span", { class: "quiet" }, ` (${it.date})`),
        ];

  const lines = (rows) =>
    rows.length
      ? make(
          "dl",
          { class: "lines" },
          rows.map((row) =>
            make(
              "div",
              { class: "line" },
              make("dt", {}, row.label),
              row.items.map((it) => make("dd", {}, item(it))),
            ),
          ),
        )
      : "";

  const finding = (one, level) =>
    make(
      "article",
      { class: `finding ${one.outcome}` },
      make(
        `h${Math.min(level, 6)}`,
        {},
        symbol(one.outcome),
        " ",
        make("span", { class: "id" }, one.id),
        level > 4 ? unseen(` ${one.outcome}`) : "",
        one.about && " ",
        one.about && make("span", { class: "about" }, one.about),
        one.remark && " ",
        one.remark && make("span", { class: "remark" }, one.remark),
      ),
      make("p", { class: "statement" }, one.text),
      lines(one.lines),
      one.parts.map((part) => finding(part, level + 1)),
      lines(one.closing),
    );

  const groupTitle = (outcome, count) =>
    make(
      "h3",
      { class: outcome },
      symbol(outcome),
      ` ${words.outcome[outcome]} `,
      make("span", { class: "count" }, `(${count})`),
    );

  const group = (outcome, found) =>
    found.length
      ? make(
          "section",
          { class: "group" },
          groupTitle(outcome, found.length),
          found.map((one) => finding(one, 4)),
        )
      : "";

  const evidence = (one) =>
    one.evidence.length
      ? make(
          "details",
          {},
          make("summary", {}, "Evidence", unseen(` for ${one.id}`)),
          make("ul", {}, one.evidence.map((it) => make("li", {}, item(it)))),
        )
      : "";

  const passedRow = (one) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, one.id),
      make(
        "td",
        {},
        make("p", { class: "statement" }, one.text),
        one.reason && make("p", {}, one.reason),
        one.parts.length
          ? make(
              "ul",
              { class: "parts" },
              one.parts.map((part) =>
                make(
                  "li",
                  {},
                  symbol(part.outcome),
                  unseen(part.outcome),
                  " ",
                  make("span", { class: "id" }, part.id),
                  ` ${part.reason}`,
                ),
              ),
            )
          : "",
        evidence(one),
      ),
    );

  const passes = (passed) => {
    if (!passed.length) return "";
    const heads = ["Criterion", "Statement and reason"].map((name) => make("th", { scope: "col" }, name));
    return make(
      "section",
      { class: "group" },
      groupTitle("pass", passed.length),
      make(
        "table",
        { class: "passes" },
        make("colgroup", {}, make("col", { class: "ids" }), make("col")),
        make("thead", { class: "unseen" }, make("tr", {}, heads)),
        make("tbody", {}, passed.map(passedRow)),
      ),
    );
  };

  const section = (one) => {
    const list = { numbered: "ol", bullets: "ul" }[one.form];
    const content = list
      ? make(list, {}, one.items.map((text) => make("li", {}, text)))
      : make("p", {}, one.items[0]);
    return make("section", { class: "group note" }, make("h3", {}, one.title), content);
  };

  const head = (one) => {
    const outcome = words.statusOutcome[one.status];
    const facts = [
      ["Patient", one.patient],
      ["Study", one.study],
      ["Screened", `as of ${one.as_of}`],
    ];
    return [
      make(
        "header",
        { class: `verdict ${outcome}` },
        make(
          "h2",
          { id: "report-title" },
          symbol(outcome),
          ` ${words.status[one.status]} `,
          make("span", { class: "caveat" }, words.caveat),
        ),
        one.verdict && make("p", {}, one.verdict),
      ),
      make(
        "dl",
        { class: "facts" },
        facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))),
      ),
    ];
  };

  let explained = null; // read when it is first needed
  const reasonsOf = (study, row) => {
    explained ??= parsed("reasons");
    const numbers = Object.hasOwn(explained.rows, `${study}/${data.id[row]}`)
      ? explained.rows[`${study}/${data.id[row]}`]
      : [];
    return numbers.map((number) => explained.texts[number]);
  };

  // What is known of a patient whose full report is not in the page.
  const briefly = (row) => {
    const study = valueOf("study", row);
    const reasons = reasonsOf(study, row);
    const found = (column, outcome, first) =>
      valueOf(column, row).map((id, place) => {
        const [kind, text, source] = studies[study][id] ?? ["", "", ""];
        const about = kind && `${kind}, ${source}`;
        const reason = reasons[first + place];
        const lines = reason ? [{ label: "Reason", items: [reason] }] : [];
        return { id, outcome, about, remark: "", text, lines, parts: [], closing: [] };
      });
    const date = valueOf("rescreen_on", row);
    const needs = needsOf(row);
    const asOf = valueOf("as_of", row);
    return {
      patient: data.id[row],
      study,
      as_of: asOf,
      status: valueOf("status", row),
      verdict: "",
      failed: found("failed", "fail", 0),
      unknown: found("unknown", "unknown", valueOf("failed", row).length),
      passed: [],
      steps: [
        ...(needs.length ? [{ title: "To obtain", form: "numbered", items: needs }] : []),
        ...(date ? [{ title: "Re-screening", form: "note", items: [`${date}, by time alone`] }] : []),
      ],
      notes: [
        {
          title: "Left out",
          form: "note",
          items: [
            "The evidence, and the criteria that pass, are not in this page for this patient. They " +
              "are in the full report, which is made by: screen RECORD " +
              `--study ${study} --as-of ${asOf} --format html`,
          ],
        },
      ],
      provenance: "",
    };
  };

  const dialog = byId("report");
  const reportBody = byId("report-body");
  let opened = 0; // place among the rows shown

  const open = (place) => {
    opened = place;
    const row = shown[place];
    const number = reportOf.get(`${valueOf("study", row)}/${data.id[row]}`);
    const one = number === undefined ? briefly(row) : parsed(`report-${number}`);
    reportBody.replaceChildren(
      ...head(one),
      ...[group("fail", one.failed), group("unknown", one.unknown)].filter(Boolean),
      ...one.steps.map(section),
      ...[passes(one.passed)].filter(Boolean),
      ...one.notes.map(section),
      ...(one.provenance ? [make("footer", { class: "provenance" }, one.provenance)] : []),
    );
    reportBody.scrollTop = 0;
    byId("report-place").textContent = `${one.patient}, ${counted(place + 1)} of ${counted(shown.length)}`;
    byId("report-previous").disabled = place === 0;
    byId("report-next").disabled = place === shown.length - 1;
    if (!dialog.open) {
      dialog.showModal();
      reportBody.focus();
    }
  };

  // A dialog is cut to one sheet of paper, so its content is printed from outside it.
  window.addEventListener("beforeprint", () => {
    if (dialog.open) byId("printed").append(...reportBody.cloneNode(true).childNodes);
  });
  window.addEventListener("afterprint", () => byId("printed").replaceChildren());

  // Afterwards the table stands where the reader stopped.
  const closed = () => {
    const row = shown[opened];
    if (Math.floor(opened / PER_PAGE) !== page) turn(Math.floor(opened / PER_PAGE));
    body.querySelector(`[data-row="${row}"]`)?.focus();
  };

  // ---- what the reader does

  const showInTable = ({ study, criterion = null, need }) => {
    byId("filters").reset();
    byStudy.value = study;
    for (const option of byCriterion.options) {
      option.selected ||= option.dataset.study === study && option.dataset.criterion === criterion;
    }
    if (need) {
      byNeed.value = data.need_texts.indexOf(need);
      byStatus.value = "undetermined";
    }
    choose();
    byId("patients").focus();
    byId("patients").scrollIntoView();
  };

  for (const control of controls.slice(1)) byId(control).addEventListener("change", choose);
  find.addEventListener("input", choose);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters").addEventListener("reset", () => setTimeout(choose));
  byId("rows").tHead.addEventListener("click", (event) => {
    const heading = event.target.closest("th");
    if (heading) sortBy(heading);
  });
  body.addEventListener("click", (event) => {
    const button = event.target.closest("[data-row]");
    if (button) open(shown.indexOf(Number(button.dataset.row)));
  });
  for (const button of document.querySelectorAll("button[data-study]")) {
    button.addEventListener("click", () => showInTable(button.dataset));
  }
  const turns = { first: () => 0, previous: () => page - 1, next: () => page + 1, last: lastPage };
  for (const [id, to] of Object.entries(turns)) byId(id).addEventListener("click", () => turn(to()));
  byId("page").addEventListener("change", () => turn((Math.trunc(Number(byId("page").value)) || 1) - 1));
  byId("report-previous").addEventListener("click", () => open(opened - 1));
  byId("report-next").addEventListener("click", () => open(opened + 1));
  byId("report-print").addEventListener("click", () => window.print());
  byId("report-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", closed);

  const texts = data.need_texts.map((text, number) => [text, number]);
  texts.sort(([a], [b]) => (a < b ? -1 : 1));
  byNeed.append(...texts.map(([text, number]) => make("option", { value: number }, text)));
  byId("filters").hidden = byId("table").hidden = false;
  show();
  document.documentElement.dataset.ready = "";
})();

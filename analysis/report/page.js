// A click on a column's head sorts its table: upwards, downwards, as written. Without script the table is a table.
(() => {
  "use strict";
  const SECONDS = { s: 1, min: 60, h: 3600 };

  const valueOf = (text) => {
    const plain = text.trim().replace(/\u2212/g, "-").replace(/(\d),(?=\d{3}\b)/g, "$1");
    const lasts = plain.match(/^([\d.]+) (s|min|h)(?: (\d+) min)?$/);
    if (lasts) return Number(lasts[1]) * SECONDS[lasts[2]] + 60 * Number(lasts[3] || 0);
    const number = plain.match(/^[<+]?(-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(?=$|[\s†])/i);
    return number ? Number(number[1]) : NaN;
  };

  const sort = (body, place, direction, written) => {
    const textOf = (row) => row.cells[place].textContent;
    const there = (row) => !["", "\u2013"].includes(textOf(row).trim());
    const rows = written.filter(there);
    const numbers = new Map(rows.map((row) => [row, valueOf(textOf(row))]));
    const numeric = rows.every((row) => Number.isFinite(numbers.get(row)));
    const order = (a, b) => numeric ? numbers.get(a) - numbers.get(b) : textOf(a).localeCompare(textOf(b), "en", { numeric: true });
    if (direction) rows.sort((a, b) => direction * order(a, b));
    body.append(...(direction ? [...rows, ...written.filter((row) => !there(row))] : written));
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    const written = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const next = { ascending: "descending", descending: "" }[head.getAttribute("aria-sort")] ?? "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        if (next) head.setAttribute("aria-sort", next);
        sort(body, place, { ascending: 1, descending: -1 }[next] ?? 0, written);
      });
    });
  }
})();

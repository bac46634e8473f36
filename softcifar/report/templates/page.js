"use strict";
// Sorting: a click or Enter on a head sorts upwards, again downwards; missing values stay last both ways.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const value = (row) => row.cells[column].dataset.value;
      const rows = [...body.rows];
      const numeric = rows.every((row) => value(row) === "" || !Number.isNaN(Number(value(row))));
      rows.sort((a, b) => {
        const x = value(a), y = value(b);
        if (x === "" || y === "") return (x === "") - (y === "");
        const difference = numeric ? Number(x) - Number(y) : x.localeCompare(y, "en", { numeric: true });
        return up ? difference : -difference;
      });
      body.append(...rows);
    });
  });
}
// The choice of rows works only with a script, so it is hidden without one.
const filter = document.querySelector(".filter");
if (filter) filter.hidden = false;
filter?.addEventListener("change", (event) => {
  for (const row of document.querySelectorAll("#summary-table tbody tr"))
    row.hidden = event.target.value !== "" && row.dataset.kind !== event.target.value;
});

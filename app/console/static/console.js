// Keys: a letter opens a page, / searches, j and k walk through a list, n(ext page) is >. No key acts on anything.
"use strict";
document.addEventListener("keydown", (event) => {
  const at = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || at.matches("input, select, textarea, [contenteditable]")) {
    if (event.key === "Escape") at.blur();
    return;
  }
  const search = document.querySelector("[data-search]");
  const next = document.querySelector("[data-next]");
  const rows = [...document.querySelectorAll("a.row")];
  const here = rows.indexOf(document.activeElement);
  if (event.key === "/" && search) {
    event.preventDefault();
    search.focus();
  } else if (event.key === ">" && next) {
    next.click();
  } else if (event.key === "j" && rows.length) {
    rows[Math.min(here + 1, rows.length - 1)].focus();
  } else if (event.key === "k" && rows.length) {
    rows[Math.max(here - 1, 0)].focus();
  } else {
    const page = document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`);
    if (page) page.click();
  }
});

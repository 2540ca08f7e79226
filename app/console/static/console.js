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

// A form is sent once: the second answer would tell of nothing that is left to do.
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  const buttons = event.target.querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  setTimeout(() => buttons.forEach((button) => (button.disabled = false)), 10_000);
});
addEventListener("pageshow", () => document.querySelectorAll("form button").forEach((button) => (button.disabled = false)));
// The page Now says when what it shows is old; the page of an error that passes asks again.
for (const [name, isOld] of [["responseError", true], ["sendError", true], ["afterSwap", false]]) {
  document.addEventListener(`htmx:${name}`, () => {
    const told = document.getElementById("stale");
    if (told) told.hidden = !isOld;
  });
}
if (document.querySelector("[data-again]")) setTimeout(() => location.reload(), 10_000);

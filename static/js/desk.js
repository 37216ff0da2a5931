// The desk by keyboard: J and K move through the rows of a list, Enter opens the row's first link. Without it everything still works.
"use strict";
(() => {
  const rows = () => Array.from(document.querySelectorAll("[data-rows] > tr"));
  let at = -1;
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, button, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key !== "j" && key !== "k") return;
    const list = rows();
    if (!list.length) return;
    at = Math.min(list.length - 1, Math.max(0, at + (key === "j" ? 1 : -1)));
    const link = list[at].querySelector("a[href]");
    if (link) link.focus();
  });
})();

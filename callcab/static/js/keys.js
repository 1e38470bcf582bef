// Keys for lists, named by the sheet at …/keys/. By their place on the keyboard: the Russian layout has other letters there.
"use strict";

const KEYS_OFF = "keys-off";
let lastRow = null;

function keysAreOff() {
  return localStorage.getItem(KEYS_OFF) === "1";
}

function listRows() {
  return findAll(".list-form table.list tbody tr").filter((row) => !find(".cell-empty", row));
}

/* Where the person stands in the list: the row with the focus, or the one that had it last. */
function rowAt() {
  const focused = document.activeElement.closest(".list-form table.list tbody tr");
  return focused || (document.contains(lastRow) ? lastRow : null);
}

/* The id of a row: of its tick, or of the link to its page. */
function idIn(row) {
  const box = find("input[name=id]", row);
  if (box) return box.value;
  const link = find("a[href*='/details/?id=']", row);
  return link ? new URL(link.href).searchParams.get("id") : "";
}

function goToRow(row) {
  if (!row) return;
  lastRow = row;
  row.tabIndex = -1;
  row.focus();
}

function stepRow(step) {
  const rows = listRows();
  const at = rows.indexOf(rowAt());
  if (at < 0) goToRow(step > 0 ? rows[0] : rows.at(-1));
  else goToRow(rows[Math.min(Math.max(at + step, 0), rows.length - 1)]);
}

function tickRow() {
  const box = rowAt() && find("input[name=id]", rowAt());
  if (box) box.click();
}

function openRow() {
  const row = rowAt();
  const link = row && (find("a[href*='/details/']", row) || find("td.cell-main a, td:not(.cell-manage) a", row));
  if (link) link.click();
}

function goToBulkBar() {
  const button = find(".bulk-bar:not([hidden]) button[type=submit]");
  if (button) button.focus();
}

async function showKeys() {
  const from = document.activeElement;
  const face = location.pathname.startsWith("/admin") ? "/admin" : "/cabinet";
  const options = { headers: { "X-Fragment": "1" }, credentials: "same-origin" };
  await showAnswer(await fetch(`${face}/keys/`, options), from);
  showSwitch();
}

function showSwitch() {
  findAll("[data-keys]").forEach((box) => (box.checked = !keysAreOff()));
}

function goToSearch() {
  const search = find("[data-search]");
  if (!search) return false;
  search.focus();
  search.select();
  return true;
}

const byPlace = {
  KeyJ: () => stepRow(1),
  KeyK: () => stepRow(-1),
  KeyX: tickRow,
  KeyO: openRow,
  KeyA: goToBulkBar,
};

function isTyping(target) {
  const field = target.closest("input, textarea, select, [contenteditable]");
  return field && !field.matches("[type=checkbox], [type=radio]");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || keysAreOff()) return;
  if (!event.target.closest || isTyping(event.target) || find("dialog[open]")) return;
  if (event.key === "?" || (event.code === "Slash" && event.shiftKey)) {
    event.preventDefault();
    showKeys();
  } else if (event.key === "/" || event.code === "Slash") {
    if (goToSearch()) event.preventDefault();
  } else if (event.key === "Enter" && event.target.matches("tr")) {
    openRow();
  } else if (!event.shiftKey && byPlace[event.code] && find(".list-form table.list")) {
    event.preventDefault();
    byPlace[event.code]();
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-keys]")) localStorage.setItem(KEYS_OFF, event.target.checked ? "0" : "1");
});

showSwitch();

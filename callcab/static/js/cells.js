// A cell changed where it stands: a click on it, or E on its row. Enter saves, Esc leaves it as it was.
"use strict";

const cellsOf = find("[data-cells]").dataset.cells;

async function cellAnswer(url, options) {
  const headers = { "X-Cell": "1" };
  const response = await fetch(url, { credentials: "same-origin", headers, ...options });
  if (response.redirected) location.assign(response.url);
  return response;
}

/* The form of an answer in place of what the cell shows; what it showed is kept for Esc. */
async function showForm(cell, response) {
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const form = find("form.cell-form", page);
  if (!form) {
    const words = find("h1", page);
    closeCell(cell);
    toast(words ? words.textContent : response.statusText, "bad");
    return;
  }
  cell.shown ||= [...cell.childNodes];
  cell.replaceChildren(document.importNode(form, true));
  const field = find("[name=value]", cell);
  field.focus();
  if (field.select) field.select();
}

function closeCell(cell) {
  if (cell.shown) cell.replaceChildren(...cell.shown);
  delete cell.shown;
  goToRow(cell.closest("tr"));
}

async function editCell(cell) {
  if (!cell || cell.shown) return;
  const id = idIn(cell.closest("tr"));
  const query = new URLSearchParams(location.search);
  query.set("id", id);
  query.set("field", cell.dataset.edit);
  await showForm(cell, await cellAnswer(`${cellsOf}?${query}`));
}

async function saveCell(form) {
  const cell = form.closest("td");
  const response = await cellAnswer(form.getAttribute("action"), { method: "POST", body: new FormData(form) });
  if (!response.headers.get("X-Saved")) {
    await showForm(cell, response);
    return;
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  cell.shown = [...document.importNode(page.body, true).childNodes];
  closeCell(cell);
}

document.addEventListener("click", (event) => {
  const cell = event.target.closest("td[data-edit]");
  if (!cell) return;
  if (cell.shown) {
    if (!event.target.closest("a.btn")) return;
    event.preventDefault();
    closeCell(cell);
  } else if (!event.target.closest("a, button, input, label, summary") && !String(getSelection())) {
    editCell(cell);
  }
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches("td form.cell-form")) return;
  event.preventDefault();
  event.stopPropagation();
  saveCell(event.target);
}, true);

document.addEventListener("keydown", (event) => {
  const cell = event.target.closest("td[data-edit]");
  if (event.key !== "Escape" || !cell || !cell.shown) return;
  event.stopPropagation();
  closeCell(cell);
}, true);

byPlace.KeyE = () => rowAt() && editCell(find("td[data-edit]", rowAt()));

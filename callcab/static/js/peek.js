// Details of a row beside its list, on wide screens. The address names the row (?row=…), so that it can be passed on.
"use strict";

const isWide = matchMedia("(min-width: 1280px)");
const details = find("[data-details]").dataset.details;
let panel = null;
let shownRow = "";
let waitingRow = 0;

function rowOf(id) {
  return listRows().find((row) => idIn(row) === id);
}

function withRow(address, id) {
  const url = new URL(address, location.href);
  if (id) url.searchParams.set("row", id);
  else url.searchParams.delete("row");
  return url;
}

/* What is done to rows of the list leads back to it with the same row beside. */
function addressWith(id) {
  history.replaceState(history.state, "", withRow(location.href, id));
  const form = find("form.list-form");
  form.setAttribute("action", withRow(form.getAttribute("action"), id));
}

function mark(id) {
  listRows().forEach((row) => {
    if (id && idIn(row) === id) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  });
}

/* The page of the row without what is there once already; its heading is no longer the first of the page. */
function partOf(page, url) {
  const part = document.importNode(find("#main", page), true);
  findAll(".crumbs, .toasts", part).forEach((each) => each.remove());
  findAll("h1", part).forEach((heading) => {
    const lower = document.createElement("h2");
    lower.append(...heading.childNodes);
    heading.replaceWith(lower);
  });
  findAll("form", part).forEach((form) => {
    const action = form.getAttribute("action") || url;
    // What is done to the row leads back to the list as it is, with the row beside.
    form.setAttribute("action", action.endsWith("/action/") ? action + location.search : action);
  });
  return part.childNodes;
}

async function load(url, id) {
  shownRow = id;
  mark(id);
  addressWith(id);
  panel.setAttribute("aria-busy", "true");
  find("a.peek-page", panel).href = url;
  const response = await fetch(url, { headers: { "X-Fragment": "1" }, credentials: "same-origin" });
  if (shownRow !== id) return;
  panel.removeAttribute("aria-busy");
  const next = response.headers.get("X-Location");
  if (next || response.redirected) {
    location.assign(next || response.url);
    return;
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const title = find("h1", page);
  if (!response.ok || !title) {
    closePeek();
    toast(title ? title.textContent : response.statusText, "bad");
    return;
  }
  find("[role=status]", panel).textContent = title.textContent;
  find(".peek-body", panel).replaceChildren(...partOf(page, url));
  panel.scrollTop = 0;
  if (window.htmx) window.htmx.process(panel);
}

function peek(id) {
  if (!id || !isWide.matches) return;
  if (!panel) {
    panel = document.importNode(find("#peek").content, true).firstElementChild;
    find("main").append(panel);
  }
  panel.hidden = false;
  panel.style.top = `${find(".topbar").getBoundingClientRect().bottom}px`;
  load(`${details}?id=${id}`, id);
}

function closePeek() {
  const row = rowOf(shownRow);
  panel.hidden = true;
  shownRow = "";
  mark("");
  addressWith("");
  goToRow(row);
}

clicks["peek-close"] = closePeek;

byPlace.KeyP = () => {
  if (shownRow && panel.contains(document.activeElement)) closePeek();
  else if (shownRow) panel.focus();
  else if (rowAt()) peek(idIn(rowAt()));
};

document.addEventListener("click", (event) => {
  const inside = shownRow && event.target.closest(`.peek a[href^='${details}']`);
  if (inside && !inside.matches(".peek-page") && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    load(inside.href, shownRow);
    return;
  }
  const row = event.target.closest(".list-form table.list tbody tr");
  if (!row || event.target.closest("a, button, input, label, summary, audio, td[data-edit]") || String(getSelection())) return;
  goToRow(row);
  if (!shownRow) peek(idIn(row));
});

// J and K move the focus from row to row: what is shown follows, once they stop.
document.addEventListener("focusin", (event) => {
  if (!shownRow || !event.target.matches(".list-form table.list tbody tr")) return;
  clearTimeout(waitingRow);
  const id = idIn(event.target);
  if (id !== shownRow) waitingRow = setTimeout(() => shownRow && peek(id), 120);
});

// Heard before the menus close by the same key.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !shownRow || find("dialog[open], details.menu[open]") || isTyping(event.target)) return;
  closePeek();
}, true);

const wantedRow = new URLSearchParams(location.search).get("row");
if (wantedRow && isWide.matches) peek(wantedRow);
else if (wantedRow) location.replace(`${details}?id=${encodeURIComponent(wantedRow)}`);

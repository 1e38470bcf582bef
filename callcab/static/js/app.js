// One delegated script for all pages. Everything it does has a way without it; it only saves steps.
"use strict";

const find = (selector, root = document) => root.querySelector(selector);
const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];

/* Colours: the person's choice stands in a cookie; without one the system's hold, also when they change. */
const systemDark = matchMedia("(prefers-color-scheme: dark)");

function paint(choice) {
  const root = document.documentElement;
  root.toggleAttribute("data-theme-chosen", choice !== "");
  root.dataset.bsTheme = choice || (systemDark.matches ? "dark" : "light");
}

function chooseTheme(button) {
  const choice = button.value;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `theme=${choice}; Path=/; Max-Age=${choice ? 31536000 : 0}; SameSite=Lax${secure}`;
  paint(choice);
  findAll("[data-do=theme]").forEach((each) => each.setAttribute("aria-pressed", each.value === choice));
  const menu = button.closest("details.menu");
  menu.open = false;
  find("summary", menu).focus();
}

systemDark.addEventListener("change", () => {
  if (!document.documentElement.hasAttribute("data-theme-chosen")) paint("");
});

/* Streams: each lasts ten seconds and is opened anew by the browser. That is no error for the console, and neither is a
   server that has no place for another one: what changes is asked for every few seconds anyway. */
if (window.htmx) {
  window.htmx.createEventSource = (url) => {
    const source = new EventSource(url);
    source.addEventListener("error", (event) => event.stopImmediatePropagation());
    return source;
  };
}

/* Menus */
function closeMenus(except) {
  findAll("details.menu[open]").forEach((menu) => {
    if (menu !== except) menu.open = false;
  });
}

/* Copying */
async function copy(button) {
  const source = document.getElementById(button.dataset.copyFrom || "");
  const text = button.dataset.copy || (source && (source.value || source.textContent.trim())) || "";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!source) return;
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    return;
  }
  button.classList.add("copied");
  toast(button.dataset.copied || document.body.dataset.copied, "good");
}

/* Toasts */
function toast(text, kind = "info") {
  const place = document.getElementById("toasts");
  if (!place || !text) return;
  const note = document.createElement("div");
  note.className = `notice toast-note notice-${kind}`;
  const words = document.createElement("p");
  words.textContent = text;
  note.append(words);
  if (kind === "bad") note.setAttribute("role", "alert");
  const cross = find("#shared-dialog .dialog-close");
  if (cross) {
    const close = cross.cloneNode(true);
    close.classList.remove("dialog-close");
    close.dataset.do = "dismiss";
    note.dataset.dismissable = "";
    note.append(close);
  }
  place.append(note);
  if (kind !== "bad") setTimeout(() => note.remove(), 6000);
}

/* Dialogs */
let opener = null;

function sharedDialog() {
  return document.getElementById("shared-dialog");
}

function openDialog(dialog, from) {
  if (!dialog || dialog.open) return;
  opener = from || document.activeElement;
  dialog.showModal();
  const first = find("[autofocus], input:not([type=hidden]), select, textarea, .btn-primary, .btn-danger", dialog);
  if (first) first.focus();
}

function closeDialog(dialog) {
  dialog.close();
  if (opener && document.contains(opener)) opener.focus();
  opener = null;
}

async function showAnswer(response, from) {
  const next = response.headers.get("X-Location");
  if (next) {
    location.assign(next);
    return;
  }
  if (response.redirected || !(response.headers.get("Content-Type") || "").startsWith("text/html")) {
    location.assign(response.url);
    return;
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const body = page.querySelector("[data-fragment]");
  const dialog = sharedDialog();
  if (!body || !dialog) {
    const words = find("h1", page);
    if (dialog && dialog.open) closeDialog(dialog);
    toast(words ? words.textContent : response.statusText, "bad");
    return;
  }
  const title = find("h1, h2", body);
  if (title) dialog.setAttribute("aria-label", title.textContent.trim());
  find(".dialog-content", dialog).replaceChildren(document.importNode(body, true));
  if (window.htmx) window.htmx.process(dialog);
  if (dialog.open) {
    const wrong = find(".is-invalid, .notice-bad, [autofocus]", dialog);
    if (wrong) wrong.focus();
  } else {
    openDialog(dialog, from);
  }
}

async function sendToDialog(form, submitter) {
  const data = new FormData(form, submitter);
  const url = (submitter && submitter.getAttribute("formaction")) || form.getAttribute("action") || location.href;
  const options = { headers: { "X-Fragment": "1" }, credentials: "same-origin" };
  if ((form.getAttribute("method") || "get").toLowerCase() === "post") {
    Object.assign(options, { method: "POST", body: data });
  }
  form.setAttribute("aria-busy", "true");
  if (submitter) submitter.disabled = true;
  try {
    await showAnswer(await fetch(url, options), submitter);
  } catch {
    form.dataset.plain = "1";
    if (submitter) submitter.disabled = false;
    form.requestSubmit(submitter);
  } finally {
    form.removeAttribute("aria-busy");
    if (submitter) submitter.disabled = false;
  }
}

async function openLink(link) {
  try {
    const options = { headers: { "X-Fragment": "1" }, credentials: "same-origin" };
    await showAnswer(await fetch(link.href, options), link);
  } catch {
    location.assign(link.href);
  }
}

/* Bulk selection */
function showSelection(form) {
  const boxes = findAll("input[name=id]", form);
  const picked = boxes.filter((box) => box.checked);
  const every = find("[data-pick-page]", form);
  const whole = find("[data-pick-matching]", form);
  const bar = find(".bulk-bar", form);
  if (whole && picked.length < boxes.length) whole.checked = false;
  if (every) {
    every.checked = picked.length > 0 && picked.length === boxes.length;
    every.indeterminate = picked.length > 0 && picked.length < boxes.length;
  }
  boxes.forEach((box) => box.closest("tr").classList.toggle("picked", box.checked));
  if (!bar) return;
  bar.dataset.ready = "1";
  bar.hidden = picked.length === 0;
  const offer = find(".bulk-whole", bar);
  if (offer) offer.hidden = picked.length < boxes.length;
  const all = whole && whole.checked;
  find(".bulk-count", bar).textContent = bar.dataset.picked.replace("#", all ? bar.dataset.total : picked.length);
}

function pick(form, checked) {
  findAll("input[name=id]", form).forEach((box) => {
    box.checked = checked;
  });
  showSelection(form);
}

/* Counts on chips of filters arrive when somebody turns to them */
async function loadFacets() {
  const chips = find("[data-facets]");
  if (!chips || chips.dataset.loaded) return;
  chips.dataset.loaded = "1";
  const response = await fetch(chips.dataset.facets, { credentials: "same-origin" });
  if (!response.ok) return;
  const counts = await response.json();
  findAll("[data-facet]").forEach((place) => {
    place.textContent = (counts[place.dataset.facet] || {})[place.dataset.choice] || "";
  });
}

/* How many rows each saved view shows now */
async function loadViewCounts(place) {
  const response = await fetch(place.dataset.counts, { credentials: "same-origin" });
  if (!response.ok) return;
  const counts = await response.json();
  findAll("[data-view]", place).forEach((tab) => (tab.textContent = counts[tab.dataset.view] || ""));
}

/* Suggestions for a reference filter */
let waiting = 0;

function suggest(input) {
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    const url = `${input.dataset.lookup}&q=${encodeURIComponent(input.value)}`;
    const response = await fetch(url, { credentials: "same-origin" });
    if (!response.ok) return;
    const options = (await response.json()).map((text) => {
      const option = document.createElement("option");
      option.value = text;
      return option;
    });
    document.getElementById(input.getAttribute("list")).replaceChildren(...options);
  }, 200);
}

const clicks = {
  theme: chooseTheme,
  copy: (target) => copy(target),
  "dialog-open": (target) => openDialog(document.getElementById(target.dataset.dialogOpen), target),
  "dialog-close": (target) => closeDialog(target.closest("dialog")),
  dismiss: (target) => target.closest("[data-dismissable]").remove(),
  "pick-none": (target) => pick(target.form, false),
};

document.addEventListener("click", (event) => {
  const menu = event.target.closest("details.menu");
  closeMenus(menu);
  const cancel = event.target.closest("dialog .form-actions a.btn");
  if (cancel && cancel.closest("#shared-dialog")) {
    event.preventDefault();
    closeDialog(cancel.closest("dialog"));
    return;
  }
  const link = event.target.closest("a[data-dialog-link]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && window.HTMLDialogElement) {
    event.preventDefault();
    openLink(link);
    return;
  }
  const target = event.target.closest("[data-do]");
  if (target && clicks[target.dataset.do]) {
    clicks[target.dataset.do](target);
    return;
  }
  if (event.target instanceof HTMLDialogElement) closeDialog(event.target);
});

document.addEventListener("change", (event) => {
  const target = event.target;
  const form = target.form;
  if (target.matches("[data-pick-page]")) pick(form, target.checked);
  else if (target.matches("[data-pick-matching]")) {
    if (target.checked) findAll("input[name=id]", form).forEach((box) => (box.checked = true));
    showSelection(form);
  } else if (target.matches("table.list input[name=id]")) showSelection(form);
  else if (target.matches("[data-submit-on-change]")) form.requestSubmit();
});

let lastBox = null;
document.addEventListener("click", (event) => {
  const box = event.target.closest && event.target.closest("table.list input[name=id]");
  if (!box) return;
  if (event.shiftKey && lastBox && lastBox.form === box.form) {
    const boxes = findAll("input[name=id]", box.form);
    const [from, to] = [boxes.indexOf(lastBox), boxes.indexOf(box)].sort((a, b) => a - b);
    boxes.slice(from, to + 1).forEach((item) => (item.checked = box.checked));
    showSelection(box.form);
  }
  lastBox = box;
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.plain || !window.HTMLDialogElement) return;
  // A form that came in a window stays in it: its errors are shown there.
  const inWindow = form.matches("[data-dialog-form], #shared-dialog form");
  if (inWindow || (event.submitter && event.submitter.matches("[data-dialog-form]"))) {
    event.preventDefault();
    sendToDialog(form, event.submitter);
    return;
  }
  // A second click must not send the form twice; the server is safe anyway, the person is not.
  if ((form.getAttribute("method") || "").toLowerCase() === "post") {
    setTimeout(() => findAll("button[type=submit], button:not([type])", form).forEach((b) => (b.disabled = true)), 0);
  }
});

/* A menu inside a scrolling table would be cut off: pin it to the window. */
function pinMenu(menu) {
  const panel = find(".menu-panel", menu);
  const table = menu.closest(".list-scroll");
  if (!menu.open || !panel || !table || getComputedStyle(table).overflowX === "visible") return;
  menu.dataset.pinned = "1";
  const around = find("summary", menu).getBoundingClientRect();
  panel.style.position = "fixed";
  panel.style.right = `${document.documentElement.clientWidth - around.right}px`;
  const below = around.bottom + panel.offsetHeight < innerHeight;
  panel.style.top = below ? `${around.bottom}px` : `${around.top - panel.offsetHeight - 8}px`;
}

document.addEventListener("toggle", (event) => {
  if (!event.target.matches) return;
  if (event.target.matches("details.filter-panel[open]")) loadFacets();
  if (event.target.matches("details.menu")) pinMenu(event.target);
}, true);
document.addEventListener("scroll", (event) => {
  if (event.target === document || (event.target.matches && event.target.matches(".list-scroll"))) {
    findAll("details.menu[open][data-pinned]").forEach((menu) => (menu.open = false));
  }
}, true);

for (const turning of ["pointerover", "focusin"]) {
  document.addEventListener(turning, (event) => {
    if (event.target.closest("[data-facets]")) loadFacets();
  });
}

document.addEventListener("input", (event) => {
  if (event.target.matches("input[data-lookup]")) suggest(event.target);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const menu = find("details.menu[open]");
    if (menu) {
      menu.open = false;
      find("summary", menu).focus();
    } else if (location.hash === "#sidebar") location.hash = "";
  }
});

document.addEventListener("cancel", (event) => {
  if (event.target instanceof HTMLDialogElement && opener) {
    const back = opener;
    opener = null;
    setTimeout(() => document.contains(back) && back.focus(), 0);
  }
}, true);

// Seconds that run down between two answers of the server.
setInterval(() => {
  findAll("[data-countdown]").forEach((place) => (place.textContent = Math.max(0, Number(place.textContent) - 1)));
}, 1000);

// Going back restores ticks in some browsers: show what is really ticked.
window.addEventListener("pageshow", () => {
  findAll("form.list-form").forEach(showSelection);
  findAll("button[disabled][type=submit]").forEach((button) => (button.disabled = button.hasAttribute("data-off")));
  if (find("details.filter-panel[open]")) loadFacets();
  findAll("[data-counts]").forEach(loadViewCounts);
});

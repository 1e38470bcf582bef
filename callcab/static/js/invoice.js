// Starts the download of an invoice that was just composed, once: a reload finds no ?issued= any more.
"use strict";

// A click before the end of loading would cut the loading off.
addEventListener("load", () => {
  const issued = document.querySelector("a[data-start-download]");
  if (issued && new URLSearchParams(location.search).has("issued")) {
    history.replaceState(null, "", location.pathname);
    issued.click();
  }
});

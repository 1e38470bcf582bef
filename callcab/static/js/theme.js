// Runs before the first paint: the system's colours unless the person chose (the server knows the choice by a cookie).
(function () {
  const root = document.documentElement;
  root.classList.add("js");
  if (root.hasAttribute("data-theme-chosen")) return;
  root.dataset.bsTheme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
})();

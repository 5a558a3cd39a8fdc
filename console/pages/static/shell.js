// Light, dark, or as the device says: before the first paint, and kept in this browser alone.
"use strict";
(() => {
  const root = document.documentElement;
  const next = { "": "light", light: "dark", dark: "" };
  const kept = () => {
    try { return localStorage.getItem("theme") || ""; } catch { return ""; }
  };
  function show(theme) {
    if (theme) root.dataset.theme = theme; else delete root.dataset.theme;
    const asDevice = matchMedia("(prefers-color-scheme: dark)").matches;
    window.Quasar?.Dark.set(theme ? theme === "dark" : asDevice);
    const button = document.getElementById("theme");
    if (button) button.setAttribute("aria-label", `Colours: ${theme || "as the device"}. Change`);
  }
  show(kept());
  addEventListener("load", () => show(kept()));
  addEventListener("click", (event) => {
    if (!event.target.closest?.("#theme")) return;
    const theme = next[kept()];
    try { localStorage.setItem("theme", theme); } catch { /* a private window: for this page */ }
    show(theme);
  });
})();

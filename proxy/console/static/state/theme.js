/** Light or dark: as the system, unless this browser was told otherwise. */

import { Cell } from "./cell.js";
import { store, stored } from "./storage.js";

/** The choices, and what they are called. */
export const THEMES = { system: "System", light: "Light", dark: "Dark" };

/** @type {Cell<string>} */
export const theme = new Cell(stored("theme", "system"));

/** Chooses a theme and keeps it. @param {string} name */
export function choose(name) {
  theme.set(name);
  store("theme", name);
  apply();
}

/** Shows the theme. */
export function apply() {
  if (theme.value in THEMES && theme.value !== "system") document.documentElement.dataset.theme = theme.value;
  else delete document.documentElement.dataset.theme;
}

/** One line at the bottom that says what has just been done; screen readers say it too. */

import { Cell, useCell } from "../state/cell.js";
import { html } from "../vendor/htm-preact.js";

/** Milliseconds for which the line stays. */
const SHOWN = 4000;

const line = new Cell("");
let timer = 0;

/** Shows a sentence for a while. @param {string} text */
export function announce(text) {
  clearTimeout(timer);
  line.set(text);
  timer = setTimeout(() => line.set(""), SHOWN);
}

export function Notice() {
  const text = useCell(line);
  return html`<p class=${text ? "notice shown" : "notice"} role="status">${text}</p>`;
}

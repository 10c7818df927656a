/** One line at the bottom that says what has just been done, and may offer to undo it; screen readers say it too. */

import { Cell, useCell } from "../state/cell.js";
import { html, useEffect, useRef } from "../vendor/htm-preact.js";

/** Milliseconds for which the line stays. */
export const SHOWN = 4000;

/** @typedef {{ text: string, undo?: () => void }} Said */

/** @type {Cell<Said>} */
const said = new Cell(/** @type {Said} */ ({ text: "" }));
let timer = 0;

/** Shows a sentence for a while. @param {string} text @param {() => void} [undo] */
export function announce(text, undo) {
  clearTimeout(timer);
  said.set({ text, undo });
  timer = setTimeout(hide, SHOWN);
}

function hide() {
  said.set({ text: "" });
}

export function Notice() {
  const { text, undo } = useCell(said);
  return html`<div class=${text ? "notice shown" : "notice"}>
    <p role="status">${text}</p>
    ${undo && html`<${UndoButton} key=${text} undo=${undo} />`}
  </div>`;
}

/** Has the focus from the start: what was pressed before it is gone. @param {{ undo: () => void }} props */
function UndoButton({ undo }) {
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  useEffect(() => button.current?.focus(), []);
  const click = () => {
    hide();
    undo();
  };
  return html`<button type="button" ref=${button} onClick=${click}>Undo</button>`;
}

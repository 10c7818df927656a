/** One of several values, with its label. */

import { visibleLine } from "../text/visible.js";
import { html } from "../vendor/htm-preact.js";

/** @param {{ name: string, value: string, options: string[][], choose: (value: string) => void }} props */
export function Choice({ name, value, options, choose }) {
  const change = (/** @type {Event & { currentTarget: HTMLSelectElement }} */ event) => choose(event.currentTarget.value);
  // The text of the label contains that of all options, so the select has its name once more.
  return html`<label>${name}
    <select aria-label=${name} value=${value} onChange=${change}>
      ${options.map(([each, text]) => html`<option key=${each} value=${each}>${visibleLine(text)}</option>`)}
    </select>
  </label>`;
}

/** Something that may be wider than the window: it scrolls in its own place, by keyboard too. */

import { html } from "../vendor/htm-preact.js";

/** @param {{ label: string, children?: unknown }} props */
export function Wide({ label, children }) {
  return html`<div class="wide" role="region" aria-label=${label} tabindex="0">${children}</div>`;
}

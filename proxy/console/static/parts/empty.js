/** What a page says while it has nothing to show: why, and what to do next. */

import { html } from "../vendor/htm-preact.js";

/** @param {{ title: string, children?: unknown }} props */
export function Empty({ title, children }) {
  return html`<div class="empty"><h2>${title}</h2>${children}</div>`;
}

/** @param {{ text: string }} props */
export function Failure({ text }) {
  return text ? html`<p class="callout bad" role="alert">${text}</p>` : null;
}

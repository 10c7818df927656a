/** Small pictures beside text. They say nothing that the text does not. */

import { html } from "../vendor/htm-preact.js";

/** @type {Record<string, string>} */
const PATHS = {
  good: "M3 8.5 6.5 12 13 4.5",
  warn: "M8 2.5 14.5 13.500H1.500zM8 6.500v3.500M8 11.700v.1",
  bad: "M4 4l8 8M12 4l-8 8",
  note: "M8 7.500v4M8 4.600v.1M8 1.500a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13",
  skip: "M4 8h8",
  wait: "M8 1.500a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M8 4.500V8l2.5 1.5",
  arrow: "M2 8h11M9 4l4 4-4 4",
};

/** @param {{ name: string }} props */
export function Icon({ name }) {
  return html`<svg class=${`icon ${name}`} viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
    <path d=${PATHS[name]} fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" />
  </svg>`;
}

/** A status with its meaning; the colour only repeats it. */

import { reason, toneOf } from "../text/status.js";
import { html } from "../vendor/htm-preact.js";

/** The number alone, for a table. @param {{ status: number }} props */
export function StatusCode({ status }) {
  return html`<span class=${`status ${toneOf(status)}`} title=${reason(status)}>${status || "none"}</span>`;
}

/** The number with its reason. @param {{ status: number, by: string }} props */
export function StatusLine({ status, by }) {
  const maker = { proxy: "by the proxy", sender: "by the sender", outbox: "by the outbox" }[by];
  return html`<span class=${`status-line ${toneOf(status)}`}>
    <b>${status || "No answer"}</b> ${reason(status)}${maker && status !== 499 ? html` <span class="muted">${maker}</span>` : ""}
  </span>`;
}

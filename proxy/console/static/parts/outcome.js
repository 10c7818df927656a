/** What went wrong and what to do, and the steps that led there. */

import { story } from "../text/story.js";
import { visible, visibleLine } from "../text/visible.js";
import { toneOf } from "../text/status.js";
import { html } from "../vendor/htm-preact.js";
import { Icon } from "./icon.js";

/** @import { Exchange, Outcome } from "../types.js" */

/**
 * Why the exchange failed; nothing if it did not.
 * @param {{ outcome: Outcome }} props
 */
export function Diagnosis({ outcome }) {
  const { code, detail, diagnosis, what_to_do: advice, status } = outcome;
  if (!code && !detail && !diagnosis && !advice) return null;
  const tone = toneOf(status);
  return html`<section class=${`callout ${tone}`} aria-label="Diagnosis">
    <h3><${Icon} name=${tone === "good" ? "note" : tone} />${" "}Diagnosis${diagnosis ? `: ${visibleLine(diagnosis)}` : ""} ${code && html`<code>${visibleLine(code)}</code>`}</h3>
    ${detail && html`<p class="wrap">${visible(detail)}</p>`}
    ${advice && advice !== detail && html`<p class="wrap"><b>What to do:</b> ${visible(advice)}</p>`}
  </section>`;
}

/** The exchange in sentences. @param {{ outcome: Outcome & Partial<Exchange> }} props */
export function Story({ outcome }) {
  return html`<ol class="story">
    ${story(outcome).map(({ title, text }, at) => html`<li key=${at}><b>${title}</b> <span>${visibleLine(text)}</span></li>`)}
  </ol>`;
}

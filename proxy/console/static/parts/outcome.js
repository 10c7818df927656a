/** What went wrong and what to do, and the steps that led there. */

import { useCell } from "../state/cell.js";
import { addressOf } from "../state/hash.js";
import { traffic } from "../state/model.js";
import { handshakeBefore, story } from "../text/story.js";
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
  const steps = story(outcome).map(({ title, text }) => html`<li key=${title}><b>${title}</b> <span>${visibleLine(text)}</span></li>`);
  const earlier = handshakeBefore(outcome, useCell(traffic)?.exchanges ?? []);
  return html`<ol class="story">
    ${steps.slice(0, -1)}
    ${earlier && html`<li key="earlier"><b>CSRF token</b> <span>The flow is CSRF protected. The proxy has a CSRF token from an earlier
      message, so it needed no handshake now. <a href=${addressOf("traffic", earlier.id)}>See that exchange</a></span></li>`}
    ${steps.slice(-1)}
  </ol>`;
}

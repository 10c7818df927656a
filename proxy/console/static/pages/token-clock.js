/** The life of a token as a line: fresh, then stale, then expired, and where it is now. */

import { clockTime, countdown } from "../text/units.js";
import { html } from "../vendor/htm-preact.js";

/** @import { Client } from "../types.js" */

/** @param {{ client: Client, now: number }} props */
export function TokenClock({ client, now }) {
  const { obtained_at: start, fresh_until: fresh, expires_at: end } = client;
  if (start === null || end === null || end <= start) return null;
  const at = (/** @type {number} */ time) => Math.min(100, Math.max(0, ((time - start) / (end - start)) * 100));
  const turn = at(fresh ?? end);
  return html`<div class="clock">
    <svg class="token-clock" width="100%" height="14" role="img" aria-label=${`Life of the token: ${countdown(end - now)} left of ${countdown(end - start)}`}>
      <rect class="fresh" x="0" y="4" width=${`${turn}%`} height="6" />
      <rect class="stale" x=${`${turn}%`} y="4" width=${`${100 - turn}%`} height="6" />
      <rect class="spent" x="0" y="4" width=${`${at(now)}%`} height="6" />
      <svg x=${`${at(now)}%`} overflow="visible"><rect class="hand" x="-1.5" y="0" width="3" height="14" rx="1.5" /></svg>
    </svg>
    <p class="ends muted">
      <span>obtained ${clockTime(start)}</span>
      ${fresh !== null && html`<span>stale from ${clockTime(fresh)}</span>`}
      <span>expires ${clockTime(end)}</span>
    </p>
  </div>`;
}

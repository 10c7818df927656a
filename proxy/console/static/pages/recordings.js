/** Which routes are recorded, and for how long yet. */

import { Switch } from "../parts/switch.js";
import { ask } from "../state/api.js";
import { useCell } from "../state/cell.js";
import { useNow } from "../state/clock.js";
import { overview, recordings } from "../state/model.js";
import { countdown } from "../text/units.js";
import { html } from "../vendor/htm-preact.js";

/** Minutes for which a route is recorded. */
const MINUTES = 15;

export function Recordings() {
  const routes = useCell(overview)?.routes ?? [];
  const active = useCell(recordings);
  const now = useNow(active.length > 0);
  if (!routes.length) return null;
  return html`<div class="recordings" role="group" aria-label="Recording">
    ${routes.map(({ name }) => {
      const until = active.find((each) => each.route === name)?.until ?? 0;
      const isOn = until > now;
      return html`<span key=${name} class="recording">
        <${Switch} name=${`Record ${name}`} on=${isOn} describedBy="recording-note" change=${(/** @type {boolean} */ on) => record(name, on)} />
        ${isOn && html`<span class="left">${countdown(until - now)} left</span>`}
      </span>`;
    })}
    <span id="recording-note" class="muted">Keeps fields and bodies for ${MINUTES} minutes; credentials are masked.</span>
  </div>`;
}

/** @param {string} route @param {boolean} on */
async function record(route, on) {
  const path = `api/recordings/${encodeURIComponent(route)}`;
  const answer = on ? await ask("PUT", path, { json: { minutes: MINUTES } }) : await ask("DELETE", path);
  recordings.set(answer.recordings);
}

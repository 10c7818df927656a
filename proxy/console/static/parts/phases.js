/** Where the time of an exchange went: a row for each phase, with its bar where it lies in the whole. */

import { PHASES } from "../text/story.js";
import { duration } from "../text/units.js";
import { html } from "../vendor/htm-preact.js";

/** @import { Phase } from "../types.js" */

/** @param {{ phases: Phase[], seconds: number, attempts?: number }} props */
export function Phases({ phases, seconds, attempts = 1 }) {
  const whole = Math.max(seconds, phases.reduce((sum, each) => sum + each.seconds, 0), 1e-9);
  let start = 0;
  const told = phases.filter((each) => each.name !== "waiting" || each.seconds >= 0.0005);
  const inOrder = told.sort((a, b) => Number(b.name === "waiting") - Number(a.name === "waiting"));
  const rows = inOrder.map((phase) => {
    const row = { ...phase, start: (start / whole) * 100, width: (phase.seconds / whole) * 100 };
    start += phase.seconds;
    return row;
  });
  return html`<table class="phases" aria-label="Phases">
      <thead class="visually-hidden">
        <tr><th scope="col">Phase</th><th scope="col">Bar</th><th scope="col">Duration</th></tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) => html`<tr key=${row.name} title=${PHASES[row.name] ?? ""}>
            <th scope="row">${row.name}</th>
            <td><${Bar} ...${row} /></td>
            <td class="number">${duration(row.seconds)}</td>
          </tr>`,
        )}
      </tbody>
      <tfoot>
        <tr><th scope="row">total</th><td></td><td class="number">${duration(seconds)}</td></tr>
      </tfoot>
    </table>
    ${attempts > 1 && html`<p class="muted">Each phase is the sum over ${attempts} attempts.</p>`}`;
}

/** @param {{ name: string, start: number, width: number }} props */
function Bar({ name, start, width }) {
  const wide = width > 0 ? Math.max(width, 0.4) : 0;
  return html`<svg class=${`bar ${name.replace(" ", "-")}`} width="100%" height="12" aria-hidden="true">
    <rect class="rail" x="0" y="5" width="100%" height="2" />
    <rect class="fill" x=${`${Math.min(start, 100 - wide)}%`} y="1" width=${`${wide}%`} height="10" rx="2" />
  </svg>`;
}

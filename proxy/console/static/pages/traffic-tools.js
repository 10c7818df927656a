/** The tools above the table: filter, pause. */

import { Choice } from "../parts/choice.js";
import { useCell } from "../state/cell.js";
import { overview } from "../state/model.js";
import { counted } from "../text/units.js";
import { html } from "../vendor/htm-preact.js";
import { STATUS_CHOICES } from "./traffic-filter.js";

/** @import { Filter } from "./traffic-filter.js" */

/**
 * @param {{ filter: Filter, change: (filter: Filter) => void, paused: boolean, waiting: number, toggle: () => void,
 *   shown: number, all: number }} props
 */
export function TrafficTools({ filter, change, paused, waiting, toggle, shown, all }) {
  const names = useCell(overview)?.routes.map(({ name }) => name) ?? [];
  /** @param {keyof Filter} name */
  const set = (name) => (/** @type {string} */ value) => change({ ...filter, [name]: value });
  const search = (/** @type {Event & { currentTarget: HTMLInputElement }} */ event) => set("text")(event.currentTarget.value);
  return html`<div class="tools" role="group" aria-label="Tools">
    <label class="grow">Filter
      <input id="filter" type="search" autocomplete="off" spellcheck=${false} value=${filter.text} onInput=${search}
        placeholder="path, sender, status, MPL id …" aria-keyshortcuts="/" />
    </label>
    <${Choice} name="Status" value=${filter.status} options=${STATUS_CHOICES} choose=${set("status")} />
    ${names.length > 1 &&
    html`<${Choice} name="Route" value=${filter.route} options=${[["", "any route"], ...names.map((each) => [each, each])]} choose=${set("route")} />`}
    <button type="button" aria-pressed=${paused} onClick=${toggle} aria-keyshortcuts="p">Pause</button>
    <span class="muted count">
      ${paused ? `Paused, ${waiting} new` : shown === all ? counted(all, "exchange") : `${shown} of ${all}`}
    </span>
  </div>`;
}

/** The tools above the table: filter, pause. */

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
  const routes = useCell(overview)?.routes ?? [];
  /** @param {keyof Filter} name */
  const set = (name) => (/** @type {Event & { currentTarget: HTMLInputElement | HTMLSelectElement }} */ event) =>
    change({ ...filter, [name]: event.currentTarget.value });
  return html`<div class="tools" role="group" aria-label="Tools">
    <label class="grow">Filter
      <input id="filter" type="search" autocomplete="off" spellcheck=${false} value=${filter.text} onInput=${set("text")}
        placeholder="path, sender, status, MPL id …" aria-keyshortcuts="/" />
    </label>
    <label>Status
      <select value=${filter.status} onChange=${set("status")}>
        ${STATUS_CHOICES.map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}
      </select>
    </label>
    ${routes.length > 1 &&
    html`<label>Route
      <select value=${filter.route} onChange=${set("route")}>
        <option value="">any route</option>
        ${routes.map(({ name }) => html`<option key=${name} value=${name}>${name}</option>`)}
      </select>
    </label>`}
    <button type="button" aria-pressed=${paused} onClick=${toggle} aria-keyshortcuts="p">Pause</button>
    <span class="muted count">
      ${paused ? `Paused, ${waiting} new` : shown === all ? counted(all, "exchange") : `${shown} of ${all}`}
    </span>
  </div>`;
}

/** The table of exchanges. A row is drawn once; one of them can be reached by Tab, the others from it by arrow keys. */

import { opens } from "../parts/row.js";
import { StatusCode } from "../parts/status.js";
import { addressOf, go } from "../state/hash.js";
import { REPLAY_NAMES } from "../text/story.js";
import { clockTime, dateTime, duration, milliseconds } from "../text/units.js";
import { visibleLine } from "../text/visible.js";
import { Component, html } from "../vendor/htm-preact.js";

/** @import { Summary } from "../types.js" */

const COLUMNS = ["Time", "Sender", "Method", "Path", "Route", "Status", "Duration", "Token", "MPL id"];

/** @typedef {{ exchange: Summary, isOpen: boolean, isStop: boolean }} RowProps */

/** @param {{ rows: Summary[], opened: string }} props */
export function TrafficTable({ rows, opened }) {
  const stop = rows.some((each) => each.id === opened) ? opened : rows[0].id;
  return html`<div class="wide"><table class="exchanges" aria-label="Exchanges, newest first">
    <thead>
      <tr>${COLUMNS.map((each) => html`<th key=${each} scope="col" class=${columnClass(each)}>${each}</th>`)}</tr>
    </thead>
    <tbody>
      ${rows.map((each) => html`<${Row} key=${each.id} exchange=${each} isOpen=${each.id === opened} isStop=${each.id === stop} />`)}
    </tbody>
  </table></div>`;
}

/** Gives a row the focus, if it is there. @param {string} id */
export function focusRow(id) {
  const row = document.querySelector(`tr[data-id="${CSS.escape(id)}"]`);
  if (row instanceof HTMLElement) row.focus();
}

/** @extends {Component<RowProps>} */
class Row extends Component {
  /** @param {RowProps} next */
  shouldComponentUpdate(next) {
    const { exchange, isOpen, isStop } = this.props;
    return next.exchange !== exchange || next.isOpen !== isOpen || next.isStop !== isStop;
  }

  /** @param {RowProps} props */
  render({ exchange, isOpen, isStop }) {
    const { id, at, sender, method, path, query, route, status, made_by, seconds, token, attempts, mpl_id, recorded } = exchange;
    const enter = (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter" && event.target === event.currentTarget) go("traffic", id);
    };
    return html`<tr data-id=${id} class=${isOpen ? "chosen" : ""} tabindex=${isStop ? 0 : -1} onClick=${opens("traffic", id)} onKeyDown=${enter}>
      <td class="time" title=${dateTime(at)}><a href=${addressOf("traffic", id)} tabindex="-1">${clockTime(at)}<span class="ms">${milliseconds(at)}</span></a></td>
      <td class="sender"><span class="cut">${visibleLine(sender) || "Unix socket"}</span></td>
      <td class="method">${visibleLine(method)}</td>
      <td class="path" title=${visibleLine(path + joined(query))}>
        <span class="cut">${visibleLine(path)}<span class="muted">${visibleLine(joined(query))}</span></span>
      </td>
      <td class="route"><span class="cut">${visibleLine(route) || html`<span class="muted">none</span>`}</span></td>
      <td class="status-cell">
        <${StatusCode} status=${status} />
        ${made_by !== "upstream" && html` <span class="tag">${visibleLine(made_by)}</span>`}
        ${attempts > 1 && html` <span class="tag" title=${`${attempts} attempts`}>${REPLAY_NAMES[exchange.replays[0]] ?? `${attempts} attempts`}</span>`}
        ${recorded && html` <span class="tag more" title="Fields and bodies were recorded">recorded</span>`}
      </td>
      <td class="number duration">${duration(seconds)}</td>
      <td class="token">${visibleLine(token)}</td>
      <td class="mpl-id"><code class="cut" title=${visibleLine(mpl_id)}>${visibleLine(mpl_id)}</code></td>
    </tr>`;
  }
}

/** @param {string} query @returns {string} */
function joined(query) {
  return query && !query.startsWith("?") ? `?${query}` : query;
}

/** @param {string} column @returns {string} */
function columnClass(column) {
  const name = column.toLowerCase().replace(" ", "-");
  return name === "duration" ? "number duration" : name === "status" ? "status-cell" : name;
}

/** The last exchanges, live: found by a filter, paused, opened. */

import { useKeys } from "../keys.js";
import { Command } from "../parts/copy.js";
import { Empty } from "../parts/empty.js";
import { useCell } from "../state/cell.js";
import { addressOf, go } from "../state/hash.js";
import { overview, traffic } from "../state/model.js";
import { firstMessage } from "../text/command.js";
import { counted } from "../text/units.js";
import { html, useEffect, useMemo, useRef, useState } from "../vendor/htm-preact.js";
import { ExchangeDetails } from "./exchange.js";
import { FirstSteps } from "./first-steps.js";
import { Recordings } from "./recordings.js";
import { NO_FILTER, matching } from "./traffic-filter.js";
import { TrafficTable, focusRow } from "./traffic-table.js";
import { TrafficTools } from "./traffic-tools.js";

/** @import { Traffic } from "../types.js" */

/** The filter outlives a look at another page. */
let lastFilter = NO_FILTER;

/** @param {{ id: string }} props of the exchange that is open */
export function TrafficPage({ id }) {
  const live = useCell(traffic);
  const [paused, pause] = useState(/** @type {Traffic | null} */ (null));
  const [filter, setFilter] = useState(lastFilter);
  const opened = useRef("");
  lastFilter = filter;
  const list = paused ?? live;
  const rows = useMemo(() => matching(list?.exchanges ?? [], filter), [list, filter]);
  const waiting = paused && live ? countBefore(live, paused) : 0;
  const close = () => go("traffic");
  useKeys([
    { key: "j ArrowDown", does: "Next exchange", run: (event) => step(event, 1) },
    { key: "k ArrowUp", does: "Previous exchange", run: (event) => step(event, -1) },
    { key: "Enter", does: "Open the exchange", run: () => {} },
    { key: "Escape", does: "Close the details, or leave the filter", run: () => (leaveFilter() ? undefined : id && close()) },
    { key: "/", does: "Filter", run: focusFilter },
    { key: "p", does: "Pause or go on", run: () => pause(paused ? null : live) },
  ]);
  useEffect(() => {
    if (opened.current && !id) focusRow(opened.current);
    opened.current = id;
  }, [id]);
  /** @param {KeyboardEvent} event @param {number} by */
  const step = (event, by) => {
    const target = event.target instanceof HTMLElement ? event.target : null;
    if (event.key.startsWith("Arrow") && target?.closest("pre, .details")) return; // they scroll there
    event.preventDefault();
    const from = target?.closest("tr")?.dataset.id ?? id;
    const at = rows.findIndex((each) => each.id === from);
    const next = rows[at < 0 ? 0 : at + by];
    if (!next) return;
    if (id) location.replace(addressOf("traffic", next.id)); // one "back" closes the details
    focusRow(next.id);
  };
  return html`<div class=${id ? "traffic open" : "traffic"}>
    <div class="list">
      <h1>Traffic</h1>
      <${TrafficTools} filter=${filter} change=${setFilter} paused=${paused !== null} waiting=${waiting}
        toggle=${() => pause(paused ? null : live)} shown=${rows.length} all=${list?.exchanges.length ?? 0} />
      <${Recordings} />
      ${list && !list.exchanges.length && html`<${NoTraffic} />`}
      ${list && list.exchanges.length > 0 && !rows.length && html`<${NoMatch} clear=${() => setFilter(NO_FILTER)} />`}
      ${rows.length > 0 && html`<${TrafficTable} rows=${rows} opened=${id} />`}
      ${live && html`<${FirstSteps} exchanges=${live.exchanges} />`}
      ${list && list.total > list.exchanges.length && html`<p class="muted">${counted(list.total - list.exchanges.length, "more exchange")} not listed.</p>`}
    </div>
    ${id && html`<${ExchangeDetails} key=${id} id=${id} close=${close} />`}
  </div>`;
}

function NoTraffic() {
  const command = firstMessage(useCell(overview));
  return html`<${Empty} title="No messages yet">
    <p>Each exchange appears here when it ends. <a href=${addressOf("send")}>Compose a message</a> here, or send one from a
      terminal, as a legacy system does:</p>
    ${command && html`<${Command} text=${command} />`}
  <//>`;
}

/** @param {{ clear: () => void }} props */
function NoMatch({ clear }) {
  return html`<${Empty} title="Nothing matches the filter">
    <button type="button" onClick=${clear}>Show all</button>
  <//>`;
}

/** How many exchanges came after those that are shown. @param {Traffic} live @param {Traffic} paused @returns {number} */
function countBefore(live, paused) {
  const newest = paused.exchanges[0]?.id;
  const at = live.exchanges.findIndex((each) => each.id === newest);
  return at < 0 ? live.exchanges.length : at;
}

/** @param {KeyboardEvent} event */
function focusFilter(event) {
  event.preventDefault();
  document.getElementById("filter")?.focus();
}

/** Leaves the filter for the first row; returns whether it had the focus. @returns {boolean} */
function leaveFilter() {
  const active = document.activeElement;
  if (active?.id !== "filter" || !(active instanceof HTMLElement)) return false;
  active.blur();
  return true;
}

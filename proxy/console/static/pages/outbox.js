/** What has been accepted for later delivery: by route, and message by message. */

import { Empty, Failure } from "../parts/empty.js";
import { Icon } from "../parts/icon.js";
import { announce } from "../parts/notice.js";
import { ask, reasonOf } from "../state/api.js";
import { useCell } from "../state/cell.js";
import { useNow } from "../state/clock.js";
import { outboxChanges, overview } from "../state/model.js";
import { age, seconds, size } from "../text/units.js";
import { visibleLine } from "../text/visible.js";
import { Wide } from "../parts/wide.js";
import { html, useEffect, useState } from "../vendor/htm-preact.js";
import { OutboxMessages } from "./outbox-messages.js";

/** @import { OutboxRoute } from "../types.js" */

/** Names and classes; a narrow window has no room for `more`. */
const COLUMNS = [["Route", ""], ["Waiting", "number"], ["Delivering", "number more"], ["Dead", "number"], ["Oldest", "number more"], ["Size", "number more"], ["State", ""]];

/** @param {{ id: string }} props of the message that is open */
export function OutboxPage({ id }) {
  const isThere = useCell(overview)?.pages.outbox;
  const changes = useCell(outboxChanges);
  const [routes, setRoutes] = useState(/** @type {OutboxRoute[] | null} */ (null));
  const [failure, setFailure] = useState("");
  const load = () =>
    ask("GET", "/outbox").then(
      (found) => {
        setRoutes(found.routes);
        setFailure("");
      },
      (error) => setFailure(reasonOf(error)),
    );
  useEffect(() => void (isThere && load()), [isThere, changes]);
  if (isThere === false) {
    return html`<h1>Outbox</h1>
      <${Empty} title="No route has an outbox"><p>A route with <code>outbox: {}</code> accepts messages at once, and delivers them later.</p><//>`;
  }
  return html`<h1>Outbox</h1>
    <${Failure} text=${failure} />
    ${routes && html`<${RouteTable} routes=${routes} changed=${load} />`}
    ${routes && html`<${OutboxMessages} id=${id} routes=${routes.map((each) => each.route)} changed=${load} />`}`;
}

/** @param {{ routes: OutboxRoute[], changed: () => void }} props */
function RouteTable({ routes, changed }) {
  const now = useNow();
  return html`<${Wide} label="Outbox by route"><table class="kept-routes" aria-label="Outbox by route">
    <thead>
      <tr>${COLUMNS.map(([name, classes]) => html`<th key=${name} scope="col" class=${classes}>${name}</th>`)}
        <th scope="col"><span class="visually-hidden">Action</span></th></tr>
    </thead>
    <tbody>
      ${routes.map(
        (each) => html`<tr key=${each.route}>
          <th scope="row" id=${`outbox-${each.route}`}>${visibleLine(each.route)}</th>
          <td class="number">${each.waiting}</td>
          <td class="number more">${each.delivering}</td>
          <td class="number">${each.dead ? html`<span class="state bad"><${Icon} name="bad" /> <b>${each.dead}</b></span>` : 0}</td>
          <td class="number more">${each.oldest_at ? age(now - seconds(each.oldest_at)) : ""}</td>
          <td class="number more">${size(each.bytes)}</td>
          <td>${each.held ? "held: accepts, does not deliver" : "delivers"}</td>
          <td><button type="button" aria-describedby=${`outbox-${each.route}`} onClick=${() => void hold(each, changed)}>${each.held ? "Resume" : "Hold"}</button></td>
        </tr>`,
      )}
    </tbody>
  </table><//>`;
}

/** Holds a route, or lets it go on. @param {OutboxRoute} route @param {() => void} changed */
async function hold({ route, held }, changed) {
  try {
    await ask("POST", `/outbox/routes/${encodeURIComponent(route)}/${held ? "resume" : "hold"}`);
    announce(held ? `${route} delivers again.` : `${route} is held.`);
  } catch (error) {
    announce(reasonOf(error));
  }
  changed();
}

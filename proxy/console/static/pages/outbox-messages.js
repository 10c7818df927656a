/** The messages of the outbox, page by page. */

import { Choice } from "../parts/choice.js";
import { Failure } from "../parts/empty.js";
import { ask, reasonOf } from "../state/api.js";
import { useCell } from "../state/cell.js";
import { addressOf, go } from "../state/hash.js";
import { outboxChanges } from "../state/model.js";
import { dateTime, size } from "../text/units.js";
import { visibleLine } from "../text/visible.js";
import { Wide } from "../parts/wide.js";
import { html, useEffect, useState } from "../vendor/htm-preact.js";
import { discarded } from "./discard.js";
import { OutboxMessageView } from "./outbox-message.js";

/** @import { OutboxMessage } from "../types.js" */

const STATES = ["", "waiting", "delivering", "dead"];
const COLUMNS = ["Accepted", "Message", "Route", "State", "Attempts", "Next attempt", "Size"];
const NUMBERS = new Set(["Attempts", "Size"]);
/** Messages that are asked for at a time. */
const PAGE = 100;

/** @param {{ id: string, routes: string[], changed: () => void }} props */
export function OutboxMessages({ id, routes, changed }) {
  const changes = useCell(outboxChanges);
  const gone = useCell(discarded);
  const [filter, setFilter] = useState({ route: "", state: "" });
  const [messages, setMessages] = useState(/** @type {OutboxMessage[]} */ ([]));
  const [next, setNext] = useState(/** @type {string | null} */ (null));
  const [failure, setFailure] = useState("");
  const load = async (after = "") => {
    const query = new URLSearchParams({ limit: String(PAGE) });
    for (const [name, value] of Object.entries({ ...filter, after })) if (value) query.set(name, value);
    try {
      const found = await ask("GET", `/outbox/messages?${query}`);
      setMessages((before) => (after ? [...before, ...found.messages] : found.messages));
      setNext(found.next ?? null);
      setFailure("");
    } catch (error) {
      setFailure(reasonOf(error));
    }
  };
  useEffect(() => void load(), [filter, changes]);
  const reload = () => {
    changed();
    void load();
  };
  const set = (/** @type {string} */ name) => (/** @type {string} */ value) => setFilter({ ...filter, [name]: value });
  const shown = messages.filter((each) => !gone.has(each.id));
  return html`<h2>Messages</h2>
    <div class="tools">
      <${Choice} name="Route" value=${filter.route} options=${[["", "any route"], ...routes.map((each) => [each, each])]} choose=${set("route")} />
      <${Choice} name="State" value=${filter.state} options=${STATES.map((each) => [each, each || "any state"])} choose=${set("state")} />
    </div>
    <${Failure} text=${failure} />
    ${shown.length ? html`<${Table} messages=${shown} opened=${id} />` : html`<p class="muted">No messages. A delivered message is not kept.</p>`}
    ${next && html`<button type="button" onClick=${() => void load(next)}>Show more</button>`}
    ${id && html`<${OutboxMessageView} key=${id} id=${id} changed=${reload} close=${() => go("outbox")} />`}`;
}

/** @param {{ messages: OutboxMessage[], opened: string }} props */
function Table({ messages, opened }) {
  return html`<${Wide} label="Messages"><table aria-label="Messages">
    <thead><tr>${COLUMNS.map((each) => html`<th key=${each} scope="col" class=${NUMBERS.has(each) ? "number" : ""}>${each}</th>`)}</tr></thead>
    <tbody>
      ${messages.map(
        (each) => html`<tr key=${each.id} class=${each.id === opened ? "chosen" : ""}>
          <td class="time">${dateTime(each.accepted_at)}</td>
          <td><a href=${addressOf("outbox", each.id)}><code>${visibleLine(each.id)}</code></a></td>
          <td>${visibleLine(each.route)}</td>
          <td>${visibleLine(each.state)}${each.code ? html` <span class="tag">${visibleLine(each.code)}</span>` : ""}</td>
          <td class="number">${each.attempts}</td>
          <td class="time">${each.next_at ? dateTime(each.next_at) : ""}</td>
          <td class="number">${size(each.bytes)}</td>
        </tr>`,
      )}
    </tbody>
  </table><//>`;
}

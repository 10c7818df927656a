/** The messages of the outbox, page by page. */

import { Choice } from "../parts/choice.js";
import { Failure } from "../parts/empty.js";
import { opens } from "../parts/row.js";
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
/** Names and classes; a narrow window has no room for `more`. */
const COLUMNS = [["Accepted", "accepted"], ["Message", ""], ["Route", "more"], ["State", "kept-state"], ["Attempts", "number more"], ["Next attempt", "more"], ["Size", "number more"]];
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
  return html`<${Wide} label="Messages"><table class="kept" aria-label="Messages">
    <thead><tr>${COLUMNS.map(([name, classes]) => html`<th key=${name} scope="col" class=${classes}>${name}</th>`)}</tr></thead>
    <tbody>
      ${messages.map(
        (each) => html`<tr key=${each.id} class=${each.id === opened ? "chosen" : ""} onClick=${opens("outbox", each.id)}>
          <td class="accepted">${dateTime(each.accepted_at)}</td>
          <td><a href=${addressOf("outbox", each.id)}><code class="cut">${visibleLine(each.id)}</code></a></td>
          <td class="more">${visibleLine(each.route)}</td>
          <td class="kept-state">${visibleLine(each.state)}${each.code ? html` <span class="tag">${visibleLine(each.code)}</span>` : ""}</td>
          <td class="number more">${each.attempts}</td>
          <td class="time more">${each.next_at ? dateTime(each.next_at) : ""}</td>
          <td class="number more">${size(each.bytes)}</td>
        </tr>`,
      )}
    </tbody>
  </table><//>`;
}

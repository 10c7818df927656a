/** One message of the outbox: what it is, what was tried, and what a person can decide. */

import { useKeys } from "../keys.js";
import { Failure } from "../parts/empty.js";
import { Facts, FieldTable } from "../parts/fields.js";
import { announce } from "../parts/notice.js";
import { Problem, ask, reasonOf } from "../state/api.js";
import { useCell } from "../state/cell.js";
import { outboxChanges } from "../state/model.js";
import { dateTime, size } from "../text/units.js";
import { visibleLine } from "../text/visible.js";
import { Wide } from "../parts/wide.js";
import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";
import { discard } from "./discard.js";

/** @import { OutboxMessageDetails } from "../types.js" */

/** @param {{ id: string, changed: () => void, close: () => void }} props */
export function OutboxMessageView({ id, changed, close }) {
  const [message, setMessage] = useState(/** @type {OutboxMessageDetails | null} */ (null));
  const [failure, setFailure] = useState("");
  const changes = useCell(outboxChanges);
  const title = useRef(/** @type {HTMLElement | null} */ (null));
  const path = `/outbox/messages/${encodeURIComponent(id)}`;
  const [isGone, setGone] = useState(false);
  const load = () =>
    ask("GET", path).then(setMessage, (error) => (error instanceof Problem && error.status === 404 ? setGone(true) : setFailure(reasonOf(error))));
  useEffect(() => void load(), [changes]);
  useEffect(() => title.current?.focus(), []);
  useKeys([{ key: "Escape", does: "Close the message", run: close }]);
  const retry = async () => {
    try {
      await ask("POST", `${path}/retry`);
    } catch (error) {
      setFailure(reasonOf(error));
      return;
    }
    announce("The message is due now.");
    changed();
    void load();
  };
  const drop = () => {
    discard(id);
    close();
  };
  return html`<section class="card" aria-labelledby="message-title">
    <div class="tools">
      <h2 id="message-title" ref=${title} tabindex="-1" class="grow wrap">Message ${visibleLine(id)}</h2>
      ${!isGone &&
      html`<button type="button" onClick=${() => void retry()}>Retry</button>
        <button type="button" class="danger" onClick=${drop}>Discard</button>
        <a class="button" href=${`${path}/body`} download>Download</a>`}
      <button type="button" onClick=${close}>Close</button>
    </div>
    <${Failure} text=${failure} />
    ${isGone ? html`<p>It is no longer in the outbox: it was delivered or discarded.</p>` : message && html`<${Contents} message=${message} />`}
  </section>`;
}

/** @param {{ message: OutboxMessageDetails }} props */
function Contents({ message }) {
  return html`<${Facts} label="Message" facts=${[
      ["State", message.state],
      ["Code", message.code],
      ["Diagnosis", message.history[message.history.length - 1]?.diagnosis],
      ["Request", `${message.method} ${message.target}`],
      ["Sender's id", message.message_id],
      ["Accepted", dateTime(message.accepted_at)],
      ["Next attempt", message.next_at && dateTime(message.next_at)],
      ["Size", size(message.bytes)],
    ]} />
    <h3>Attempts</h3>
    ${message.history.length
      ? html`<${Wide} label="Attempts"><table class="attempts" aria-label="Attempts">
          <thead><tr>${["Time", "Status", "Code", "Diagnosis", "MPL id"].map((each) => html`<th key=${each} scope="col">${each}</th>`)}</tr></thead>
          <tbody>${message.history.map(
            (each, at) => html`<tr key=${at}>
              <td class="time">${dateTime(each.at)}</td><td>${each.status ?? "none"}</td><td>${visibleLine(each.code)}</td>
              <td class="wrap">${visibleLine(each.diagnosis)}</td><td><code class="wrap">${visibleLine(each.mpl_id)}</code></td>
            </tr>`,
          )}</tbody>
        </table><//>`
      : html`<p class="muted">None yet.</p>`}
    <h3>Fields</h3>
    <${FieldTable} fields=${message.fields} label="Fields of the message" />`;
}

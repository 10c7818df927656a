/** Requests to send again: what this browser has sent, and what was imported. Import and export of both. */

import { Failure } from "../parts/empty.js";
import { announce } from "../parts/notice.js";
import { ask, reasonOf, request } from "../state/api.js";
import { Cell, useCell } from "../state/cell.js";
import { dateTime } from "../text/units.js";
import { parsedFields } from "../text/fields.js";
import { visibleLine } from "../text/visible.js";
import { html, useState } from "../vendor/htm-preact.js";
import { draft, fillIn } from "./draft.js";
import { forget, history } from "./history.js";

/** @import { Imported, SavedRequest } from "../types.js" */
/** @import { Sent } from "./history.js" */

/** @type {Cell<Imported>} */
const imported = new Cell(/** @type {Imported} */ ({ requests: [], skipped: [] }));

export function Saved() {
  const sent = useCell(history);
  const { requests, skipped } = useCell(imported);
  const [failure, setFailure] = useState("");
  const [over, setOver] = useState(false);
  const read = (/** @type {File | undefined} */ file) =>
    file && readCollection(file).then(() => setFailure(""), (error) => setFailure(reasonOf(error)));
  const drop = (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    setOver(false);
    void read(event.dataTransfer?.files[0]);
  };
  const drag = (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    setOver(true);
  };
  const pick = (/** @type {Event & { currentTarget: HTMLInputElement }} */ event) => {
    void read(event.currentTarget.files?.[0]);
    event.currentTarget.value = ""; // so that the same file can be chosen again
  };
  const save = () => exportHttp([...requests, ...sent]).catch((error) => setFailure(reasonOf(error)));
  return html`<section class=${over ? "card saved over" : "card saved"} aria-label="Saved requests" onDrop=${drop} onDragOver=${drag} onDragLeave=${() => setOver(false)}>
    <div class="tools">
      <span class="button pick">Import<input type="file" aria-label="Import" aria-describedby="import-note" onChange=${pick} /></span>
      <button type="button" onClick=${save}>Export</button>
      <span id="import-note" class="muted grow">A Postman collection or .http file; or drop it here.</span>
    </div>
    <${Failure} text=${failure} />
    ${requests.length > 0 && html`<h2>Imported</h2><${List} requests=${requests} />`}
    ${skipped.length > 0 &&
    html`<details open><summary>${skipped.length} not imported</summary>
      <ul class="skipped">${skipped.map((each, at) => html`<li key=${at}><b>${visibleLine(each.name)}</b>: ${visibleLine(each.reason)}</li>`)}</ul>
    </details>`}
    ${sent.length > 0 && html`<div class="tools"><h2 class="grow">History</h2><button type="button" class="quiet" onClick=${forget}>Clear history</button></div>
      <${List} requests=${sent} />`}
    ${!sent.length && html`<p class="muted">What you have sent from this browser is listed here.</p>`}
  </section>`;
}

/** @param {{ requests: (SavedRequest & Partial<Sent>)[] }} props */
function List({ requests }) {
  return html`<ul class="requests">
    ${requests.map(
      (each, at) => html`<li key=${at}>
        <button type="button" class="entry" onClick=${() => choose(each)}>
          <span class="name">${visibleLine(each.name)}</span>
          <span class="muted">
            ${[each.name === `${each.method} ${each.path || "/"}` ? "" : `${each.method} ${each.path}`, each.route, each.at && dateTime(each.at), each.bodyKept === false && "body not kept"]
              .filter(Boolean)
              .map(visibleLine)
              .join(", ")}
          </span>
        </button>
      </li>`,
    )}
  </ul>`;
}

/** @param {SavedRequest & Partial<Sent>} saved */
function choose(saved) {
  fillIn(saved);
  announce(saved.bodyKept === false ? "Filled in. The body was not kept: add it again." : "Filled in.");
}

/** @param {File} file */
async function readCollection(file) {
  imported.set(await ask("POST", "api/import", { body: await file.text() }));
}

/** Saves the requests as a file; without any, what the form has. @param {(SavedRequest & Partial<Sent>)[]} requests */
async function exportHttp(requests) {
  const whole = requests.filter((each) => each.bodyKept !== false);
  const { file, fields, ...form } = draft.value;
  const own = { ...form, name: `${form.method} ${form.path}`, fields: parsedFields(fields).fields };
  const chosen = requests.length ? whole : [own];
  const json = { requests: chosen.map(({ name, route, method, path, fields: each, body }) => ({ name, route, method, path, fields: each, body })) };
  const response = await request("POST", "api/export", { json });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = "requests.http";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  if (whole.length < requests.length) announce("Requests whose bodies were not kept are left out.");
}

/** The form of a message: route, method, path, fields and body. */

import { Choice } from "../parts/choice.js";
import { useCell } from "../state/cell.js";
import { useNow } from "../state/clock.js";
import { overview } from "../state/model.js";
import { size } from "../text/units.js";
import { visibleLine } from "../text/visible.js";
import { html, useRef } from "../vendor/htm-preact.js";
import { draft, routeOf } from "./draft.js";
import { Examples } from "./examples.js";
import { addedType } from "./sending.js";

/** @import { Route } from "../types.js" */
/** @import { Draft } from "./draft.js" */

const METHODS = ["POST", "GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/** @typedef {Event & { currentTarget: HTMLInputElement | HTMLTextAreaElement }} Input */

/**
 * @param {{ form: Draft, routes: Route[], since: number, submit: () => void, cancel: () => void }} props
 */
export function SendForm({ form, routes, since, submit, cancel }) {
  const route = routeOf(form, routes);
  /** @param {keyof Draft} name */
  const choose = (name) => (/** @type {string} */ value) => draft.set({ ...form, [name]: value });
  /** @param {keyof Draft} name */
  const set = (name) => (/** @type {Input} */ event) => choose(name)(event.currentTarget.value);
  const send = (/** @type {Event} */ event) => {
    event.preventDefault();
    submit();
  };
  const hurried = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit();
  };
  const methods = [...new Set([form.method, ...(route?.methods ?? METHODS)])];
  return html`<form class="card" aria-label="Message" onSubmit=${send} onKeyDown=${hurried}>
    <${Examples} />
    <div class="row">
      <${Choice} name="Route" value=${route?.name ?? ""} options=${routes.map(({ name }) => [name, name])} choose=${choose("route")} />
      <${Choice} name="Method" value=${form.method} options=${methods.map((each) => [each, each])} choose=${choose("method")} />
      <label class="grow">Path
        <input type="text" value=${form.path} onInput=${set("path")} spellcheck=${false} autocomplete="off"
          placeholder="/orders?date=2026-03-01" aria-describedby="target" />
      </label>
    </div>
    <p id="target" class="muted wrap">${route && html`<${Target} route=${route} path=${form.path.trim()} />`}</p>
    <label>Fields
      <textarea rows="3" class="code" value=${form.fields} onInput=${set("fields")} spellcheck=${false}
        placeholder="Name: value, one a line" aria-describedby="fields-note"></textarea>
    </label>
    <p id="fields-note" class="muted">${addedType(form) ? `Content-Type: ${addedType(form)} is added. ` : ""}The proxy adds its access token.</p>
    <label>Body
      <textarea rows="9" class="code" value=${form.body} disabled=${form.file !== null} onInput=${set("body")} spellcheck=${false}></textarea>
    </label>
    <${FileChoice} form=${form} />
    <div class="tools">
      <button type="submit" class="main" aria-disabled=${since > 0} title="Ctrl+Enter">Send</button>
      <button type="button" disabled=${!since} onClick=${cancel}>Cancel</button>
      ${since > 0 && html`<${Elapsed} since=${since} />`}
    </div>
  </form>`;
}

/** Where the message goes. @param {{ route: Route, path: string }} props */
function Target({ route, path }) {
  const url = useCell(overview)?.proxy_urls[0]?.replace(/\/$/, "") ?? "";
  const [sender, upstream] = [url + route.path, route.upstream].map((each) => visibleLine(each.replace(/\/$/, "") + path));
  const later = route.outbox ? " This route has an outbox: it answers at once, and delivers later." : "";
  return html`A sender uses <code>${sender}</code>. The proxy forwards to <code>${upstream}</code> as OAuth client${" "}
    ${visibleLine(route.oauth_client)}.${later}`;
}

/** @param {{ form: Draft }} props */
function FileChoice({ form }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const choose = () => draft.set({ ...form, file: input.current?.files?.[0] ?? null });
  const clear = () => {
    if (input.current) input.current.value = "";
    draft.set({ ...form, file: null });
  };
  return html`<div class="row">
    <label class="grow">File <input type="file" ref=${input} onChange=${choose} /></label>
    ${form.file && html`<p class="file">Instead of the text: ${visibleLine(form.file.name)}, ${size(form.file.size)}
      <button type="button" onClick=${clear}>Remove</button></p>`}
  </div>`;
}

/** @param {{ since: number }} props */
function Elapsed({ since }) {
  useNow(true, 0.1);
  return html`<span class="muted" role="timer">on its way for ${((performance.now() - since) / 1000).toFixed(1)} s</span>`;
}

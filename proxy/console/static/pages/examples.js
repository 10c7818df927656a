/** The two requests of SAP's example, for the sandbox: a person who has nothing yet can send something. */

import { useCell } from "../state/cell.js";
import { overview } from "../state/model.js";
import { html } from "../vendor/htm-preact.js";
import { fillIn } from "./draft.js";

/** @import { Field, SavedRequest } from "../types.js" */

/** @type {Omit<SavedRequest, "route">[]} */
const EXAMPLES = [
  {
    name: "Order",
    method: "POST",
    path: "/orders",
    fields: /** @type {Field[]} */ ([["Content-Type", "application/json"]]),
    body: '{"productIdentifier":"HT-1080"}',
  },
  {
    name: "Fetch a CSRF token",
    method: "GET",
    path: "/orders",
    fields: /** @type {Field[]} */ ([["X-CSRF-Token", "fetch"]]),
    body: "",
  },
];

export function Examples() {
  const known = useCell(overview);
  const route = known?.routes.find((each) => each.path === "/http");
  if (!known?.pages.sandbox || !route) return null;
  return html`<div class="tools" role="group" aria-label="Examples">
    <span class="muted">SAP's example:</span>
    ${EXAMPLES.map(
      (each) => html`<button key=${each.name} type="button" onClick=${() => fillIn({ ...each, route: route.name })}>${each.name}</button>`,
    )}
  </div>`;
}

/** Fields of a message, as a table. */

import { MASK } from "../text/fields.js";
import { visibleLine } from "../text/visible.js";
import { html } from "../vendor/htm-preact.js";

/** @import { Field } from "../types.js" */

/** @param {{ fields: Field[], label: string }} props */
export function FieldTable({ fields, label }) {
  if (!fields.length) return html`<p class="muted">No fields.</p>`;
  const masked = fields.some(([, value]) => value === MASK);
  return html`<table class="pairs fields" aria-label=${label}>
      <tbody>
        ${fields.map(
          ([name, value], at) => html`<tr key=${at}>
            <th scope="row">${visibleLine(name)}</th>
            <td>${visibleLine(value)}</td>
          </tr>`,
        )}
      </tbody>
    </table>
    ${masked && html`<p class="muted">${MASK} stands for a credential; it is never shown here.</p>`}`;
}

/**
 * Facts about something, as a table; empty ones are left out.
 * @param {{ facts: [string, unknown][], label: string }} props
 */
export function Facts({ facts, label }) {
  const known = facts.filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return html`<table class="pairs" aria-label=${label}>
    <tbody>
      ${known.map(
        ([name, value]) => html`<tr key=${name}>
          <th scope="row">${name}</th>
          <td>${typeof value === "object" ? value : visibleLine(value)}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}

/** Whether the page is up to date, and what to do if it is signed out. */

import { useCell } from "../state/cell.js";
import { connection } from "../state/model.js";
import { CONSOLE } from "../text/command.js";
import { html } from "../vendor/htm-preact.js";
import { Command } from "./copy.js";

/** @type {Record<string, { text: string, tone: string, title: string }>} */
const STATES = {
  connecting: { text: "Connecting", tone: "note", title: "" },
  live: { text: "Live", tone: "good", title: "The page shows what happens as it happens." },
  lost: { text: "Not connected, trying again", tone: "bad", title: "What the page shows may be old." },
  busy: { text: "Too many pages, trying again", tone: "bad", title: "Close another page of this console." },
  "signed out": { text: "Signed out", tone: "bad", title: "" },
};

export function ConnectionState() {
  const { text, tone, title } = STATES[useCell(connection)];
  return html`<p class=${`connection ${tone}`} role="status" title=${title}><span class="dot" aria-hidden="true"></span>${text}</p>`;
}

export function SignedOut() {
  if (useCell(connection) !== "signed out") return null;
  return html`<section class="callout bad frame-note" role="alert" aria-label="Signed out">
    <p>
      <b>This page is signed out.</b> The proxy was started again, or twelve hours have passed. Run this command on the
      machine of the proxy, and open the address that it prints:
    </p>
    <${Command} text=${CONSOLE} />
  </section>`;
}

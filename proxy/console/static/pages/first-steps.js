/** What to try first in the sandbox: below the table, as long as that is short. */

import { useCell } from "../state/cell.js";
import { addressOf } from "../state/hash.js";
import { overview } from "../state/model.js";
import { html } from "../vendor/htm-preact.js";

/** @import { Summary } from "../types.js" */

/** Exchanges after which nobody needs it any more. */
const ENOUGH = 12;

/** @param {{ exchanges: Summary[] }} props */
export function FirstSteps({ exchanges }) {
  const isSandbox = useCell(overview)?.pages.sandbox;
  if (!isSandbox || exchanges.length > ENOUGH) return null;
  const handshake = exchanges.find((each) => each.replays.includes("fetch_csrf"));
  return html`<section class="empty" aria-labelledby="first-steps">
    <h2 id="first-steps">Try it</h2>
    <ol class="numbered">
      ${handshake && html`<li>Open a row: it tells what happened, step by step. The one with
        ${" "}<a href=${addressOf("traffic", handshake.id)}>CSRF handshake</a> shows what the proxy does for its senders.</li>`}
      <li>On the page Send, <a href=${addressOf("send")}>try SAP's example</a> yourself. It is listed here, with the sender console.</li>
      <li>On the page Sandbox, <a href=${addressOf("sandbox")}>switch on a fault</a>, such as runtime.role_missing, and send again. Then
        open that row: it tells what the error means, and what to do.</li>
    </ol>
  </section>`;
}

/** The OAuth clients: whether each has a token, for how long, and what went wrong last. */

import { Empty } from "../parts/empty.js";
import { useCell } from "../state/cell.js";
import { useNow } from "../state/clock.js";
import { clients, overview } from "../state/model.js";
import { html } from "../vendor/htm-preact.js";
import { ClientCard } from "./client.js";

export function ClientsPage() {
  const known = useCell(clients);
  const config = useCell(overview)?.config;
  const now = useNow();
  return html`<h1>OAuth clients</h1>
    ${known && !known.length && html`<${Empty} title="There is no OAuth client"><p>Add one to <code>oauth_clients</code> in <code>${config}</code>.</p><//>`}
    <div class="cards">${known?.map((each) => html`<${ClientCard} key=${each.name} client=${each} now=${now} />`)}</div>`;
}

/** The routes: what goes where, who may use it, what is connected, and whether the tenant can be reached. */

import { Empty } from "../parts/empty.js";
import { Facts } from "../parts/fields.js";
import { Icon } from "../parts/icon.js";
import { useCell } from "../state/cell.js";
import { loadOverview } from "../state/live.js";
import { overview } from "../state/model.js";
import { size } from "../text/units.js";
import { visibleLine } from "../text/visible.js";
import { html, useEffect } from "../vendor/htm-preact.js";
import { Check } from "./check.js";

/** @import { Route } from "../types.js" */

/** Seconds between two looks at the connections. */
const PERIOD = 5;

export function RoutesPage() {
  const known = useCell(overview);
  useEffect(() => {
    const load = () => document.hidden || loadOverview().catch(() => {}); // the frame tells that the proxy is away
    void load();
    const timer = setInterval(load, PERIOD * 1000);
    return () => clearInterval(timer);
  }, []);
  return html`<h1>Routes</h1>
    ${known && html`<p class="muted">From <code class="wrap">${visibleLine(known.config)}</code>. Senders use ${known.proxy_urls.map((url, at) => html`${at > 0 && ", "}<code class="wrap">${visibleLine(url)}</code>`)}.</p>`}
    ${known && !known.routes.length && html`<${Empty} title="There is no route"><p>Add one to <code>routes</code> in <code>${known.config}</code>.</p><//>`}
    <div class="cards">${known?.routes.map((each) => html`<${RouteCard} key=${each.name} route=${each} />`)}</div>`;
}

/** @param {{ route: Route }} props */
function RouteCard({ route }) {
  const id = `route-${route.name}`;
  return html`<section class="card" aria-labelledby=${id}>
    <h2 id=${id} class="wrap">${visibleLine(route.name)}</h2>
    <p class="way"><code class="wrap">${visibleLine((route.host ?? "") + route.path)}</code> <${Icon} name="arrow" /><span class="visually-hidden">goes to</span>
      <code class="wrap">${visibleLine(route.upstream)}</code></p>
    <${Facts} label="Route" facts=${[
      ["OAuth client", route.oauth_client],
      ["Methods", route.methods?.join(", ") ?? "all"],
      ["CSRF", route.csrf],
      ["Largest body", route.max_body === null ? "not limited" : size(route.max_body)],
      ["Delivery", route.outbox ? "later, by the outbox" : "at once"],
      ["Connections", `${route.connections.leased} in use, ${route.connections.idle} idle`],
    ]} />
    <h3>Who may send</h3>
    ${route.fences.length
      ? html`<ul class="fences">${route.fences.map((each, at) => html`<li key=${at} class="wrap">${visibleLine(each)}</li>`)}</ul>`
      : html`<p>Anyone who can connect to the proxy.</p>`}
    <${Check} route=${route.name} describedBy=${id} />
  </section>`;
}

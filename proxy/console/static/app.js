/** The frame of all pages: navigation, connection, theme, and the page that the address names. */

import { KeysDialog, showKeys } from "./keys.js";
import { ClientsPage } from "./pages/clients.js";
import { OutboxPage } from "./pages/outbox.js";
import { RoutesPage } from "./pages/routes.js";
import { SandboxPage } from "./pages/sandbox.js";
import { SendPage } from "./pages/send.js";
import { TrafficPage } from "./pages/traffic.js";
import { ConnectionState, SignedOut } from "./parts/connection.js";
import { Notice } from "./parts/notice.js";
import { useCell } from "./state/cell.js";
import { addressOf, place } from "./state/hash.js";
import { overview } from "./state/model.js";
import { THEMES, choose, theme } from "./state/theme.js";
import { html, useEffect, useRef } from "./vendor/htm-preact.js";

/** @type {{ page: string, name: string, Page: (props: { id: string }) => unknown }[]} */
const PAGES = [
  { page: "traffic", name: "Traffic", Page: TrafficPage },
  { page: "send", name: "Send", Page: SendPage },
  { page: "clients", name: "OAuth clients", Page: ClientsPage },
  { page: "routes", name: "Routes", Page: RoutesPage },
  { page: "outbox", name: "Outbox", Page: OutboxPage },
  { page: "sandbox", name: "Sandbox", Page: SandboxPage },
];

export function App() {
  const { page, id } = useCell(place);
  const there = useCell(overview)?.pages;
  const { Page, name } = PAGES.find((each) => each.page === page) ?? PAGES[0];
  const hidden = ["outbox", "sandbox"].filter((each) => !there?.[/** @type {"outbox" | "sandbox"} */ (each)]);
  const main = useRef(/** @type {HTMLElement | null} */ (null));
  useTitle(name, main);
  return html`<a class="skip-link" href="#main" onClick=${(/** @type {Event} */ event) => skip(event, main.current)}>Skip to content</a>
    <header>
      <p class="brand">cpi-oauth-proxy <span class="muted">console</span></p>
      <nav aria-label="Pages">
        <ul>
          ${PAGES.filter((each) => !hidden.includes(each.page)).map(
            (each) => html`<li key=${each.page}>
              <a href=${addressOf(each.page)} aria-current=${each.name === name ? "page" : undefined}>${each.name}</a>
            </li>`,
          )}
        </ul>
      </nav>
      <div class="frame-tools">
        <${ConnectionState} />
        <${ThemeChoice} />
        <button type="button" class="quiet" aria-label="Keys" title="Keys (?)" onClick=${showKeys}>?</button>
      </div>
    </header>
    <${SignedOut} />
    <main id="main" ref=${main} tabindex="-1"><${Page} key=${name} id=${id} /></main>
    <${Notice} />
    <${KeysDialog} hidden=${hidden} />`;
}

/**
 * Gives the tab the page's name, and moves the focus to the page when another one is shown.
 * @param {string} name
 * @param {{ current: HTMLElement | null }} main
 */
function useTitle(name, main) {
  const before = useRef("");
  useEffect(() => {
    document.title = `${name} · cpi-oauth-proxy`;
    document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (before.current) {
      scrollTo(0, 0);
      if (!main.current?.contains(document.activeElement)) main.current?.focus({ preventScroll: true });
    }
    before.current = name;
  }, [name]);
}

/** Moves the focus; the address stays as it is, because it names the page. @param {Event} event @param {HTMLElement | null} main */
function skip(event, main) {
  event.preventDefault();
  main?.focus();
}

function ThemeChoice() {
  const chosen = useCell(theme);
  const change = (/** @type {Event & { currentTarget: HTMLSelectElement }} */ event) => choose(event.currentTarget.value);
  return html`<select class="quiet" aria-label="Theme" value=${chosen} onChange=${change}>
    ${Object.entries(THEMES).map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}
  </select>`;
}

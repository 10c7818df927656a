/** Starts the console. */

import { App } from "./app.js";
import { followKeyboard } from "./keys.js";
import { followAddress } from "./state/hash.js";
import { connect, followAttention } from "./state/live.js";
import { apply } from "./state/theme.js";
import { html, render } from "./vendor/htm-preact.js";

apply();
followAddress();
followKeyboard();
followAttention();
const root = /** @type {HTMLElement} */ (document.getElementById("app"));
root.replaceChildren();
render(html`<${App} />`, root);
void connect();

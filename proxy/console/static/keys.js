/** The keyboard: keys of the page that is shown, `g` and a letter for the others, and a list of them all. */

import { go } from "./state/hash.js";
import { Cell, useCell } from "./state/cell.js";
import { html, useEffect, useRef } from "./vendor/htm-preact.js";

/** @typedef {{ key: string, does: string, run: (event: KeyboardEvent) => void }} Key */

/** Pages by the letter after `g`. @type {Record<string, { page: string, name: string }>} */
export const PAGE_LETTERS = {
  t: { page: "traffic", name: "Traffic" },
  s: { page: "send", name: "Send" },
  c: { page: "clients", name: "OAuth clients" },
  r: { page: "routes", name: "Routes" },
  o: { page: "outbox", name: "Outbox" },
  x: { page: "sandbox", name: "Sandbox" },
};

/** Milliseconds that `g` waits for its letter. */
const PATIENCE = 1500;

const helpOpen = new Cell(false);
/** @type {Set<Ref>} */
const registered = new Set();
let goingSince = 0;

/** @typedef {{ current: Key[] | null }} Ref */

/** Adds keys while a component is shown. @param {Key[]} keys */
export function useKeys(keys) {
  const ref = useRef(keys);
  ref.current = keys;
  useEffect(() => {
    registered.add(ref);
    return () => void registered.delete(ref);
  }, []);
}

/** Opens the list of keys. */
export function showKeys() {
  helpOpen.set(true);
}

/** Listens to the keyboard from now on. */
export function followKeyboard() {
  addEventListener("keydown", pressed);
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || helpOpen.value) return;
  const typing = isTyping(event.target);
  if (typing && event.key !== "Escape") return;
  if (goesToPage(event)) return;
  if (event.key === "?") {
    event.preventDefault();
    showKeys();
    return;
  }
  const keys = [...registered].reverse().flatMap((each) => each.current ?? []);
  const key = keys.find((each) => each.key.split(" ").includes(event.key));
  if (key) key.run(event);
}

/** @param {KeyboardEvent} event @returns {boolean} */
function goesToPage(event) {
  const going = event.timeStamp - goingSince < PATIENCE && goingSince > 0;
  goingSince = event.key === "g" && !going ? event.timeStamp : 0;
  const target = going ? PAGE_LETTERS[event.key] : undefined;
  if (target) go(target.page);
  return Boolean(target) || goingSince > 0;
}

/** @param {EventTarget | null} target @returns {boolean} */
function isTyping(target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "button", "file"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
}

/** The dialog that lists the keys. @param {{ hidden: string[] }} props pages that are not there */
export function KeysDialog({ hidden }) {
  const open = useCell(helpOpen);
  return open ? html`<${KeysList} hidden=${hidden} />` : null;
}

/** @param {{ hidden: string[] }} props */
function KeysList({ hidden }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const before = useRef(document.activeElement);
  useEffect(() => {
    dialog.current?.showModal();
    return () => {
      if (before.current instanceof HTMLElement) before.current.focus(); // the dialog is gone before it could do that
    };
  }, []);
  const pages = Object.entries(PAGE_LETTERS).filter(([, { page }]) => !hidden.includes(page));
  const here = [...registered].flatMap((each) => each.current ?? []).filter((each) => each.does);
  return html`<dialog ref=${dialog} aria-labelledby="keys-title" onClose=${() => helpOpen.set(false)}>
    <h2 id="keys-title">Keys</h2>
    <table class="keys">
      <tbody>
        ${here.map(({ key, does }) => html`<tr key=${key}><th scope="row"><${Keys} text=${key} /></th><td>${does}</td></tr>`)}
        ${pages.map(
          ([letter, { name }]) => html`<tr key=${letter}><th scope="row"><kbd>g</kbd> <kbd>${letter}</kbd></th><td>${name}</td></tr>`,
        )}
        <tr><th scope="row"><kbd>?</kbd></th><td>This list</td></tr>
      </tbody>
    </table>
    <form method="dialog"><button>Close</button></form>
  </dialog>`;
}

/** @type {Record<string, string>} */
const SIGNS = { ArrowDown: "↓", ArrowUp: "↑", Escape: "Esc" };

/** @param {{ text: string }} props */
function Keys({ text }) {
  return text.split(" ").map((each) => html`<kbd key=${each}>${SIGNS[each] ?? each}</kbd> `);
}

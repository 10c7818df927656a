/** A switch with its name. It shows what was chosen at once, and the true state as soon as the proxy has said it. */

import { reasonOf } from "../state/api.js";
import { html, useEffect, useState } from "../vendor/htm-preact.js";
import { announce } from "./notice.js";

/**
 * @param {{ name: string, on: boolean, change: (on: boolean) => Promise<unknown>, describedBy?: string }} props
 */
export function Switch({ name, on, change, describedBy }) {
  const [chosen, setChosen] = useState(on);
  useEffect(() => setChosen(on), [on]);
  const flip = async (/** @type {Event & { currentTarget: HTMLInputElement }} */ event) => {
    const wanted = event.currentTarget.checked;
    setChosen(wanted);
    try {
      await change(wanted);
    } catch (error) {
      setChosen(!wanted);
      announce(`${name} stays as it was. ${reasonOf(error)}`);
    }
  };
  return html`<label class="switch">
    <input type="checkbox" role="switch" checked=${chosen} aria-describedby=${describedBy} onChange=${flip} />
    <span class="wrap">${name}</span>
  </label>`;
}

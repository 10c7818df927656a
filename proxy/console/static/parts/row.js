/** A row of a table that opens what it is about, wherever it is clicked; the link in it is for the keyboard and other tabs. */

import { go } from "../state/hash.js";

/** @param {string} page @param {string} id @returns {(event: MouseEvent) => void} */
export function opens(page, id) {
  return (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // the link opens another tab
    if (getSelection()?.type !== "Range") go(page, id); // a selection is there to be copied
  };
}

/** A value that components watch. */

import { useEffect, useState } from "../vendor/htm-preact.js";

/** @template T */
export class Cell {
  /** @param {T} value */
  constructor(value) {
    this.value = value;
    /** @type {Set<() => void>} */
    this.watchers = new Set();
  }

  /** Sets the value and tells the watchers. @param {T} value */
  set(value) {
    this.value = value;
    for (const each of [...this.watchers]) each();
  }
}

/**
 * Returns the value of a cell, and renders the component again when it changes.
 * @template T
 * @param {Cell<T>} cell
 * @returns {T}
 */
export function useCell(cell) {
  const [, draw] = useState({});
  useEffect(() => {
    const watcher = () => draw({});
    cell.watchers.add(watcher);
    watcher(); // it may have changed between the first rendering and now
    return () => void cell.watchers.delete(watcher);
  }, [cell]);
  return cell.value;
}

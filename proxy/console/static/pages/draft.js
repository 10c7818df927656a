/** The content of the form on the Send page, which is kept while another page is shown. */

import { Cell } from "../state/cell.js";
import { fieldLines } from "../text/fields.js";

/** @import { Route, SavedRequest } from "../types.js" */

/** @typedef {{ route: string, method: string, path: string, fields: string, body: string, file: File | null }} Draft */

/** @type {Draft} */
const NOTHING = { route: "", method: "POST", path: "", fields: "", body: "", file: null };

/** @type {Cell<Draft>} */
export const draft = new Cell(NOTHING);

/** Whether the draft is to be sent as soon as the Send page is there. */
export const wanted = new Cell(false);

/** The route that the draft names, else the first. @param {Draft} from @param {Route[]} routes @returns {Route | undefined} */
export function routeOf(from, routes) {
  return routes.find((each) => each.name === from.route) ?? routes[0];
}

/** Fills in the form. @param {SavedRequest} saved */
export function fillIn({ route, method, path, fields, body }) {
  draft.set({ route, method, path, fields: fieldLines(fields), body, file: null });
}

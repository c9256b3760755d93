// An error in place of a view or of a part of it.

import { ApiError } from "./api.js";
import { announce, el } from "./dom.js";

/** A notice with the message of an error, and a button that tries again if that may help. */
export function notice(error, retry) {
  const message = error instanceof ApiError ? error.message : "An error occurred; see the console of the browser.";
  announce(message);
  const button = error.isTemporary ? el("button", { class: "primary", type: "button", onclick: () => retry() }, "Try again") : null;
  return el("div", { class: "notice" }, el("p", { role: "alert" }, message), button);
}

export class Problem {
  constructor(error, retry) {
    this.element = notice(error, retry);
  }

  // The keys of other views do nothing here

  close() {}

  move() {}

  toggle() {}

  open() {}
}

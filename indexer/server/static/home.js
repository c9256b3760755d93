// Start page: all recordings sorted by path.

import { cache, get, library } from "./api.js";
import { el } from "./dom.js";
import { recordingItem } from "./recording.js";
import { count, duration } from "./format.js";

const PAGE = 100;

export class Home {
  constructor() {
    this.list = el("ol", { class: "recordings" });
    this.more = el("button", { class: "primary more", type: "button", hidden: true, onclick: () => this.loadPage() }, "Show more");
    this.tally = el("p", { class: "details" });
    this.adding = el("a", { class: "add-link", href: "/add", hidden: true }, "Add recordings");
    this.element = el("div", { class: "home" }, el("h1", {}, "Search speech"), this.tally, this.adding, this.list, this.more);
  }

  async load(signal) {
    const totals = await library();
    this.adding.hidden = !totals.changes;
    this.tally.textContent = totals.recordings
      ? `${count(totals.recordings, "recording")}, ${duration(totals.seconds)}, ${count(totals.words, "word")}`
      : `The index is empty. ${totals.changes ? "" : "Run “audiosearch index FOLDER”."}`;
    await this.loadPage(signal);
  }

  /** Append the next page of recordings. */
  async loadPage(signal) {
    const offset = this.list.children.length;
    const response = await get("/recordings", { offset, limit: PAGE }, signal);
    for (const recording of response.recordings) this.list.append(recordingItem(cache(recording)));
    this.more.hidden = this.list.children.length >= response.total;
  }

  // The keys of other views do nothing here

  close() {}

  move() {}

  toggle() {}

  open() {}
}

// What there is: all recordings by path.

import { get, keep, library } from "./api.js";
import { el } from "./dom.js";
import { recordingLine } from "./recording.js";
import { count, duration } from "./telling.js";

const PAGE = 100;

export class Home {
  constructor() {
    this.list = el("ol", { class: "recordings" });
    this.more = el("button", { class: "go more", type: "button", hidden: true, onclick: () => this.page() }, "Show more");
    this.tally = el("p", { class: "where" });
    this.element = el("div", { class: "home" }, el("h1", {}, "What was said, and where"), this.tally, this.list, this.more);
  }

  async load(signal) {
    const about = await library();
    this.tally.textContent = about.recordings
      ? `${count(about.recordings, "recording")}, ${duration(about.seconds)}, ${count(about.words, "word")}`
      : "The index is empty. `audiosearch index FOLDER` fills it.";
    await this.page(signal);
  }

  async page(signal) {
    const offset = this.list.children.length;
    const answer = await get("/recordings", { offset, limit: PAGE }, signal);
    for (const recording of answer.recordings) this.list.append(recordingLine(keep(recording)));
    this.more.hidden = this.list.children.length >= answer.total;
  }

  close() {}

  move() {}

  toggle() {}

  open() {}
}

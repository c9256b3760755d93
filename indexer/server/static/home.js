// Start page: recordings in an order, found by words of their paths; the URL keeps both.

import { cache, get, library } from "./api.js";
import { announce, el } from "./dom.js";
import { emptyLibrary } from "./empty.js";
import { recordingItem } from "./recording.js";
import { count, duration } from "./format.js";

const PAGE = 100;
const PAUSE_MS = 200; // after the last letter that is typed

const ORDERS = { name: "Path", title: "File name", newest: "Newest file", added: "Recently added", longest: "Longest" };

export class Home {
  constructor(query) {
    this.signal = undefined;
    this.list = el("ol", { class: "recordings" });
    this.more = el("button", { class: "primary more", type: "button", hidden: true, onclick: () => this.loadPage() }, "Show more");
    this.tally = el("p", { class: "details" });
    this.shown = el("p", { class: "details shown", hidden: true });
    this.adding = el("a", { class: "add-link", href: "/add", hidden: true }, "Add recordings");
    this.name = el("input", { type: "text", id: "name", enterkeyhint: "search", placeholder: "Part of a name", autocomplete: "off", spellcheck: "false",
      oninput: () => this.changeSoon(), onkeydown: (event) => event.key === "Enter" && this.change() });
    this.name.value = query.get("name") ?? "";
    this.sort = el("select", { id: "sort", onchange: () => this.change() },
      ...Object.entries(ORDERS).map(([order, name]) => new Option(name, order)));
    this.sort.value = query.get("sort") in ORDERS ? query.get("sort") : "name";
    this.controls = el("div", { class: "list-controls", hidden: true },
      el("label", {}, el("span", {}, "Find"), this.name), el("label", {}, el("span", {}, "Sort"), this.sort));
    this.element = el("div", { class: "home" },
      el("h1", {}, "Search speech"), this.tally, this.adding, this.controls, this.shown, this.list, this.more);
  }

  async load(signal) {
    this.signal = signal;
    const totals = await library();
    this.total = totals.recordings;
    this.adding.hidden = !totals.changes;
    this.controls.hidden = !totals.recordings;
    this.tally.textContent = totals.recordings
      ? `${count(totals.recordings, "recording")}, ${duration(totals.seconds)}, ${count(totals.words, "word")}`
      : "";
    if (!totals.recordings) return this.list.replaceWith(emptyLibrary(totals));
    return this.loadPage();
  }

  changeSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.change(), PAUSE_MS);
  }

  /** Show the list anew, with the name and order of the controls. */
  async change() {
    clearTimeout(this.timer);
    if (this.signal?.aborted) return; // another view is shown
    const query = new URLSearchParams();
    if (this.name.value.trim()) query.set("name", this.name.value.trim());
    if (this.sort.value !== "name") query.set("sort", this.sort.value);
    history.replaceState(history.state, "", query.size ? `/?${query}` : "/");
    await this.loadPage({ anew: true });
  }

  /** Append the next page of recordings, or show the first. */
  async loadPage({ anew = false } = {}) {
    const offset = anew ? 0 : this.list.children.length;
    const name = this.name.value.trim();
    const number = (this.requests = (this.requests ?? 0) + 1);
    this.more.disabled = true;
    try {
      const response = await get("/recordings", { offset, limit: PAGE, name, sort: this.sort.value }, this.signal);
      if (number !== this.requests) return; // a newer request was sent
      if (anew) this.list.replaceChildren();
      for (const recording of response.recordings) this.list.append(recordingItem(cache(recording)));
      this.more.hidden = this.list.children.length >= response.total;
      this.shown.hidden = !name;
      this.shown.textContent = response.total
        ? `${count(response.total, "recording")} of “${name}”, ${duration(response.seconds)}`
        : `No path contains “${name}”.`;
      if (name && anew) announce(this.shown.textContent);
    } catch (error) {
      if (!anew) throw error; // shown by the caller
      if (error.name !== "AbortError") announce(error.message);
    } finally {
      this.more.disabled = false;
    }
  }

  // The keys of other views do nothing here

  close() {
    clearTimeout(this.timer);
  }

  move() {}

  toggle() {}

  open() {}
}

// The hits of a search, by recording.

import { asked, get, keep, library } from "./api.js";
import { announce, el, icon } from "./dom.js";
import { markStrip } from "./dock.js";
import { player } from "./player.js";
import { clock, count, duration, folder, percent, spoken, title } from "./telling.js";
import { Waveform } from "./waveform.js";
import { wordsOf } from "./words.js";

export const LEAD = 1; // seconds that are played before a hit
const PAGE = 50;

const split = (text) => (text ? text.split(" ") : []);

/** The hits of a query: `element`, and what is to be done when it goes. */
export class Results {
  constructor(query) {
    this.query = query; // what the server is asked, as URLSearchParams
    this.groups = new Map(); // id of a recording → its group
    this.hits = 0;
    this.waves = [];
    this.tally = el("h1", { class: "tally" });
    this.notes = el("p", { class: "notes" });
    this.list = el("div", { class: "groups" });
    this.more = el("button", { class: "go more", type: "button", hidden: true, onclick: () => this.load() }, "Show more");
    this.element = el("div", { class: "results" }, this.tally, this.notes, this.list, this.more);
    this.listeners = [["time", () => this.time()], ["word", () => this.word()], ["state", () => this.state()]];
    for (const [name, listener] of this.listeners) player.addEventListener(name, listener);
  }

  close() {
    for (const wave of this.waves) wave.close();
    for (const [name, listener] of this.listeners) player.removeEventListener(name, listener);
  }

  /** The next page of hits. */
  async load(signal) {
    this.more.disabled = true;
    const answer = await get("/search", asked(this.query, { limit: PAGE, after: this.after }), signal);
    this.after = answer.after;
    answer.recordings.forEach(keep);
    const about = new Map(answer.recordings.map((one) => [one.id, one]));
    const first = this.hits === 0;
    for (const hit of answer.hits) this.add(about.get(hit.id), hit);
    for (const group of this.groups.values()) group.wave.mark(group.hits);
    this.notes.textContent = answer.notes.join(". ");
    this.notes.hidden = !answer.notes.length;
    this.more.hidden = !answer.after;
    this.more.disabled = false;
    if (!this.hits && answer.after) return this.load(signal);
    if (!this.hits) await this.nothing(answer);
    else {
      const places = `${this.after ? "First " : ""}${count(this.hits, "place")} in ${count(this.groups.size, "recording")}`;
      this.tally.textContent = places;
      announce(first ? `${places}.` : `Now ${places}.`);
    }
  }

  async nothing(answer) {
    const said = this.query.get("q");
    const narrowed = ["path", "confidence"].filter((name) => this.query.get(name));
    this.tally.textContent = "Nothing found";
    const offers = [];
    for (const [word, near] of Object.entries(answer.near)) {
      const links = near.flatMap((other, n) => {
        const query = new URLSearchParams(this.query);
        query.set("q", said.toLowerCase().split(word).join(other));
        return [n ? ", " : "", el("a", { href: `/?${query}` }, other)];
      });
      offers.push(el("p", {}, `“${word}” was not heard anywhere. `, ...(links.length ? ["There is ", ...links, "."] : [])));
    }
    if (!offers.length) {
      offers.push(el("p", {}, said.trim().includes(" ") && !this.query.get("slop")
        ? "Its words are there, but not together; others may lie between."
        : "It is not said, or was heard as something else."));
    }
    if (narrowed.length) {
      const query = new URLSearchParams(this.query);
      for (const name of narrowed) query.delete(name);
      offers.push(el("p", {}, el("a", { href: `/?${query}` }, "Look in all folders, at any confidence")));
    }
    const about = await library();
    offers.push(el("p", { class: "soft" }, `Searched ${count(about.recordings, "recording")}, ${duration(about.seconds)}.`));
    this.list.replaceChildren(el("div", { class: "empty" }, el("p", { class: "sought" }, `“${said}”`), ...offers));
    announce(`Nothing found for ${said}.`);
  }

  add(recording, hit) {
    const group = this.groups.get(recording.id) ?? this.group(recording);
    group.hits.push(hit);
    group.number.textContent = count(group.hits.length, "place");
    group.list.append(this.line(recording, hit));
    this.hits += 1;
  }

  group(recording) {
    const number = el("span");
    const list = el("ol", { class: "hits" });
    const wave = new Waveform(recording, { onseek: (time) => player.play(recording, time) });
    const heading = `g-${recording.id}`;
    const link = el("a", { href: this.address(recording) }, title(recording.path));
    const where = el("p", { class: "where", title: recording.path }, folder(recording.path), " · ", duration(recording.duration), " · ", number);
    this.list.append(el("section", { class: "group", "aria-labelledby": heading }, el("h2", { id: heading }, link), where, wave.element, list));
    const group = { recording, hits: [], number, list, wave };
    this.groups.set(recording.id, group);
    this.waves.push(wave);
    return group;
  }

  address(recording, time) {
    const query = new URLSearchParams(this.query);
    if (time !== undefined) query.set("t", time);
    return `/r/${encodeURIComponent(recording.id)}?${query}`;
  }

  line(recording, hit) {
    const before = split(hit.before);
    const silent = !hit.words.length; // heard where no word was recognized
    const found = silent ? [this.query.get("q").trim()] : hit.words.map((word) => word.text);
    const after = split(hit.after);
    const spans = [...before, ...found, ...after].map((text) => el("span", {}, text));
    const spaced = (some) => some.flatMap((span, n) => (n ? [" ", span] : [span]));
    const mark = el("mark", {}, ...spaced(spans.slice(before.length, before.length + found.length)));
    const words = el("span", { class: "words" },
      ...spaced(spans.slice(0, before.length)), " ", mark, " ", ...spaced(spans.slice(before.length + found.length)));
    const meter = el("span", { class: "meter", "aria-hidden": true }, el("span"));
    meter.firstChild.style.width = `${hit.confidence * 100}%`;
    const sure = el("span", { class: "sure" }, percent(hit.confidence), meter);
    const way = hit.way === "sound" ? el("span", { class: "way", title: "found by its sound, not by recognized words" }, "by sound") : null;
    const button = el("button", { class: "hit", type: "button", onclick: () => this.play(item) },
      el("span", { class: "at" }, icon("play"), el("span", { "aria-hidden": true }, clock(hit.start)), el("span", { class: "unseen" }, `Play at ${spoken(hit.start)}:`)),
      words, el("span", { class: "facts" }, way, sure));
    const open = el("a", { class: "open", href: this.address(recording, Math.round(hit.start * 10) / 10), "aria-label": `Read on at ${spoken(hit.start)}`, title: "Read on from here" }, icon("text"));
    const item = el("li", {}, button, open);
    item.hit = { recording, hit, spans, lead: before.length, silent };
    return item;
  }

  play(item) {
    const { recording, hit } = item.hit;
    player.play(recording, hit.start - LEAD, item);
    this.place(item);
    this.state();
    markStrip(recording.id, this.groups.get(recording.id).hits);
  }

  /** Go to the hit that is so many lines further. */
  move(step) {
    const items = [...this.element.querySelectorAll(".hits > li")];
    if (!items.length) return;
    const at = items.indexOf(this.selected());
    const item = items[at < 0 ? 0 : Math.min(Math.max(at + step, 0), items.length - 1)];
    this.chosen = item;
    item.querySelector("button").focus({ preventScroll: true });
    item.scrollIntoView({ block: "nearest" });
    if (player.playing && player.hit !== item) this.play(item);
  }

  /** The hit that has the focus, or had it, or is played. */
  selected() {
    const focused = document.activeElement?.closest(".hits > li");
    const last = [focused, this.chosen, player.hit].find((item) => item && this.element.contains(item));
    return last ?? null;
  }

  /** Play the hit that was gone to, or pause the one that plays. */
  toggle() {
    const item = this.selected() ?? this.element.querySelector(".hits > li");
    if (item && item !== player.hit) this.play(item);
    else if (player.recording) player.toggle();
  }

  open() {
    this.selected()?.querySelector("a.open").click();
  }

  /** Find where the words of a line stand in the transcript, so that they can be marked. */
  async place({ hit: line }) {
    if (line.first !== undefined) return;
    line.first = (await wordsOf(line.recording.id).at(line.hit.start + 0.0005)) - line.lead;
    this.word();
  }

  state() {
    for (const item of this.element.querySelectorAll("li.on")) item.classList.remove("on", "sounding");
    if (player.hit?.hit) player.hit.classList.add("on");
    if (player.hit?.hit && player.playing) player.hit.classList.add("sounding");
  }

  time() {
    for (const group of this.groups.values()) {
      group.wave.show(player.recording.id === group.recording.id ? player.time : null);
    }
  }

  word() {
    this.now?.classList.remove("now");
    const line = player.hit?.hit;
    if (!line || line.first === undefined) return;
    const place = player.index - line.first;
    this.now = line.spans[line.silent && place >= line.lead ? place + 1 : place];
    this.now?.classList.add("now");
  }
}
